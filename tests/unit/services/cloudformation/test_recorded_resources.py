"""Resources of other services, held against recordings of AWS's answers: physical ids, Ref, Fn::GetAtt, defaults."""

from __future__ import annotations

import json
import re
from typing import Any

from support.inprocess import REGION, InProcess
from support.plane import ACCOUNT, trusting
from support.stacks import KEY_POLICY, Stacks, template

GENERATED = r"[A-Za-z0-9]{12}"


def ref(logical: str) -> dict[str, Any]:
    return {"Ref": logical}


def attribute(logical: str, name: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [logical, name]}


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def role(service: str) -> dict[str, Any]:
    return resource("IAM::Role", AssumeRolePolicyDocument=json.loads(trusting(Service=f"{service}.amazonaws.com")))


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


def made(stacks: Stacks, name: str, resources: dict[str, Any], **outputs: Any) -> dict[str, str]:
    """The outputs of a stack that is made of `resources`."""
    body = template(resources, Outputs={output: {"Value": value} for output, value in outputs.items()})
    assert stacks.create(name, body) == "CREATE_COMPLETE"
    return stacks.outputs(name)


def test_rules_of_another_bus_are_told_with_it(stacks: Stacks) -> None:
    pattern = {"source": ["aws.s3"]}
    told = made(
        stacks,
        "rules",
        {
            "Bus": resource("Events::EventBus", Name="bus"),
            "Named": resource("Events::Rule", Name="named", EventBusName=ref("Bus"), EventPattern=pattern),
            "Unnamed": resource("Events::Rule", EventBusName=ref("Bus"), EventPattern=pattern),
            "Default": resource("Events::Rule", EventPattern=pattern),
        },
        **{f"{name}Ref": ref(name) for name in ("Named", "Unnamed", "Default")},
        **{f"{name}Arn": attribute(name, "Arn") for name in ("Named", "Unnamed", "Default")},
    )
    assert (told["NamedRef"], told["NamedArn"]) == ("bus|named", arn("events", "rule/bus/named"))
    assert re.fullmatch(rf"bus\|rules-Unnamed-{GENERATED}", told["UnnamedRef"])
    assert told["UnnamedArn"] == arn("events", "rule/" + told["UnnamedRef"].replace("|", "/"))
    assert re.fullmatch(rf"rules-Default-{GENERATED}", told["DefaultRef"])
    assert told["DefaultArn"] == arn("events", f"rule/{told['DefaultRef']}")


def test_a_secret_and_its_policy_are_told_by_the_arn_of_the_secret(plane: InProcess, stacks: Stacks) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "secretsmanager:ReplicateSecretToRegions",
                "Resource": "*",
            }
        ],
    }
    told = made(
        stacks,
        "secret",
        {
            "Secret": resource("SecretsManager::Secret", Description="a password", GenerateSecretString={}),
            "Policy": resource("SecretsManager::ResourcePolicy", SecretId=ref("Secret"), ResourcePolicy=policy),
        },
        Secret=ref("Secret"),
        Policy=ref("Policy"),
    )
    assert told["Secret"] == told["Policy"]
    secrets = plane.client("secretsmanager")
    shown = secrets.describe_secret(SecretId=told["Secret"])
    assert shown["Description"] == "a password"
    assert list(shown["VersionIdsToStages"].values()) == [["AWSCURRENT"]]
    assert shown["Tags"] == [
        {"Key": "aws:cloudformation:stack-name", "Value": "secret"},
        {"Key": "aws:cloudformation:logical-id", "Value": "Secret"},
        {"Key": "aws:cloudformation:stack-id", "Value": stacks.told("secret")["StackId"]},
    ]
    assert json.loads(secrets.get_resource_policy(SecretId=told["Secret"])["ResourcePolicy"]) == policy


