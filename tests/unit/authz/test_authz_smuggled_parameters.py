"""What is decided on must be what a backend finds: sources, queues, topics, tables and ARNs with two readings."""

from __future__ import annotations

import pytest

from locum.core.errors import Fault
from support.authority import HOME, REGION, World, allow, as_user, deny, user

ANN = user("ann")
CALLER = as_user(ANN)
HERE = f"{REGION}:{HOME}"


def world() -> World:
    return World().having(ANN)


@pytest.mark.parametrize(
    "source",
    [
        "x:victim/key",  # a scheme, for who parses it as a URL
        "http://x/victim/key",
        "//x/victim/key",  # an authority
        "/%2Fvictim/key",
        "bucket/secret?x=1",
        "bucket/secret?x=1&versionId=7",
        "bucket/secret#x",
        "bucket/secret;x",
        "bucket/sec\tret",
        "bucket/secret?versionId=7&versionId=8",
        "bucket",
        "bucket/",
        "",
        "arn:victim/object/key",
        "arn:aws:s3:::victim/object/key",
    ],
)
def test_a_copy_source_with_two_readings_is_refused(source: str) -> None:
    with pytest.raises(Fault) as refused:
        world().plan(CALLER, "s3:CopyObject", Bucket="b", Key="k", CopySource=source)
    assert refused.value.code == "InvalidArgument"


def test_an_object_that_is_called_like_an_alias_is_copied_under_its_own_name() -> None:
    """Of a KMS alias every key is decided on; an object is only ever itself."""
    secret = "arn:aws:s3:::bucket/x:alias/secret"
    ann = user("ann", allow("s3:*"), deny("s3:GetObject", secret))
    refused = World().having(ann).ask(as_user(ann), "s3:CopyObject", Bucket="b", Key="k", CopySource=secret[13:])
    assert not refused.allowed
    assert refused.rulings[-1].check.resource == secret


def test_a_bucket_called_by_half_an_arn_is_nobodys() -> None:
    assert world().refusal(CALLER, "s3:ListObjectsV2", Bucket="arn:foo")


@pytest.mark.parametrize("url", ["http://h/{0}/mine#/secret", "http://h/{0}/mine?/secret", "http://h/{0}/mine\n"])
def test_a_queue_url_that_hides_another_name_is_refused(url: str) -> None:
    with pytest.raises(Fault) as refused:
        world().plan(CALLER, "sqs:ReceiveMessage", QueueUrl=url.format(HOME))
    assert refused.value.code == "InvalidAddress"


def test_a_topic_beside_the_target_does_not_hide_the_target() -> None:
    mine, secret = f"arn:aws:sns:{HERE}:mine", f"arn:aws:sns:{HERE}:secret"
    plan = world().plan(CALLER, "sns:Publish", TopicArn=mine, TargetArn=secret, PhoneNumber="+1")
    assert plan == [("sns:Publish", mine), ("sns:Publish", secret), ("sns:Publish", "*")]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM allowed, secret",
        "SELECT * FROM allowed a, secret b",
        "SELECT * FROM allowed AS a",
        "SELECT * -- it's\nFROM secret WHERE a='FROM allowed'",
        "SELECT * /* ' */ FROM secret WHERE a = ' FROM allowed",
        "SELECT 'x\\' , 'FROM secret WHERE a = ' FROM allowed",
        "SELECT * FROM `secret`",
        "SELECT * FROM 'secret'",
        'SELECT * FROM "arn:aws:dynamodb:*:111122223333:table/secret"',
        f"SELECT * FROM arn:aws:dynamodb:{HERE}:table/secret",
    ],
)
def test_a_partiql_statement_that_may_name_another_table_is_refused(statement: str) -> None:
    with pytest.raises(Fault) as refused:
        world().plan(CALLER, "dynamodb:ExecuteStatement", Statement=statement)
    assert refused.value.code == "ValidationException"


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws:dynamodb:*:{HOME}:table/secret",
        f"arn:aws:dynamodb:{REGION}::table/secret",
        f"arn:aws-cn:dynamodb:{HERE}:table/secret",
        f"arn:aws:sqs:{HERE}:table/secret",
        "arn:x",
        "arn:",
    ],
)
def test_an_arn_that_no_deny_would_match_is_refused(arn: str) -> None:
    with pytest.raises(Fault) as refused:
        world().plan(CALLER, "dynamodb:GetItem", TableName=arn, Key={})
    assert refused.value.code == "ValidationException"


def test_what_is_no_arn_where_one_is_needed_is_refused_and_not_an_internal_failure() -> None:
    with pytest.raises(Fault) as refused:
        world().plan(CALLER, "dynamodb:TagResource", ResourceArn="secret", Tags=[])
    assert refused.value.code == "ValidationException"


@pytest.mark.parametrize("name", ["secret:1", "/secret:label", f"arn:aws:ssm:{HERE}:parameter/secret:1"])
def test_a_version_or_label_does_not_hide_the_parameter(name: str) -> None:
    assert world().plan(CALLER, "ssm:GetParameter", Name=name) == [
        ("ssm:GetParameter", f"arn:aws:ssm:{HERE}:parameter/secret")
    ]


def test_reading_many_secrets_takes_reading_each() -> None:
    plan = world().plan(CALLER, "secretsmanager:BatchGetSecretValue", SecretIdList=["a", "b"])
    secret = f"arn:aws:secretsmanager:{HERE}:secret:"
    assert plan == [
        ("secretsmanager:BatchGetSecretValue", "*"),
        ("secretsmanager:GetSecretValue", f"{secret}a"),
        ("secretsmanager:GetSecretValue", f"{secret}b"),
    ]


def test_reading_whatever_secrets_a_filter_finds_is_refused() -> None:
    with pytest.raises(Fault) as refused:
        world().plan(CALLER, "secretsmanager:BatchGetSecretValue", Filters=[{"Key": "name", "Values": ["a"]}])
    assert refused.value.code == "NotImplemented"


@pytest.mark.parametrize(
    ("operation", "params", "code", "message"),
    [
        ("sts:AssumeRole", {"RoleArn": "nothing", "RoleSessionName": "s1"}, "ValidationError", "nothing is invalid"),
        (
            "sts:AssumeRole",
            {"RoleArn": "arn:a:a::a:", "RoleSessionName": "s1"},
            "ValidationError",
            "arn:a:a::a: is invalid",
        ),
        ("iam:GetPolicy", {"PolicyArn": "nothing"}, "ValidationError", "ARN nothing is not valid."),
        (
            "iam:GetPolicy",
            {"PolicyArn": "arn:aws-cn:iam::aws:policy/p"},
            "InvalidInput",
            "ARN arn:aws-cn:iam::aws:policy/p is not valid.",
        ),
        ("dynamodb:GetItem", {"TableName": "arn:x", "Key": {}}, "ValidationException", "Invalid ARN: arn:x"),
    ],
)
def test_each_service_says_in_its_own_words_that_an_arn_is_not_valid(
    operation: str, params: dict[str, object], code: str, message: str
) -> None:
    with pytest.raises(Fault) as refused:
        world().plan(CALLER, operation, **params)
    assert (refused.value.code, refused.value.status, refused.value.message) == (code, 400, message)
