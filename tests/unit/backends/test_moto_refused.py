"""Attacks by way of the backend: what moto would do in another service without a decision is not done."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.deployed import deployed, records
from support.functions import package
from support.inprocess import InProcess, Key, refusal
from support.plane import trusting

ACCOUNT, REGION = "000000000000", "us-east-1"
NOT_DONE = ("NotImplemented", 501)
VAULT = "vault"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
SECRET = "the marker of a secret"


@pytest.fixture(scope="module")
def plane(plane: InProcess) -> InProcess:
    """With a bucket, a secret, a parameter, a topic and a queue that are the account's, and a role for services."""
    services = trusting(Service=["lambda.amazonaws.com", "states.amazonaws.com"])
    plane.client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=services)
    plane.client("s3").create_bucket(Bucket=VAULT)
    plane.client("s3").put_object(Bucket=VAULT, Key="kept.json", Body=json.dumps({"Kept": {"Type": "AWS::SQS::Queue"}}))
    plane.client("secretsmanager").create_secret(Name="kept", SecretString=SECRET)
    plane.client("ssm").put_parameter(Name="/kept", Value=SECRET, Type="String")
    plane.client("sns").create_topic(Name="told")
    return plane


def attacker(plane: InProcess, name: str, *actions: str) -> Key:
    """A user who may do what the service has, on everything, and nothing else."""
    return plane.user(name, {"Effect": "Allow", "Action": [*actions, "iam:PassRole"], "Resource": "*"})


def objects(plane: InProcess) -> list[str]:
    return [found["Key"] for found in plane.client("s3").list_objects_v2(Bucket=VAULT)["Contents"]]


# -- Systems Manager, Secrets Manager ------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["get_parameter", "get_parameters"])
def test_a_parameter_does_not_show_a_secret(plane: InProcess, operation: str) -> None:
    ssm = plane.client("ssm", attacker(plane, f"reader-{operation}", "ssm:*"))
    name = "/aws/reference/secretsmanager/kept"
    named: dict[str, Any] = {"Name": name} if operation == "get_parameter" else {"Names": [name]}
    assert refusal(getattr(ssm, operation), WithDecryption=True, **named)[:2] == NOT_DONE


def test_a_rotation_invokes_nothing(plane: InProcess) -> None:
    secrets = plane.client("secretsmanager", attacker(plane, "rotating", "secretsmanager:*", "lambda:*"))
    name = deployed(plane)
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    fault = refusal(secrets.rotate_secret, SecretId="kept", RotationLambdaARN=function)
    assert fault[:2] == ("AccessDeniedException", 400)
    (record,) = records(plane, "Invoke", name)
    assert (record.invoked_by, record.error_code) == ("secretsmanager.amazonaws.com", "AccessDeniedException")


# -- Lambda, Batch, Step Functions ---------------------------------------------------------------------------