def test_a_wait_condition_is_told_by_its_handle(stacks: Stacks) -> None:
    told = made(
        stacks,
        "waits",
        {
            "WaitHandle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
            "Condition": resource("CloudFormation::WaitCondition", Handle=ref("WaitHandle"), Count=0, Timeout="1"),
        },
        Condition=ref("Condition"),
    )
    assert told == {"Condition": f"{stacks.told('waits')['StackId']}/WaitHandle"}
    assert stacks.physical("waits")["Condition"] == told["Condition"]


def test_keys_and_aliases(stacks: Stacks) -> None:
    told = made(
        stacks,
        "keys",
        {
            "Key": resource("KMS::Key", KeyPolicy=KEY_POLICY),
            "Alias": resource("KMS::Alias", AliasName="alias/sample", TargetKeyId=ref("Key")),
        },
        Key=ref("Key"),
        Arn=attribute("Key", "Arn"),
        Alias=ref("Alias"),
    )
    assert (told["Arn"], told["Alias"]) == (arn("kms", f"key/{told['Key']}"), "alias/sample")


def test_a_stream_is_provisioned_and_told_by_its_name(plane: InProcess, stacks: Stacks) -> None:
    told = made(
        stacks,
        "stream",
        {"Stream": resource("Kinesis::Stream", ShardCount=1)},
        Name=ref("Stream"),
        Arn=attribute("Stream", "Arn"),
    )
    assert re.fullmatch(rf"stream-Stream-{GENERATED}", told["Name"])
    assert told["Arn"] == arn("kinesis", f"stream/{told['Name']}")
    shown = plane.client("kinesis").describe_stream(StreamName=told["Name"])["StreamDescription"]
    assert (shown["StreamStatus"], shown["RetentionPeriodHours"], len(shown["Shards"])) == ("ACTIVE", 24, 1)


def test_groups_and_streams_of_logs_are_told_by_their_names(plane: InProcess, stacks: Stacks) -> None:
    told = made(
        stacks,
        "logs",
        {
            "Group": resource("Logs::LogGroup", RetentionInDays=731),
            "Stream": resource("Logs::LogStream", LogGroupName=ref("Group")),
        },
        Group=ref("Group"),
        Stream=ref("Stream"),
        Arn=attribute("Group", "Arn"),
    )
    logs = plane.client("logs")
    (group,) = logs.describe_log_groups(logGroupNamePrefix=told["Group"])["logGroups"]
    assert group["retentionInDays"] == 731
    assert group["arn"] == told["Arn"] == arn("logs", f"log-group:{told['Group']}:*")
    (stream,) = logs.describe_log_streams(logGroupName=told["Group"])["logStreams"]
    assert stream["logStreamName"] == told["Stream"]
    assert stream["arn"] == arn("logs", f"log-group:{told['Group']}:log-stream:{told['Stream']}")


def test_a_table_has_the_capacity_that_its_billing_mode_says(plane: InProcess, stacks: Stacks) -> None:
    keys = {
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
    }
    capacity = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    told = made(
        stacks,
        "tables",
        {
            "Asked": resource("DynamoDB::Table", BillingMode="PAY_PER_REQUEST", **keys),
            "Provided": resource("DynamoDB::Table", ProvisionedThroughput=capacity, **keys),
        },
        **{f"{name}Ref": ref(name) for name in ("Asked", "Provided")},
        **{f"{name}Arn": attribute(name, "Arn") for name in ("Asked", "Provided")},
        **{f"{name}Stream": attribute(name, "StreamArn") for name in ("Asked", "Provided")},
    )
    dynamodb = plane.client("dynamodb")
    for name, units in {"Asked": 0, "Provided": 5}.items():
        table = dynamodb.describe_table(TableName=told[f"{name}Ref"])["Table"]
        assert told[f"{name}Arn"] == table["TableArn"] == arn("dynamodb", f"table/{table['TableName']}")
        assert told[f"{name}Stream"] == table["LatestStreamArn"]
        assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == units
        assert (table["TableStatus"], table["DeletionProtectionEnabled"]) == ("ACTIVE", False)
        assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_a_security_group_is_told_by_its_id_where_its_network_is_given(stacks: Stacks) -> None:
    told = made(
        stacks,
        "groups",
        {
            "Network": resource("EC2::VPC", CidrBlock="10.0.0.0/16"),
            "Within": resource("EC2::SecurityGroup", GroupDescription="within", VpcId=ref("Network")),
            "Without": resource("EC2::SecurityGroup", GroupDescription="without"),
        },
        Within=ref("Within"),
        WithinId=attribute("Within", "GroupId"),
        Without=ref("Without"),
        WithoutId=attribute("Without", "GroupId"),
    )
    assert told["Within"] == told["WithinId"]
    assert told["WithoutId"].startswith("sg-")
    assert re.fullmatch(rf"groups-Without-{GENERATED}", told["Without"])


