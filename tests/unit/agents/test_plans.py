"""Plans of deployments: what is told before anything is made, and how one would have it tell too little."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import count
from typing import Any, Final

import pytest

from locum.agents.plans.question import answer, answer_offline
from locum.agents.plans.terraform_types import type_of
from locum.core.errors import ConfigurationError
from locum.services.cloudformation.providers import PROVIDERS
from locum.services.cloudformation.schemas import published_types, schema_of
from support.inprocess import REGION, InProcess
from support.plane import ACCOUNT, allow, document, fresh, trusting
from support.stacks import template

CLOUDFORMATION: Final = trusting(Service="cloudformation.amazonaws.com")
QUEUE: Final = template({"Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "jobs"}}})
FUNCTION: Final = template(
    {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": json.loads(trusting(Service="lambda.amazonaws.com"))},
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Role": {"Fn::GetAtt": "Role.Arn"},
                "Handler": "index.handler",
                "Runtime": "python3.12",
                "Code": {"ZipFile": "def handler(event, context): pass"},
            },
        },
    }
)
_names = count(1)


class Planner:
    """The plans of a plane."""

    def __init__(self, plane: InProcess) -> None:
        self.plane = plane
        self.iam = plane.client("iam")

    def plan(self, body: str, **question: Any) -> dict[str, Any]:
        told = {"text": body, "account": ACCOUNT, "region": REGION, "stack_name": "app", **question}
        return self.plane.run(answer(self.plane.node.runtime, told))

    def role(self, *statements: Mapping[str, Any], trust: str = CLOUDFORMATION, **more: Any) -> str:
        """The name of a new role that may do what `statements` say."""
        name = f"planned-{next(_names)}"
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **more)
        if statements:
            self.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
        return name


@pytest.fixture(scope="module")
def planner(plane: InProcess) -> Planner:
    return Planner(plane)


def verdicts(plan: Mapping[str, Any], action: str, phase: str = "create") -> dict[str, str]:
    """The verdicts on an action by resource."""
    rows = [*plan["findings"], *plan["ofCaller"]]
    return {row["resource"]: row["verdict"] for row in rows if (row["action"], row["phase"]) == (action, phase)}


# -- what a deployment takes -----------------------------------------------------------------------------


def test_a_role_that_a_function_gets_has_to_be_passed_to_it(planner: Planner) -> None:
    everything_but_passing = (
        allow(["iam:*Role*", "lambda:*"]),
        {"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*"},
    )
    plan = planner.plan(FUNCTION, acting=planner.role(*everything_but_passing))
    assert verdicts({**plan, "ofCaller": []}, "iam:PassRole") == {f"arn:aws:iam::{ACCOUNT}:role/app-Role-*": "denied"}
    (passed,) = [row for row in plan["permissions"] if row[0] == "iam:PassRole"]
    assert [tuple(pair) for pair in passed[3]] == [("iam:passedtoservice", "lambda.amazonaws.com")]


@pytest.mark.parametrize(
    ("resource", "verdict"),
    [
        (f"arn:aws:iam::{ACCOUNT}:role/app-*", "allowed"),
        (f"arn:aws:iam::{ACCOUNT}:role/app-Role-A*", "depends"),
        (f"arn:aws:iam::{ACCOUNT}:role/other-*", "denied"),
    ],
)
def test_a_generated_name_is_allowed_where_every_such_name_is(planner: Planner, resource: str, verdict: str) -> None:
    plan = planner.plan(FUNCTION, acting=planner.role(allow("iam:CreateRole", resource)))
    assert verdicts(plan, "iam:CreateRole") == {f"arn:aws:iam::{ACCOUNT}:role/app-Role-*": verdict}


def test_an_explicit_deny_of_one_of_the_names_counts(planner: Planner) -> None:
    denied = {"Effect": "Deny", "Action": "iam:CreateRole", "Resource": f"arn:aws:iam::{ACCOUNT}:role/*-z"}
    plan = planner.plan(FUNCTION, acting=planner.role(allow("*"), denied))
    assert verdicts(plan, "iam:CreateRole") == {f"arn:aws:iam::{ACCOUNT}:role/app-Role-*": "depends"}


def test_a_permissions_boundary_limits_what_is_allowed_and_is_named(planner: Planner) -> None:
    boundary = planner.iam.create_policy(PolicyName="no-queues", PolicyDocument=document(allow("s3:*")))
    role = planner.role(allow("*"), PermissionsBoundary=boundary["Policy"]["Arn"])
    plan = planner.plan(QUEUE, acting=role)
    (row,) = [row for row in plan["findings"] if (row["action"], row["phase"]) == ("sqs:CreateQueue", "create")]
    assert row["verdict"] == "denied"
    assert "no permissions boundary allows" in row["reason"]
    assert not row["needed"]


def test_the_caller_needs_to_call_cloudformation_and_to_pass_the_role(planner: Planner) -> None:
    role, caller = planner.role(allow("*")), "planned-caller"
    planner.plane.user(caller, allow("cloudformation:CreateStack"))
    plan = planner.plan(QUEUE, acting=role, caller=caller)
    assert set(verdicts(plan, "cloudformation:CreateStack").values()) == {"allowed"}
    assert set(verdicts(plan, "cloudformation:DeleteStack", "delete").values()) == {"denied"}
    assert verdicts(plan, "iam:PassRole") == {f"arn:aws:iam::{ACCOUNT}:role/{role}": "denied"}
    assert {row["verdict"] for row in plan["findings"]} == {"allowed"}


def test_without_a_role_it_is_the_callers_permissions_by_way_of_cloudformation(planner: Planner) -> None:
    through: dict[str, Any] = {"ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}
    planner.plane.user("planned-forward", allow("sqs:*", **through), allow("cloudformation:*"))
    planner.plane.user("planned-direct", allow("sqs:*", Null={"aws:CalledVia": "true"}), allow("cloudformation:*"))
    assert set(verdicts(planner.plan(QUEUE, acting="planned-forward"), "sqs:CreateQueue").values()) == {"allowed"}
    assert set(verdicts(planner.plan(QUEUE, acting="planned-direct"), "sqs:CreateQueue").values()) == {"denied"}


def test_a_role_that_does_not_trust_cloudformation_is_told(planner: Planner) -> None:
    plan = planner.plan(QUEUE, acting=planner.role(allow("*"), trust=trusting(Service="ec2.amazonaws.com")))
    assert "cloudformation.amazonaws.com cannot assume it" in plan["refusal"]


def test_a_key_whose_own_policy_locks_its_maker_out_is_denied(planner: Planner) -> None:
    locked = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/other"}, "Action": "kms:*"}
    key = {"KeyPolicy": {"Version": "2012-10-17", "Statement": {**locked, "Resource": "*"}}, "EnableKeyRotation": True}
    body = template({"Key": {"Type": "AWS::KMS::Key", "Properties": key}})
    plan = planner.plan(body, acting=planner.role(allow("*")))
    assert set(verdicts(plan, "kms:EnableKeyRotation").values()) == {"denied"}


def test_what_a_launch_template_has_is_what_a_group_needs(planner: Planner) -> None:
    body = template(
        {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": json.loads(trusting(Service="ec2.amazonaws.com"))},
            },
            "Profile": {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [{"Ref": "Role"}]}},
            "Launch": {
                "Type": "AWS::EC2::LaunchTemplate",
                "Properties": {
                    "LaunchTemplateData": {
                        "ImageId": "ami-12c6146b",
                        "InstanceType": "t3.micro",
                        "IamInstanceProfile": {"Name": {"Ref": "Profile"}},
                    }
                },
            },
            "Group": {
                "Type": "AWS::AutoScaling::AutoScalingGroup",
                "Properties": {
                    "MinSize": "0",
                    "MaxSize": "1",
                    "AvailabilityZones": ["us-east-1a"],
                    "LaunchTemplate": {"LaunchTemplateId": {"Ref": "Launch"}, "Version": "1"},
                },
            },
        }
    )
    plan = planner.plan(
        body, acting=planner.role(allow("*"), {"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*"})
    )
    of_group = {row["action"]: row["verdict"] for row in plan["findings"] if row["logical"] == "Group"}
    assert of_group["iam:PassRole"] == "denied"
    assert of_group["ec2:RunInstances"] == "allowed"


def test_a_rolling_update_takes_the_termination_of_instances_of_the_group(planner: Planner) -> None:
    rolling = {"AutoScalingRollingUpdate": {"MaxBatchSize": 1, "SuspendProcesses": ["AZRebalance"]}}
    data = {"ImageId": "ami-12c6146b", "InstanceType": "t3.micro"}
    group = {
        "MinSize": "0",
        "MaxSize": "1",
        "AvailabilityZones": ["us-east-1a"],
        "LaunchTemplate": {"LaunchTemplateId": {"Ref": "Launch"}, "Version": "1"},
    }
    body = template(
        {
            "Launch": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": data}},
            "Group": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": group, "UpdatePolicy": rolling},
        }
    )
    plan = planner.plan(body, acting=planner.role())
    for action in ("TerminateInstanceInAutoScalingGroup", "SuspendProcesses", "ResumeProcesses"):
        (resource,) = verdicts(plan, f"autoscaling:{action}", "update")
        assert resource.endswith(":autoScalingGroupName/app-Group-*"), action


def test_an_alias_that_codedeploy_moves_takes_a_deployment(planner: Planner) -> None:
    alias = {"FunctionName": "f", "Name": "live", "FunctionVersion": "1"}
    policy = {"CodeDeployLambdaAliasUpdate": {"ApplicationName": "app", "DeploymentGroupName": "all"}}
    it = {"Type": "AWS::Lambda::Alias", "Properties": alias, "UpdatePolicy": policy}
    plan = planner.plan(template({"It": it}), acting=planner.role())
    for action in ("CreateDeployment", "GetDeployment"):
        (resource,) = verdicts(plan, f"codedeploy:{action}", "update")
        assert resource.endswith(":deploymentgroup:app/all") or action == "GetDeployment"


@pytest.mark.parametrize(
    ("kind", "properties", "policy", "action"),
    [
        (
            "AWS::OpenSearchService::Domain",
            {"DomainName": "found", "EngineVersion": "OpenSearch_1.0"},
            "EnableVersionUpgrade",
            "es:UpgradeDomain",
        ),
        (
            "AWS::ElastiCache::ReplicationGroup",
            {"ReplicationGroupDescription": "d", "ReplicationGroupId": "found", "NumNodeGroups": 2},
            "UseOnlineResharding",
            "elasticache:ModifyReplicationGroupShardConfiguration",
        ),
    ],
)
def test_what_an_update_policy_changes_in_place_takes_permission(
    planner: Planner, kind: str, properties: dict[str, Any], policy: str, action: str
) -> None:
    it = {"Type": kind, "Properties": properties}
    plan = planner.plan(template({"It": {**it, "UpdatePolicy": {policy: True}}}), acting=planner.role())
    assert set(verdicts(plan, action, "update").values()) == {"denied"}
    assert not verdicts(planner.plan(template({"It": it}), acting=planner.role()), action, "update")


@pytest.mark.parametrize("policy", ["DeletionPolicy", "UpdateReplacePolicy"])
def test_a_snapshot_before_a_deletion_takes_permission(planner: Planner, policy: str) -> None:
    volume = {"Type": "AWS::EC2::Volume", "Properties": {"Size": 1, "AvailabilityZone": "us-east-1a"}}
    plan = planner.plan(template({"Volume": {**volume, policy: "Snapshot"}}), acting=planner.role())
    assert set(verdicts(plan, "ec2:CreateSnapshot", "delete").values()) == {"denied"}
    assert not verdicts(
        planner.plan(template({"Volume": volume}), acting=planner.role()), "ec2:CreateSnapshot", "delete"
    )


# -- what is not known -----------------------------------------------------------------------------------


def test_a_type_without_a_provider_is_told_by_its_published_permissions(planner: Planner) -> None:
    made = ((kind, schema_of(kind)) for kind in published_types() if kind not in PROVIDERS)
    kind, schema = next((kind, it) for kind, it in made if it is not None and it.permissions.get("create"))
    plan = planner.plan(template({"It": {"Type": kind, "Properties": {}}}), acting=planner.role())
    told = {row["action"]: (row["resource"], row["verdict"]) for row in plan["findings"] if row["phase"] == "create"}
    assert told == dict.fromkeys(schema.permissions["create"], ("*", "denied"))
    assert any("less exact" in note["note"] for note in plan["notes"])
    assert not plan["unknown"]


def test_a_type_that_nobody_knows_is_not_left_out(planner: Planner) -> None:
    plan = planner.plan(
        template({"What": {"Type": "AWS::No::Such", "Properties": {}}}), acting=planner.role(allow("*"))
    )
    assert plan["unknown"] == ["AWS::No::Such"]


def test_a_stack_that_is_nested_in_itself_comes_to_an_end(planner: Planner) -> None:
    s3 = planner.plane.client("s3")
    s3.create_bucket(Bucket="nests")
    url = "https://nests.s3.amazonaws.com/self.json"
    body = template({"Self": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}})
    s3.put_object(Bucket="nests", Key="self.json", Body=body.encode())
    plan = planner.plan(body, acting=planner.role(allow("*")))
    assert any("nested deeper than" in note["note"] for note in plan["notes"])


@pytest.mark.parametrize("terraformed", [False, True])
def test_attack_a_stack_that_is_nested_in_itself_many_times_comes_to_an_end(
    planner: Planner, *, terraformed: bool
) -> None:
    s3, bucket = planner.plane.client("s3"), fresh("nests")
    s3.create_bucket(Bucket=bucket)
    nested = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": f"https://{bucket}.s3.amazonaws.com/self.json"},
    }
    body = template({f"Self{number}": nested for number in range(100)})
    s3.put_object(Bucket=bucket, Key="self.json", Body=body.encode())
    asked = terraform(changed(STACK, "create", after=stack_of(body))) if terraformed else body
    plan = planner.plan(asked, acting=planner.role(allow("*")), terraform=terraformed, phases=("create",))
    assert any("what is nested after 2500 resources is not looked into" in note["note"] for note in plan["notes"])


def test_a_nested_template_has_to_be_read_by_who_deploys_it(planner: Planner) -> None:
    s3 = planner.plane.client("s3")
    s3.create_bucket(Bucket="inner-templates")
    s3.put_object(Bucket="inner-templates", Key="inner.json", Body=QUEUE.encode())
    inner = {"TemplateURL": "https://inner-templates.s3.amazonaws.com/inner.json"}
    body = template({"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": inner}})
    plan = planner.plan(body, acting=planner.role(allow(["cloudformation:*", "sqs:*"])))
    assert verdicts(plan, "s3:GetObject") == {"arn:aws:s3:::inner-templates/inner.json": "denied"}
    assert verdicts(plan, "sqs:CreateQueue") == {f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs": "allowed"}


# -- what a plan does not do -----------------------------------------------------------------------------


def test_a_plan_makes_nothing_and_records_nothing(planner: Planner) -> None:
    role, runtime = planner.role(allow("*")), planner.plane.node.runtime
    before, records = runtime.ledger.state.sequence, [record.request_id for record in planner.plane.records()]
    planner.plan(FUNCTION, acting=role)
    assert runtime.ledger.state.sequence == before
    assert [record.request_id for record in planner.plane.records()] == records
    assert not [it for it in planner.iam.list_roles()["Roles"] if it["RoleName"].startswith("app-Role")]


def test_the_value_of_a_secret_parameter_is_not_in_the_answer(planner: Planner) -> None:
    body = template(
        {
            "Secret": {
                "Type": "AWS::SecretsManager::Secret",
                "Properties": {"Name": "s", "SecretString": {"Ref": "P"}},
            },
        },
        Parameters={"P": {"Type": "String", "NoEcho": True}},
    )
    plan = planner.plan(body, acting=planner.role(), parameters={"P": "hunter2-hunter2"})
    assert "hunter2" not in json.dumps(plan)


def test_other_policies_are_tried_without_being_put_in_place(planner: Planner) -> None:
    role = planner.role()
    plan = planner.plan(QUEUE, acting=role, policies={"tried": document(allow("sqs:*"))})
    assert set(verdicts(plan, "sqs:CreateQueue").values()) == {"allowed"}
    assert planner.iam.list_role_policies(RoleName=role)["PolicyNames"] == []


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ({"text": "Resources: ["}, "Template format error"),
        ({"text": QUEUE, "acting": "nobody-at-all"}, "no user and no role"),
        ({"text": QUEUE, "parameters": {"No": "such"}}, "do not exist in the template"),
        ({"text": "[" * 100_000, "terraform": True}, "this is no plan"),
        ({"text": '{"resource_changes": [{}], "format_version": "1"}', "terraform": True}, "this is no plan"),
        ({"text": QUEUE, "unheard": "of"}, "not a question"),
    ],
)
def test_what_cannot_be_planned_is_refused(planner: Planner, question: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        planner.plan(question.pop("text"), **question)


async def _offline(body: str, **question: Any) -> dict[str, Any]:
    told = {"text": body, "account": ACCOUNT, "region": REGION, "stack_name": "app", **question}
    return await answer_offline(told, 0.0)


def test_without_a_plane_the_policies_that_are_given_decide(planner: Planner) -> None:
    policies = {"own": document(allow("sqs:*"), allow("cloudformation:CreateStack"))}
    plan = planner.plane.run(_offline(QUEUE, policies=policies))
    assert set(verdicts(plan, "sqs:CreateQueue").values()) == {"allowed"}
    assert set(verdicts(plan, "cloudformation:DeleteStack", "delete").values()) == {"denied"}


# -- Terraform -------------------------------------------------------------------------------------------


def terraform(*changes: dict[str, Any], **members: Any) -> str:
    """A plan after the JSON output format of Terraform."""
    return json.dumps({"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": changes, **members})


def changed(address: str, *actions: str, mode: str = "managed", **change: Any) -> dict[str, Any]:
    """The change of one resource."""
    kind = address.removeprefix("data.").partition(".")[0]
    told = {"before": None, "after": None, "after_unknown": {}, **change}
    return {"address": address, "mode": mode, "type": kind, "change": {"actions": list(actions), **told}}


def test_a_queue_of_terraform_is_made_under_its_name_and_read(planner: Planner) -> None:
    plan = planner.plan(terraform(changed("aws_sqs_queue.jobs", "create", after={"name": "jobs"})), terraform=True)
    jobs = f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs"
    assert verdicts(plan, "sqs:CreateQueue") == {jobs: "allowed"}
    assert verdicts(plan, "sqs:GetQueueAttributes", "read") == {jobs: "allowed"}
    assert not verdicts(plan, "sqs:DeleteQueue", "delete")


def test_a_replacement_takes_what_deleting_and_creating_take(planner: Planner) -> None:
    change: dict[str, Any] = {"before": {"name": "old"}, "after": {"name": "new"}}
    plan = planner.plan(terraform(changed("aws_sqs_queue.jobs", "delete", "create", **change)), terraform=True)
    queues = f"arn:aws:sqs:{REGION}:{ACCOUNT}"
    assert set(verdicts(plan, "sqs:DeleteQueue", "delete")) == {f"{queues}:old"}
    assert set(verdicts(plan, "sqs:CreateQueue")) == {f"{queues}:new"}


def test_what_terraform_knows_only_after_the_plan_may_be_anything(planner: Planner) -> None:
    change: dict[str, Any] = {
        "after": {"policy_arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
        "after_unknown": {"role": True},
    }
    body = terraform(changed("aws_iam_role_policy_attachment.it", "create", **change))
    one = planner.role(allow("iam:AttachRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/app"), trust=CLOUDFORMATION)
    plan = planner.plan(body, terraform=True, acting=one)
    assert verdicts(plan, "iam:AttachRolePolicy") == {f"arn:aws:iam::{ACCOUNT}:role/*": "depends"}


STACK = "aws_cloudformation_stack.app"
DELIVERED = template({"Events": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "events"}}})
ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:events"


def stack_of(body: str, **more: str) -> dict[str, Any]:
    """The values of a stack in a plan of Terraform."""
    return {"name": "app", "template_body": body, **more}


def test_what_a_stack_of_terraform_makes_is_made_by_way_of_cloudformation(planner: Planner) -> None:
    forwarded = {"StringEquals": {"aws:CalledViaFirst": "cloudformation.amazonaws.com"}}
    role = planner.role({**allow("sqs:CreateQueue"), "Condition": forwarded})
    body = terraform(changed(STACK, "create", after=stack_of(QUEUE)))
    plan = planner.plan(body, terraform=True, acting=role)
    assert verdicts(plan, "sqs:CreateQueue") == {f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs": "allowed"}
    assert verdicts(plan, "cloudformation:CreateStack") != {}


def test_an_update_of_a_stack_makes_what_is_new_and_deletes_what_is_gone(planner: Planner) -> None:
    change: dict[str, Any] = {"before": stack_of(QUEUE), "after": stack_of(DELIVERED)}
    plan = planner.plan(terraform(changed(STACK, "update", **change)), terraform=True, phases=("update",))
    assert verdicts(plan, "sns:CreateTopic", "update") == {ARN: "allowed"}
    assert verdicts(plan, "sqs:DeleteQueue", "update") == {f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs": "allowed"}
    assert not verdicts(plan, "sqs:CreateQueue", "update")


def test_what_is_in_a_stack_of_terraform_is_deleted_with_it(planner: Planner) -> None:
    plan = planner.plan(terraform(changed(STACK, "delete", before=stack_of(DELIVERED))), terraform=True)
    assert verdicts(plan, "sns:DeleteTopic", "delete") == {ARN: "allowed"}
    assert not verdicts(plan, "sns:CreateTopic")


def test_the_role_of_a_stack_of_terraform_makes_what_is_in_it_and_is_passed(planner: Planner) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/deployer"
    plan = planner.plan(terraform(changed(STACK, "create", after=stack_of(QUEUE, iam_role_arn=role))), terraform=True)
    assert verdicts(plan, "iam:PassRole") == {role: "allowed"}
    assert not verdicts(plan, "sqs:CreateQueue")


@pytest.mark.parametrize(
    "after",
    [
        {"name": "app", "template_url": "https://no-such-bucket-of-terraform.s3.amazonaws.com/app.json"},
        {"name": "app", "template_body": "{"},
        {"name": "app"},
    ],
)
def test_a_stack_of_terraform_whose_template_is_not_known_is_told(planner: Planner, after: dict[str, str]) -> None:
    plan = planner.plan(terraform(changed(STACK, "create", after=after)), terraform=True)
    assert plan["unknown"] == ["aws_cloudformation_stack"]
    read = {"arn:aws:s3:::no-such-bucket-of-terraform/app.json": "allowed"} if "template_url" in after else {}
    assert verdicts(plan, "s3:GetObject") == read


def test_no_resource_of_a_plan_is_left_out_in_silence(planner: Planner) -> None:
    body = terraform(
        changed("aws_no_such.it", "create"),
        changed("random_id.it", "create"),
        changed("data.aws_no_such_data.it", "read", mode="data"),
        changed("data.aws_caller_identity.it", "read", mode="data"),
    )
    plan = planner.plan(body, terraform=True)
    assert {note["logical"] for note in plan["notes"]} == {
        *("aws_no_such.it", "random_id.it", "data.aws_no_such_data.it", "data.aws_caller_identity.it"),
    }
    assert plan["unknown"] == ["aws_no_such", "aws_no_such_data"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("aws_sqs_queue", "AWS::SQS::Queue"),
        ("awscc_sqs_queue", "AWS::SQS::Queue"),
        ("aws_iam_policy", "AWS::IAM::ManagedPolicy"),
        ("aws_vpc", "AWS::EC2::VPC"),
        ("aws_db_instance", "AWS::RDS::DBInstance"),
        ("aws_lb", "AWS::ElasticLoadBalancingV2::LoadBalancer"),
        ("aws_cloudwatch_event_rule", "AWS::Events::Rule"),
        ("aws_ecrpublic_repository", "AWS::ECR::PublicRepository"),
        ("aws_verifiedaccess_instance", "AWS::EC2::VerifiedAccessInstance"),
        ("aws_s3control_bucket", "AWS::S3Outposts::Bucket"),
        ("aws_no_such", ""),
    ],
)
def test_a_type_of_terraform_is_one_of_cloudformation(name: str, kind: str) -> None:
    assert type_of(name) == kind
