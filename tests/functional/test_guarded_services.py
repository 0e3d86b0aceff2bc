"""What moto carries out, Locum decides: S3, DynamoDB, SQS, SNS precisely, any other service by the general mapping."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from support.functions import package
from support.plane import (
    ACCOUNT,
    REGION,
    Key,
    RunningPlane,
    allow,
    document,
    fresh,
    refused,
    trusting,
)

pytestmark = pytest.mark.xdist_group("guarded-services")


def caller(plane: RunningPlane, *statements: dict[str, Any]) -> tuple[str, Key]:
    """ARN and key of a user that `statements` are about."""
    name, key = plane.user(*statements)
    return f"arn:aws:iam::{ACCOUNT}:user/{name}", key


def no_policy_allows(arn: str, action: str, resource: str = "", *, quoted: bool = False) -> str:
    """AWS's words."""
    where = f' on resource: "{resource}"' if quoted else f" on resource: {resource}"
    return (
        f"User: {arn} is not authorized to perform: {action}{where if resource else ''} "
        f"because no identity-based policy allows the {action} action"
    )


# -- S3 -----------------------------------------------------------------------------------------------------


def test_s3_reads_what_is_allowed_and_nothing_beside_it(plane: RunningPlane) -> None:
    bucket = plane.bucket(report=b"all is well")
    arn, key = caller(plane, allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))
    s3 = plane.client("s3", key)
    assert s3.get_object(Bucket=bucket, Key="report")["Body"].read() == b"all is well"
    met = refused(s3.put_object, Bucket=bucket, Key="report", Body=b"all is lost")
    resource = f"arn:aws:s3:::{bucket}/report"
    assert met[:3] == ("AccessDenied", 403, no_policy_allows(arn, "s3:PutObject", resource, quoted=True))
    assert plane.client("s3").get_object(Bucket=bucket, Key="report")["Body"].read() == b"all is well"