def test_gateways_and_route_tables_are_told_by_their_ids(plane: InProcess, stacks: Stacks) -> None:
    told = made(
        stacks,
        "routes",
        {
            "Gateway": {"Type": "AWS::EC2::InternetGateway"},
            "Network": resource("EC2::VPC", CidrBlock="100.0.0.0/20"),
            "Table": resource("EC2::RouteTable", VpcId=ref("Network"), Tags=[{"Key": "env", "Value": "production"}]),
        },
        Gateway=ref("Gateway"),
        GatewayId=attribute("Gateway", "InternetGatewayId"),
        Table=ref("Table"),
        TableId=attribute("Table", "RouteTableId"),
    )
    assert (told["Gateway"], told["Table"]) == (told["GatewayId"], told["TableId"])
    (table,) = plane.client("ec2").describe_route_tables(RouteTableIds=[told["Table"]])["RouteTables"]
    assert table["Associations"] == []
    (route,) = table["Routes"]
    assert (route["DestinationCidrBlock"], route["GatewayId"], route["State"]) == ("100.0.0.0/20", "local", "active")
    assert {tag["Key"]: tag["Value"] for tag in table["Tags"]} == {
        "aws:cloudformation:logical-id": "Table",
        "aws:cloudformation:stack-id": stacks.told("routes")["StackId"],
        "aws:cloudformation:stack-name": "routes",
        "env": "production",
    }


