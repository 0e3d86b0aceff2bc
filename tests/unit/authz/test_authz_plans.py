"""Which permissions a call takes."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum import authz
from locum.authz.services.dynamodb import partiql_checks
from locum.core.errors import Fault
from locum.core.principal import NOBODY
from locum.state import AccessKey
from support.authority import AWAY, HOME, REGION, World, as_root, as_user, role, user

ANN = user("ann", path="/staff/")
CALLER = as_user(ANN)
S3 = "arn:aws:s3:::"
DDB = f"arn:aws:dynamodb:{REGION}:{HOME}:table/"
EC2 = f"arn:aws:ec2:{REGION}:{HOME}:"
IAM = f"arn:aws:iam::{HOME}:"
OBJECT = {"Bucket": "b", "Key": "k"}
ACCESS_POINT = f"arn:aws:s3:{REGION}:{HOME}:accesspoint/ap"

PLANS: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("s3:ListBuckets", {}, [("s3:ListAllMyBuckets", f"{S3}*")]),
    ("s3:ListObjectsV2", {"Bucket": "b"}, [("s3:ListBucket", f"{S3}b")]),
    ("s3:HeadBucket", {"Bucket": "b"}, [("s3:ListBucket", f"{S3}b")]),
    ("s3:GetObject", OBJECT, [("s3:GetObject", f"{S3}b/k")]),
    ("s3:HeadObject", OBJECT, [("s3:GetObject", f"{S3}b/k")]),
    ("s3:GetObject", {**OBJECT, "VersionId": "v"}, [("s3:GetObjectVersion", f"{S3}b/k")]),
    ("s3:GetObject", {"Bucket": ACCESS_POINT, "Key": "k"}, [("s3:GetObject", f"{ACCESS_POINT}/object/k")]),
    ("s3:PutObject", OBJECT, [("s3:PutObject", f"{S3}b/k")]),
    (
        "s3:PutObject",
        {**OBJECT, "ACL": "public-read", "Tagging": "a=b"},
        [("s3:PutObject", f"{S3}b/k"), ("s3:PutObjectAcl", f"{S3}b/k"), ("s3:PutObjectTagging", f"{S3}b/k")],
    ),
    (
        "s3:CopyObject",
        {**OBJECT, "CopySource": "/src/a%20b?versionId=7"},
        [("s3:PutObject", f"{S3}b/k"), ("s3:GetObjectVersion", f"{S3}src/a b")],
    ),
    (
        "s3:GetObjectAttributes",
        OBJECT,
        [("s3:GetObject", f"{S3}b/k"), ("s3:GetObjectAttributes", f"{S3}b/k")],
    ),
    (
        "s3:DeleteObjects",
        {"Bucket": "b", "Delete": {"Objects": [{"Key": "1"}, {"Key": "2", "VersionId": "v"}]}},
        [("s3:DeleteObject", f"{S3}b/1"), ("s3:DeleteObjectVersion", f"{S3}b/2")],
    ),
    ("dynamodb:GetItem", {"TableName": "t"}, [("dynamodb:GetItem", f"{DDB}t")]),
    ("dynamodb:GetItem", {"TableName": f"{DDB}t"}, [("dynamodb:GetItem", f"{DDB}t")]),
    ("dynamodb:Query", {"TableName": "t", "IndexName": "i"}, [("dynamodb:Query", f"{DDB}t/index/i")]),
    (
        "dynamodb:Query",
        {"TableName": f"arn:aws:dynamodb:{REGION}:{AWAY}:table/t", "IndexName": "i"},
        [("dynamodb:Query", f"arn:aws:dynamodb:{REGION}:{AWAY}:table/t/index/i")],
    ),
    (
        "dynamodb:BatchGetItem",
        {"RequestItems": {"t": {}, "u": {}}},
        [("dynamodb:BatchGetItem", f"{DDB}t"), ("dynamodb:BatchGetItem", f"{DDB}u")],
    ),
    (
        "dynamodb:TransactWriteItems",
        {"TransactItems": [{"Put": {"TableName": "t"}}, {"Delete": {"TableName": "u"}}]},
        [("dynamodb:PutItem", f"{DDB}t"), ("dynamodb:DeleteItem", f"{DDB}u")],
    ),
    ("dynamodb:ListTables", {}, [("dynamodb:ListTables", f"{DDB}*")]),
    (
        "sqs:SendMessageBatch",
        {"QueueUrl": "http://127.0.0.1:4566/444455556666/q"},
        [("sqs:SendMessage", f"arn:aws:sqs:{REGION}:{AWAY}:q")],
    ),
    ("sqs:CreateQueue", {"QueueName": "q"}, [("sqs:CreateQueue", f"arn:aws:sqs:{REGION}:{HOME}:q")]),
    (
        "sqs:GetQueueUrl",
        {"QueueName": "q", "QueueOwnerAWSAccountId": AWAY},
        [("sqs:GetQueueUrl", f"arn:aws:sqs:{REGION}:{AWAY}:q")],
    ),
    ("sns:CreateTopic", {"Name": "t"}, [("sns:CreateTopic", f"arn:aws:sns:{REGION}:{HOME}:t")]),
    (
        "sns:PublishBatch",
        {"TopicArn": f"arn:aws:sns:{REGION}:{HOME}:t"},
        [("sns:Publish", f"arn:aws:sns:{REGION}:{HOME}:t")],
    ),
    ("sns:Publish", {"PhoneNumber": "+1"}, [("sns:Publish", "*")]),
    (
        "sns:Unsubscribe",
        {"SubscriptionArn": f"arn:aws:sns:{REGION}:{HOME}:t:1-2"},
        [("sns:Unsubscribe", f"arn:aws:sns:{REGION}:{HOME}:t")],
    ),
    (
        "kms:ReEncrypt",
        {"SourceKeyId": "1", "CiphertextBlob": b"", "DestinationKeyId": f"arn:aws:kms:{REGION}:{AWAY}:key/2"},
        [
            ("kms:ReEncryptFrom", f"arn:aws:kms:{REGION}:{HOME}:key/1"),
            ("kms:ReEncryptTo", f"arn:aws:kms:{REGION}:{AWAY}:key/2"),
        ],
    ),
    (
        "lambda:Invoke",
        {"FunctionName": f"{AWAY}:function:f", "Qualifier": "7"},
        [("lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{AWAY}:function:f:7")],
    ),
    ("iam:GetUser", {}, [("iam:GetUser", f"{IAM}user/staff/ann")]),
    ("iam:GetUser", {"UserName": "ANN"}, [("iam:GetUser", f"{IAM}user/staff/ann")]),
    ("iam:CreateUser", {"UserName": "bob", "Path": "/p/"}, [("iam:CreateUser", f"{IAM}user/p/bob")]),
    (
        "iam:CreateRole",
        {"RoleName": "r", "Tags": [{"Key": "a", "Value": "b"}]},
        [("iam:CreateRole", f"{IAM}role/r"), ("iam:TagRole", f"{IAM}role/r")],
    ),
    ("iam:ListRoles", {}, [("iam:ListRoles", "*")]),
    ("iam:GetAccessKeyLastUsed", {"AccessKeyId": "AKIA1"}, [("iam:GetAccessKeyLastUsed", f"{IAM}user/staff/ann")]),
    (
        "ec2:StartInstances",
        {"InstanceIds": ["i-1", "i-2"]},
        [("ec2:StartInstances", f"{EC2}instance/i-1"), ("ec2:StartInstances", f"{EC2}instance/i-2")],
    ),
    (
        "ec2:CreateTags",
        {"Resources": ["i-1", "ami-2"]},
        [("ec2:CreateTags", f"{EC2}instance/i-1"), ("ec2:CreateTags", f"arn:aws:ec2:{REGION}::image/ami-2")],
    ),
    ("ec2:DescribeInstances", {}, [("ec2:DescribeInstances", "*")]),
    ("events:PutRule", {"Name": "r"}, [("events:PutRule", f"arn:aws:events:{REGION}:{HOME}:rule/r")]),
    (
        "events:PutRule",
        {"Name": "r", "EventBusName": "b"},
        [("events:PutRule", f"arn:aws:events:{REGION}:{HOME}:rule/b/r")],
    ),
    (
        "events:PutEvents",
        {"Entries": [{}, {"EventBusName": "b"}]},
        [
            ("events:PutEvents", f"arn:aws:events:{REGION}:{HOME}:event-bus/default"),
            ("events:PutEvents", f"arn:aws:events:{REGION}:{HOME}:event-bus/b"),
        ],
    ),
    ("ssm:GetParameter", {"Name": "/a/b"}, [("ssm:GetParameter", f"arn:aws:ssm:{REGION}:{HOME}:parameter/a/b")]),
    ("apigateway:GetRestApi", {"restApiId": "x"}, [("apigateway:GET", f"arn:aws:apigateway:{REGION}::/restapis/x")]),
    ("ecs:RunTask", {"taskDefinition": "f:3"}, [("ecs:RunTask", f"arn:aws:ecs:{REGION}:{HOME}:task-definition/f:3")]),
    ("nosuch:Operation", {}, [("nosuch:Operation", "*")]),
]


@pytest.mark.parametrize(("operation", "params", "wanted"), PLANS)
def test_a_call_takes_the_permissions_that_aws_documents(
    operation: str, params: dict[str, Any], wanted: list[tuple[str, str]]
) -> None:
    key = AccessKey(account=HOME, id="AKIA1", user="ann", secret=b"", created=1)
    assert World().having(ANN, key).plan(CALLER, operation, **params) == wanted


def test_a_launch_is_checked_on_every_type_of_resource_it_touches() -> None:
    world = World().having(ANN)
    params = {
        "ImageId": "ami-1",
        "SubnetId": "subnet-1",
        "SecurityGroupIds": ["sg-1", "sg-2"],
        "KeyName": "k",
        "TagSpecifications": [{"ResourceType": "volume", "Tags": [{"Key": "a", "Value": "b"}]}],
    }
    plan = world.plan(CALLER, "ec2:RunInstances", **params)
    assert set(plan) == {
        ("ec2:RunInstances", f"arn:aws:ec2:{REGION}::image/ami-1"),
        ("ec2:RunInstances", f"{EC2}instance/*"),
        ("ec2:RunInstances", f"{EC2}subnet/subnet-1"),
        ("ec2:RunInstances", f"{EC2}network-interface/*"),
        ("ec2:RunInstances", f"{EC2}security-group/sg-1"),
        ("ec2:RunInstances", f"{EC2}security-group/sg-2"),
        ("ec2:RunInstances", f"{EC2}volume/*"),
        ("ec2:RunInstances", f"{EC2}key-pair/k"),
        ("ec2:CreateTags", f"{EC2}volume/*"),
    }


@pytest.mark.parametrize("service", ["dynamodb", "timestream-query", "timestream-write"])
def test_the_discovery_of_endpoints_takes_a_permission_on_everything(service: str) -> None:
    """Service Authorization Reference, `DescribeEndpoints`."""
    ann = user("ann")
    world = World().having(ann)
    (check,) = authz.plan(world.state, world.call(as_user(ann), f"{service}:DescribeEndpoints", {})).checks
    assert (check.action, check.resource) == (f"{service.partition('-')[0]}:DescribeEndpoints", "*")


@pytest.mark.parametrize("operation", ["sts:GetCallerIdentity", "sts:GetSessionToken"])
def test_some_calls_take_no_permission(operation: str) -> None:
    ann = user("ann")
    world = World().having(ann)
    assert authz.plan(world.state, world.call(as_user(ann), operation, {})).permissionless
    assert world.allows(as_user(ann), operation)


def test_a_plan_names_the_resources_that_a_backend_is_asked_about() -> None:
    world = World().having(role("app"))
    params = {"FunctionName": "f", "Role": f"{IAM}role/app"}
    plan = authz.plan(world.state, world.call(as_root(), "lambda:CreateFunction", params))
    assert plan.resources == (f"arn:aws:lambda:{REGION}:{HOME}:function:f",)


PARTIQL = [
    ('SELECT * FROM "t" WHERE a = 1', [("PartiQLSelect", "t")]),
    ("select a from t", [("PartiQLSelect", "t")]),
    ('SELECT * FROM "t"."i"', [("PartiQLSelect", "t/index/i")]),
    ("SELECT 'from \"secret\"' FROM t", [("PartiQLSelect", "t")]),
    ("INSERT INTO \"t\" VALUE {'a': 1}", [("PartiQLInsert", "t")]),
    ('UPDATE "t" SET a = 1 WHERE b = 2', [("PartiQLUpdate", "t")]),
    ('DELETE FROM "t" WHERE b = 2', [("PartiQLDelete", "t")]),
    ("SELECT a FROM t WHERE b IN (SELECT c FROM u)", [("PartiQLSelect", "t"), ("PartiQLSelect", "u")]),
]


@pytest.mark.parametrize(("statement", "wanted"), PARTIQL)
def test_a_partiql_statement_takes_its_own_permission(statement: str, wanted: list[tuple[str, str]]) -> None:
    world = World().having(ANN)
    plan = world.plan(CALLER, "dynamodb:ExecuteStatement", Statement=statement)
    assert plan == [(f"dynamodb:{action}", f"{DDB}{table}") for action, table in wanted]


@given(st.text(max_size=60))
def test_a_partiql_statement_that_is_not_understood_is_refused(statement: str) -> None:
    call = World().call(CALLER, "dynamodb:ExecuteStatement", {"Statement": statement})
    with contextlib.suppress(Fault):
        found = list(partiql_checks(call, statement))
        assert found
        assert all(check.resource.startswith(DDB) and "*" not in check.resource for check in found)


def test_anonymous_calls_are_planned_as_well() -> None:
    assert World().plan(NOBODY, "s3:GetObject", **OBJECT) == [("s3:GetObject", f"{S3}b/k")]