def test_s3_lists_only_the_prefix_that_the_condition_names(plane: RunningPlane) -> None:
    bucket = plane.bucket(**{"ann/1": b"", "ann/2": b"", "bob/1": b""})
    listing = allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", StringLike={"s3:prefix": "${aws:username}/*"})
    user, key = plane.user(listing)
    root, s3 = plane.client("s3"), plane.client("s3", key)
    root.put_object(Bucket=bucket, Key=f"{user}/own", Body=b"")
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, Prefix=f"{user}/")["Contents"]] == [f"{user}/own"]
    for prefix in ("", "ann/", f"{user}"):
        assert refused(s3.list_objects_v2, Bucket=bucket, Prefix=prefix).code == "AccessDenied"


def test_a_bucket_policy_lets_in_and_keeps_out(plane: RunningPlane) -> None:
    bucket = plane.bucket(report=b"all is well", secret=b"not for you")
    arn, key = caller(plane)
    everything, administrators_key = caller(plane, allow("*"))
    lets_in = {**allow("s3:GetObject", f"arn:aws:s3:::{bucket}/report"), "Principal": {"AWS": arn}}
    keeps_out = {**allow("s3:*", f"arn:aws:s3:::{bucket}/secret"), "Principal": "*", "Effect": "Deny"}
    plane.client("s3").put_bucket_policy(Bucket=bucket, Policy=document(lets_in, keeps_out))
    s3, administrator = plane.client("s3", key), plane.client("s3", administrators_key)
    assert s3.get_object(Bucket=bucket, Key="report")["Body"].read() == b"all is well"
    assert administrator.get_object(Bucket=bucket, Key="report")["Body"].read() == b"all is well"
    met = refused(administrator.get_object, Bucket=bucket, Key="secret")
    assert met[:2] == ("AccessDenied", 403)
    assert met.message == (
        f"User: {everything} is not authorized to perform: s3:GetObject on resource: "
        f'"arn:aws:s3:::{bucket}/secret" with an explicit deny in a resource-based policy'
    )


def test_a_missing_object_is_told_only_to_those_who_may_list(plane: RunningPlane) -> None:
    bucket = plane.bucket()
    _, reader = caller(plane, allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))
    _, lister = caller(plane, allow("s3:GetObject", "*"), allow("s3:ListBucket", f"arn:aws:s3:::{bucket}"))
    assert refused(plane.client("s3", reader).get_object, Bucket=bucket, Key="nothing").code == "AccessDenied"
    assert refused(plane.client("s3", lister).get_object, Bucket=bucket, Key="nothing").code == "NoSuchKey"


def test_a_copy_needs_the_source_as_well_as_the_target(plane: RunningPlane) -> None:
    source, target = plane.bucket(report=b"all is well"), plane.bucket()
    _, key = caller(plane, allow("s3:PutObject", f"arn:aws:s3:::{target}/*"))
    s3 = plane.client("s3", key)
    copy = {"Bucket": target, "Key": "copy", "CopySource": {"Bucket": source, "Key": "report"}}
    met = refused(s3.copy_object, **copy)
    assert (met.code, "s3:GetObject" in met.message) == ("AccessDenied", True)
    assert "Contents" not in plane.client("s3").list_objects_v2(Bucket=target)


def test_a_bulk_delete_that_names_a_key_of_others_leaves_that_and_says_so(plane: RunningPlane) -> None:
    bucket = plane.bucket(**{"mine/1": b"", "theirs/1": b""})
    _, key = caller(plane, allow("s3:DeleteObject", f"arn:aws:s3:::{bucket}/mine/*"))
    s3 = plane.client("s3", key)
    told = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "mine/1"}, {"Key": "theirs/1"}]})
    assert [deleted["Key"] for deleted in told["Deleted"]] == ["mine/1"]
    ((key_of_others, code, message),) = [(met["Key"], met["Code"], met["Message"]) for met in told["Errors"]]
    assert (key_of_others, code, f"{bucket}/theirs/1" in message) == ("theirs/1", "AccessDenied", True)
    left = plane.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert [item["Key"] for item in left] == ["theirs/1"]


# -- SQS, SNS, DynamoDB -------------------------------------------------------------------------------------


def test_sqs_sends_where_it_may_send(plane: RunningPlane) -> None:
    name, closed = fresh("queue"), fresh("queue")
    root = plane.client("sqs")
    url, closed_url = (root.create_queue(QueueName=each)["QueueUrl"] for each in (name, closed))
    arn, key = caller(plane, allow("sqs:SendMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"))
    sqs = plane.client("sqs", key)
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    assert root.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "hello"
    met = refused(sqs.send_message, QueueUrl=closed_url, MessageBody="hello")
    assert (met.code.rpartition(".")[2], met.status) == ("AccessDenied", 403)
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{closed}"
    assert met.message.lower() == no_policy_allows(arn, "sqs:SendMessage", queue).lower()


def test_a_queue_policy_lets_in(plane: RunningPlane) -> None:
    name, root = fresh("queue"), plane.client("sqs")
    url = root.create_queue(QueueName=name)["QueueUrl"]
    arn, key = caller(plane)
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    sqs = plane.client("sqs", key)
    assert refused(sqs.send_message, QueueUrl=url, MessageBody="hello").status == 403
    policy = document({**allow("sqs:SendMessage", queue), "Principal": {"AWS": arn}})
    root.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    assert sqs.send_message(QueueUrl=url, MessageBody="hello")["MessageId"]


def test_sns_publishes_where_it_may_publish(plane: RunningPlane) -> None:
    root = plane.client("sns")
    topic, closed = (root.create_topic(Name=fresh("topic"))["TopicArn"] for _ in range(2))
    arn, key = caller(plane, allow("sns:Publish", topic))
    sns = plane.client("sns", key)
    assert sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    met = refused(sns.publish, TopicArn=closed, Message="hello")
    assert met[:2] == ("AuthorizationError", 403)
    assert met.message.lower() == no_policy_allows(arn, "sns:Publish", closed).lower()


def test_dynamodb_reads_the_table_and_the_leading_key_that_it_may_read(plane: RunningPlane) -> None:
    table, closed = fresh("table"), fresh("table")
    root = plane.client("dynamodb")
    for name in (table, closed):
        root.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    resource = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table"
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:username}"]}}
    arn, key = caller(plane, allow("dynamodb:GetItem", f"{resource}/{table}", **own))
    user = arn.rpartition("/")[2]
    dynamodb = plane.client("dynamodb", key)
    item = {"id": {"S": user}, "mood": {"S": "good"}}
    root.put_item(TableName=table, Item=item)
    assert dynamodb.get_item(TableName=table, Key={"id": {"S": user}})["Item"] == item
    for call in (
        {"TableName": table, "Key": {"id": {"S": "somebody else"}}},
        {"TableName": closed, "Key": {"id": {"S": user}}},
    ):
        met = refused(dynamodb.get_item, **call)
        resource_arn = f"{resource}/{call['TableName']}"
        assert met[:3] == ("AccessDeniedException", 400, no_policy_allows(arn, "dynamodb:GetItem", resource_arn))


# -- every other service ------------------------------------------------------------------------------------


def test_kms_is_guarded_by_the_general_mapping(plane: RunningPlane) -> None:
    root = plane.client("kms")
    key_arn, closed = (root.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    arn, key = caller(plane, allow(["kms:Encrypt", "kms:Decrypt"], key_arn))
    kms = plane.client("kms", key)
    sealed = kms.encrypt(KeyId=key_arn, Plaintext=b"the plan")["CiphertextBlob"]
    assert kms.decrypt(KeyId=key_arn, CiphertextBlob=sealed)["Plaintext"] == b"the plan"
    met = refused(kms.encrypt, KeyId=closed, Plaintext=b"the plan")
    assert met[:2] == ("AccessDeniedException", 400)
    assert met.message.startswith(f"User: {arn} is not authorized to perform: kms:Encrypt on resource: {closed}")


def test_a_function_is_made_only_by_one_who_may_pass_its_role(plane: RunningPlane) -> None:
    role = plane.role(trusting(Service="lambda.amazonaws.com"))
    role_arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    function = {
        "FunctionName": fresh("function"),
        "Runtime": "python3.11",
        "Role": role_arn,
        "Handler": "main.handler",
        "Code": {"ZipFile": package(main="def handler(event, context): return event")},
    }
    arn, key = caller(plane, allow("lambda:*"))
    met = refused(plane.client("lambda", key).create_function, **function)
    assert met[:3] == ("AccessDeniedException", 403, no_policy_allows(arn, "iam:PassRole", role_arn))
    _, passing = caller(plane, allow("lambda:*"), allow("iam:PassRole", role_arn))
    assert plane.client("lambda", passing).create_function(**function)["Role"] == role_arn


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("secretsmanager", "list_secrets", {}),
        ("cloudwatch", "list_metrics", {}),
        ("ssm", "describe_parameters", {}),
        ("autoscaling", "describe_auto_scaling_groups", {}),
        ("kinesis", "list_streams", {}),
        ("ec2", "describe_vpcs", {}),
        ("logs", "describe_log_groups", {}),
    ],
)
def test_any_other_service_answers_those_who_may_and_no_others(
    plane: RunningPlane, service: str, operation: str, parameters: dict[str, Any]
) -> None:
    _, nobody = caller(plane)
    met = refused(getattr(plane.client(service, nobody), operation), **parameters)
    assert met.status in (400, 403)
    assert "is not authorized to perform: " in met.message
    _, administrator = caller(plane, allow("*"))
    answer = getattr(plane.client(service, administrator), operation)(**parameters)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_an_operation_that_nothing_here_knows_is_refused_to_all_but_administrators(plane: RunningPlane) -> None:
    """It would be for a backend to carry out: it is not there, so even who may is told so."""
    _, partly = caller(plane, allow(["s3:*", "ec2:*", "sts:*"]))
    _, administrator = caller(plane, allow("*"))
    met = refused(plane.client("braket", partly).search_devices, filters=[])
    assert (met.code, met.status) == ("AccessDeniedException", 403)
    met = refused(plane.client("braket", administrator).search_devices, filters=[])
    assert (met.code, met.status) == ("NotImplemented", 501)


def test_motos_own_controls_are_out_of_reach(plane: RunningPlane) -> None:
    bucket = plane.bucket()
    s3 = plane.client("s3")
    for path in ("/moto-api/reset", "/moto-api/data.json"):
        assert b"moto" not in _get(plane, path).lower().partition(b"<requestid>")[0]  # what follows is random
    assert bucket in {found["Name"] for found in s3.list_buckets()["Buckets"]}


def _get(plane: RunningPlane, path: str) -> bytes:
    try:
        with urllib.request.urlopen(plane.endpoint + path, data=b"", timeout=30) as answer:
            body: bytes = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            body = error.read()
    return body


def test_the_health_of_the_plane_is_asked_without_a_signature(plane: RunningPlane) -> None:
    assert json.loads(_get(plane, "/_locum/health"))["status"] == "ok"