def test_schedules_are_told_by_their_names(plane: InProcess, stacks: Stacks) -> None:
    told = made(
        stacks,
        "schedules",
        {
            "Group": {"Type": "AWS::Scheduler::ScheduleGroup"},
            "Queue": {"Type": "AWS::SQS::Queue"},
            "Role": role("scheduler"),
            "Schedule": resource(
                "Scheduler::Schedule",
                GroupName=ref("Group"),
                ScheduleExpression="cron(0 0 * * ? *)",
                FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 60},
                Target={"Arn": attribute("Queue", "Arn"), "RoleArn": attribute("Role", "Arn")},
            ),
        },
        Group=ref("Group"),
        Schedule=ref("Schedule"),
        Arn=attribute("Schedule", "Arn"),
    )
    assert told["Arn"] == arn("scheduler", f"schedule/{told['Group']}/{told['Schedule']}")
    shown = plane.client("scheduler").get_schedule(Name=told["Schedule"], GroupName=told["Group"])
    assert (shown["State"], shown["ScheduleExpressionTimezone"]) == ("ENABLED", "UTC")
    assert shown["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}


def test_functions_and_what_belongs_to_them_are_told_by_names_and_arns(plane: InProcess, stacks: Stacks) -> None:
    made(
        stacks,
        "functions",
        {
            "Alias": resource(
                "Lambda::Alias",
                FunctionName=ref("Function"),
                FunctionVersion=attribute("Version", "Version"),
                Name="alias",
            ),
            "Function": resource(
                "Lambda::Function",
                FunctionName="recorded",
                Handler="index.handler",
                Runtime="python3.12",
                Code={"ZipFile": "def handler(event, context):\n    return {}\n"},
                Role=attribute("Role", "Arn"),
            ),
            "Mapping": resource(
                "Lambda::EventSourceMapping",
                FunctionName=ref("Function"),
                EventSourceArn=attribute("Queue", "Arn"),
            )
            | {"DependsOn": "Reads"},
            "Permission": resource(
                "Lambda::Permission",
                Action="lambda:InvokeFunction",
                FunctionName=ref("Function"),
                Principal="sns.amazonaws.com",
                SourceArn=ref("Topic"),
            ),
            "Queue": {"Type": "AWS::SQS::Queue"},
            "Reads": resource(
                "IAM::Policy",
                PolicyName="reads",
                Roles=[ref("Role")],
                PolicyDocument={
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}],
                },
            ),
            "Role": role("lambda"),
            "Topic": {"Type": "AWS::SNS::Topic"},
            "Url": resource("Lambda::Url", AuthType="NONE", TargetFunctionArn=attribute("Function", "Arn")),
            "Version": resource("Lambda::Version", FunctionName=ref("Function")),
        },
    )
    physical, function = stacks.physical("functions"), arn("lambda", "function:recorded")
    assert list(physical) == sorted(physical)
    assert (physical["Function"], physical["Url"]) == ("recorded", function)
    assert (physical["Alias"], physical["Version"]) == (f"{function}:alias", f"{function}:1")
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", physical["Mapping"])
    (statement,) = json.loads(plane.client("lambda").get_policy(FunctionName="recorded")["Policy"])["Statement"]
    assert statement["Sid"] == physical["Permission"]
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert statement["Condition"] == {"ArnLike": {"AWS:SourceArn": physical["Topic"]}}
    tags = plane.client("lambda").get_function(FunctionName="recorded")["Tags"]
    assert tags["aws:cloudformation:logical-id"] == "Function"
    alias = plane.client("lambda").get_alias(FunctionName="recorded", Name="alias")
    assert (alias["FunctionVersion"], alias["Description"]) == ("1", "")


def test_a_queue_its_policy_and_a_subscription(plane: InProcess, stacks: Stacks) -> None:
    policy: dict[str, Any] = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": attribute("Queue", "Arn"),
                "Condition": {"ArnEquals": {"aws:SourceArn": ref("Topic")}},
            }
        ],
    }
    resources = {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "QueuePolicy": resource("SQS::QueuePolicy", Queues=[ref("Queue")], PolicyDocument=policy),
        "Subscription": resource(
            "SNS::Subscription", Protocol="sqs", TopicArn=ref("Topic"), Endpoint=attribute("Queue", "Arn")
        ),
        "Topic": {"Type": "AWS::SNS::Topic"},
    }
    told = made(stacks, "queue", resources, Url=ref("Queue"), Arn=attribute("Queue", "Arn"), Topic=ref("Topic"))
    physical = stacks.physical("queue")
    assert told["Url"] == physical["Queue"]
    assert told["Arn"] == arn("sqs", physical["Queue"].rpartition("/")[2])
    assert re.fullmatch(rf"{told['Topic']}:[0-9a-f-]{{36}}", physical["Subscription"])
    sqs = plane.client("sqs")
    held = json.loads(sqs.get_queue_attributes(QueueUrl=told["Url"], AttributeNames=["Policy"])["Attributes"]["Policy"])
    assert held["Statement"][0]["Condition"] == {"ArnEquals": {"aws:SourceArn": told["Topic"]}}
    policy["Statement"][0]["Effect"] = "Deny"
    body = template(resources, Outputs={"Url": {"Value": ref("Queue")}})
    assert stacks.update("queue", body) == "UPDATE_COMPLETE"
    assert stacks.physical("queue") == physical
    held = json.loads(sqs.get_queue_attributes(QueueUrl=told["Url"], AttributeNames=["Policy"])["Attributes"]["Policy"])
    assert held["Statement"][0]["Effect"] == "Deny"