def test_an_event_source_mapping_reads_no_queue_by_nobodys_permission(plane: InProcess) -> None:
    url = plane.client("sqs").create_queue(QueueName="work", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    functions = plane.client("lambda", attacker(plane, "mapping", "lambda:*"))
    name, source = deployed(plane), f"arn:aws:sqs:{REGION}:{ACCOUNT}:work"
    fault = refusal(functions.create_event_source_mapping, FunctionName=name, EventSourceArn=source)
    assert fault[0] == "InvalidParameterValueException"
    plane.client("sqs").send_message(QueueUrl=url, MessageBody="kept")
    received = plane.client("sqs").receive_message(QueueUrl=url)["Messages"]
    assert [message["Body"] for message in received] == ["kept"]
    assert records(plane, "Invoke", name) == []


def test_a_function_is_not_run_in_a_container(plane: InProcess) -> None:
    functions = plane.client("lambda", attacker(plane, "running", "lambda:*"))
    functions.create_function(
        FunctionName="contained", Role=ROLE, Runtime="python3.11", Handler="main.handler",
        Code={"ZipFile": package(main="def handler(event, context): pass")},
    )  # fmt: skip
    assert refusal(functions.invoke_async, FunctionName="contained", InvokeArgs=b"{}")[:2] == NOT_DONE


def test_a_batch_job_runs_in_no_container(plane: InProcess) -> None:
    batch = plane.client("batch", attacker(plane, "batching", "batch:*"))
    service_role = {"serviceRole": ROLE, "type": "UNMANAGED", "state": "ENABLED"}
    environment = batch.create_compute_environment(computeEnvironmentName="environment", **service_role)[
        "computeEnvironmentArn"
    ]
    order = [{"order": 1, "computeEnvironment": environment}]
    queue = batch.create_job_queue(jobQueueName="queue", state="ENABLED", priority=1, computeEnvironmentOrder=order)
    container = {"image": "busybox", "vcpus": 1, "memory": 4, "command": ["true"]}
    job = batch.register_job_definition(jobDefinitionName="job", type="container", containerProperties=container)
    run = batch.submit_job(jobName="job", jobQueue=queue["jobQueueArn"], jobDefinition=job["jobDefinitionArn"])
    assert batch.describe_jobs(jobs=[run["jobId"]])["jobs"][0]["status"] == "SUCCEEDED"


def test_a_state_machine_calls_nobody(plane: InProcess) -> None:
    states = plane.client("stepfunctions", attacker(plane, "stepping", "states:*"))
    parameters = {"QueueUrl": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/work", "MessageBody": "planted"}
    send = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": parameters, "End": True}
    definition = json.dumps({"StartAt": "S", "States": {"S": send}})
    machine = states.create_state_machine(name="m", definition=definition, roleArn=ROLE)["stateMachineArn"]
    states.start_execution(stateMachineArn=machine)
    sqs = plane.client("sqs")
    url = sqs.create_queue(QueueName="work")["QueueUrl"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    assert refusal(states.test_state, definition=json.dumps(send), roleArn=ROLE)[:2] == NOT_DONE


# -- what is written to, and read from, buckets and streams ---------------------------------------------------


def test_an_export_of_a_table_writes_to_no_bucket(plane: InProcess) -> None:
    tables = plane.client("dynamodb", attacker(plane, "exporting", "dynamodb:*"))
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/any"
    assert refusal(tables.export_table_to_point_in_time, TableArn=table, S3Bucket=VAULT)[:2] == NOT_DONE
    assert objects(plane) == ["kept.json"]


def test_an_import_of_a_table_reads_no_bucket(plane: InProcess) -> None:
    tables = plane.client("dynamodb", attacker(plane, "importing", "dynamodb:*"))
    table = {
        "TableName": "imported",
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    call = {"S3BucketSource": {"S3Bucket": VAULT}, "InputFormat": "DYNAMODB_JSON", "TableCreationParameters": table}
    assert refusal(tables.import_table, **call)[:2] == NOT_DONE


def test_logs_go_to_no_bucket_and_no_stream(plane: InProcess) -> None:
    logs = plane.client("logs", attacker(plane, "logging", "logs:*"))
    logs.create_log_group(logGroupName="sending")
    destination = f"arn:aws:logs:{REGION}:{ACCOUNT}:destination:any"
    send = {"logGroupName": "sending", "filterName": "f", "filterPattern": "", "destinationArn": destination}
    assert refusal(logs.put_subscription_filter, **send)[:2] == NOT_DONE
    write = {"logGroupName": "sending", "fromTime": 0, "to": 1, "destination": VAULT}
    assert refusal(logs.create_export_task, **write)[:2] == NOT_DONE
    assert objects(plane) == ["kept.json"]


def test_a_pipeline_is_not_read_from_a_bucket(plane: InProcess) -> None:
    models = plane.client("sagemaker", attacker(plane, "modelling", "sagemaker:*"))
    location = {"Bucket": VAULT, "ObjectKey": "kept.json"}
    call = {
        "PipelineName": "p",
        "RoleArn": ROLE,
        "PipelineDefinitionS3Location": location,
        "ClientRequestToken": "t" * 32,
    }
    assert refusal(models.create_pipeline, **call)[:2] == NOT_DONE


def test_an_endpoint_writes_to_no_bucket(plane: InProcess) -> None:
    models = plane.client("sagemaker-runtime", attacker(plane, "asking", "sagemaker:*"))
    call = {"EndpointName": "e", "InputLocation": f"s3://{VAULT}/kept.json"}
    assert refusal(models.invoke_endpoint_async, **call)[:2] == NOT_DONE
    assert objects(plane) == ["kept.json"]


def test_a_logged_bucket_writes_to_no_other_bucket(plane: InProcess) -> None:
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="logged")
    grant = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}
    owner = {"ID": "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a"}
    grants = [{"Grantee": grant, "Permission": permission} for permission in ("WRITE", "READ_ACP")]
    s3.put_bucket_acl(Bucket=VAULT, AccessControlPolicy={"Grants": grants, "Owner": owner})
    enabled = {"LoggingEnabled": {"TargetBucket": VAULT, "TargetPrefix": "log/"}}
    s3.put_bucket_logging(Bucket="logged", BucketLoggingStatus=enabled)
    s3.put_object(Bucket="logged", Key="k", Body=b"x")
    assert objects(plane) == ["kept.json"]


# -- what is told to topics, buses and rules -----------------------------------------------------------------


def test_a_new_bucket_starts_nothing_in_another_account(plane: InProcess) -> None:
    victim = plane.account("444455556666")
    events, states = plane.client("events", victim), plane.client("stepfunctions", victim)
    plane.client("iam", victim).create_role(
        RoleName="machine", AssumeRolePolicyDocument=trusting(Service="states.amazonaws.com")
    )
    role = "arn:aws:iam::444455556666:role/machine"
    definition = json.dumps({"StartAt": "S", "States": {"S": {"Type": "Pass", "End": True}}})
    machine = states.create_state_machine(name="started", definition=definition, roleArn=role)["stateMachineArn"]
    pattern = {"source": ["aws.s3"], "detail": {"eventName": ["CreateBucket"]}}
    events.put_rule(Name="buckets", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="buckets", Targets=[{"Id": "1", "Arn": machine}])
    plane.client("s3").create_bucket(Bucket="starting")
    assert states.list_executions(stateMachineArn=machine)["executions"] == []


def test_feedback_on_mail_goes_to_no_topic(plane: InProcess) -> None:
    queue = _listening_queue(plane, "feedback")
    mail = plane.client("ses", attacker(plane, "mailing", "ses:*"))
    mail.verify_email_identity(EmailAddress="me@example.com")
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:feedback"
    mail.set_identity_notification_topic(Identity="me@example.com", NotificationType="Bounce", SnsTopic=topic)
    to = {"ToAddresses": ["bounce@simulator.amazonses.com"]}
    text = {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}
    mail.send_email(Source="me@example.com", Destination=to, Message=text)
    plane.carry_out()
    assert "Messages" not in plane.client("sqs").receive_message(QueueUrl=queue)


def test_a_job_of_textract_tells_no_topic(plane: InProcess) -> None:
    queue = _listening_queue(plane, "read")
    documents = plane.client("textract", attacker(plane, "reading", "textract:*"))
    documents.start_document_text_detection(
        DocumentLocation={"S3Object": {"Bucket": VAULT, "Name": "kept.json"}},
        NotificationChannel={"SNSTopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:read", "RoleArn": ROLE},
    )
    plane.carry_out()
    assert "Messages" not in plane.client("sqs").receive_message(QueueUrl=queue)


def _listening_queue(plane: InProcess, name: str) -> str:
    """A queue that gets whatever the new topic `name` publishes."""
    sqs, sns = plane.client("sqs"), plane.client("sns")
    url: str = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    open_to_all = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [open_to_all]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=sns.create_topic(Name=name)["TopicArn"], Protocol="sqs", Endpoint=arn)
    return url