def test_a_bucket_has_its_rules_website_and_lock(plane: InProcess, stacks: Stacks) -> None:
    rule = {
        "AllowedHeaders": ["*", "x-amz-*"],
        "AllowedMethods": ["GET"],
        "AllowedOrigins": ["*"],
        "ExposedHeaders": ["Date"],
        "Id": "rule",
        "MaxAge": 3600,
    }
    website = {
        "IndexDocument": "index.html",
        "ErrorDocument": "error.html",
        "RoutingRules": [
            {
                "RoutingRuleCondition": {"HttpErrorCodeReturnedEquals": "404", "KeyPrefixEquals": "out/"},
                "RedirectRule": {"ReplaceKeyWith": "redirected.html"},
            }
        ],
    }
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Days": 2, "Mode": "GOVERNANCE"}}}
    told = made(
        stacks,
        "buckets",
        {
            "Site": resource("S3::Bucket", CorsConfiguration={"CorsRules": [rule]}, WebsiteConfiguration=website),
            "Locked": resource("S3::Bucket", ObjectLockEnabled=True, ObjectLockConfiguration=lock),
            "Enabled": resource("S3::Bucket", ObjectLockEnabled=True),
        },
        **{name: ref(name) for name in ("Site", "Locked", "Enabled")},
    )
    assert re.fullmatch(r"buckets-site-[a-z0-9]{12}", told["Site"])
    s3 = plane.client("s3")
    assert s3.get_bucket_cors(Bucket=told["Site"])["CORSRules"] == [
        {
            "AllowedHeaders": ["*", "x-amz-*"],
            "AllowedMethods": ["GET"],
            "AllowedOrigins": ["*"],
            "ExposeHeaders": ["Date"],
            "ID": "rule",
            "MaxAgeSeconds": 3600,
        }
    ]
    shown = s3.get_bucket_website(Bucket=told["Site"])
    assert (shown["IndexDocument"], shown["ErrorDocument"]) == ({"Suffix": "index.html"}, {"Key": "error.html"})
    assert shown["RoutingRules"] == [
        {
            "Condition": {"HttpErrorCodeReturnedEquals": "404", "KeyPrefixEquals": "out/"},
            "Redirect": {"ReplaceKeyWith": "redirected.html"},
        }
    ]
    held = {name: s3.get_object_lock_configuration(Bucket=told[name]) for name in ("Locked", "Enabled")}
    assert held["Locked"]["ObjectLockConfiguration"] == lock
    assert held["Enabled"]["ObjectLockConfiguration"] == {"ObjectLockEnabled": "Enabled"}


def test_a_state_machine_keeps_its_arn_when_its_definition_changes(plane: InProcess, stacks: Stacks) -> None:
    def resources(comment: str) -> dict[str, Any]:
        definition = {"Comment": comment, "StartAt": "S0", "States": {"S0": {"Type": "Succeed"}}}
        machine = resource(
            "StepFunctions::StateMachine",
            RoleArn=attribute("Role", "Arn"),
            DefinitionString=json.dumps(definition),
        )
        return {"Role": role("states"), "Machine": machine}

    told = made(stacks, "machine", resources("created"), Arn=ref("Machine"), Name=attribute("Machine", "Name"))
    assert told["Arn"] == arn("states", f"stateMachine:{told['Name']}")
    assert stacks.update("machine", template(resources("updated"))) == "UPDATE_COMPLETE"
    shown = plane.client("stepfunctions").describe_state_machine(stateMachineArn=told["Arn"])
    assert (json.loads(shown["definition"])["Comment"], shown["type"], shown["status"]) == (
        "updated",
        "STANDARD",
        "ACTIVE",
    )


def test_an_alarm_is_told_by_its_name(stacks: Stacks) -> None:
    alarm = resource(
        "CloudWatch::Alarm",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="CPUUsage",
        Namespace="Own",
        Period=60,
        Statistic="Average",
        Threshold=70,
    )
    told = made(stacks, "alarm", {"Alarm": alarm}, Name=ref("Alarm"), Arn=attribute("Alarm", "Arn"))
    assert re.fullmatch(rf"alarm-Alarm-{GENERATED}", told["Name"])
    assert told["Arn"] == arn("cloudwatch", f"alarm:{told['Name']}")


def test_generated_names_are_cut_to_what_a_type_takes(stacks: Stacks) -> None:
    """Of a name of the stack that takes less than its half, the logical id has the rest."""
    role_name = "FunctionExecutionServiceRole"
    resources = {
        role_name: role("lambda"),
        "ServiceRoleDefaultPolicy": resource(
            "IAM::Policy",
            PolicyName="own",
            PolicyDocument={
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
            },
            Roles=[ref(role_name)],
        ),
        "ScheduleOfTheNightlyRefreshing": resource("Events::Rule", ScheduleExpression="rate(1 day)"),
        "Group": resource("Logs::LogGroup"),
        "FailuresOfTheIntentMetricFilter": resource(
            "Logs::MetricFilter",
            LogGroupName=ref("Group"),
            FilterPattern="x",
            MetricTransformations=[{"MetricName": "m", "MetricNamespace": "n", "MetricValue": "1"}],
        ),
        "CDKMetadata": resource("CDK::Metadata", Analytics="v2"),
    }
    made(stacks, "cuts-generated-names-x", resources)
    physical = stacks.physical("cuts-generated-names-x")
    assert re.fullmatch(rf"cuts-generated-names-x-FunctionExecutionServiceRole-{GENERATED}", physical[role_name])
    assert re.fullmatch(
        rf"cuts-generated-names-x-ScheduleOfTheNightlyRefreshi-{GENERATED}", physical["ScheduleOfTheNightlyRefreshing"]
    )
    assert re.fullmatch(rf"cuts-Servi-{GENERATED}", physical["ServiceRoleDefaultPolicy"])
    filter_name = "FailuresOfTheIntentMetricFilter"
    assert re.fullmatch(rf"{filter_name}-{GENERATED}", physical[filter_name])
    assert stacks.told("cuts-generated-names-x")["StackId"].endswith(f"/{physical['CDKMetadata']}")


def test_drift_is_told_as_json_without_blanks_and_of_what_is_gone_without_properties(
    plane: InProcess, stacks: Stacks
) -> None:
    iam, tags = plane.client("iam"), [{"Key": "Name", "Value": "x"}]
    tagged = role("ec2")
    tagged["Properties"]["Tags"] = tags
    made(stacks, "drifts", {"Role": tagged, "User": resource("IAM::User", UserName="gone")})
    iam.tag_role(RoleName=stacks.physical("drifts")["Role"], Tags=[{"Key": "Other", "Value": "y"}])
    iam.delete_user(UserName="gone")
    stacks.client.detect_stack_drift(StackName="drifts")
    plane.settle_drifts()
    changed, gone = stacks.client.describe_stack_resource_drifts(StackName="drifts")["StackResourceDrifts"]
    assert changed["ExpectedProperties"] == json.dumps(tagged["Properties"], separators=(",", ":"))
    assert '"Tags":[{"Key":"Name","Value":"x"},{"Key":"Other","Value":"y"}]' in changed["ActualProperties"]
    assert changed["PropertyDifferences"] == [
        {
            "PropertyPath": "/Tags/1",
            "ExpectedValue": "null",
            "ActualValue": '{"Key":"Other","Value":"y"}',
            "DifferenceType": "ADD",
        }
    ]
    assert gone["StackResourceDriftStatus"] == "DELETED"
    assert {"ExpectedProperties", "ActualProperties", "PropertyDifferences"}.isdisjoint(gone)
