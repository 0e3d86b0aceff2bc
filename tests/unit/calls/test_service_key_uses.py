"""Who has something encrypted put or read needs its key: a service uses a KMS key with its caller's permissions."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from locum.audit import cloudtrail_event
from support.inprocess import InProcess, Key, refusal

HOME = "000000000000"
SERVICES = ["s3", "sqs", "sns", "secretsmanager", "ssm"]
USE = ["kms:GenerateDataKey", "kms:Decrypt", "kms:Encrypt"]


class World:
    """A key, and something encrypted under it in each of the services: `write` and `read` have it used."""

    def __init__(self, plane: InProcess) -> None:
        self.plane, kms = plane, plane.client("kms")
        self.key = kms.create_key()["KeyMetadata"]["Arn"]
        kms.create_alias(AliasName="alias/world", TargetKeyId=self.key)
        s3 = plane.client("s3")
        for bucket in ("plain", "sealed"):
            s3.create_bucket(Bucket=bucket)
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/world"}
        s3.put_bucket_encryption(
            Bucket="sealed",
            ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
        )
        s3.put_object(Bucket="sealed", Key="k", Body=b"x")
        s3.put_object(Bucket="plain", Key="k", Body=b"x")
        sqs, sns = plane.client("sqs"), plane.client("sns")
        self.queue = sqs.create_queue(QueueName="sealed", Attributes={"KmsMasterKeyId": "alias/world"})["QueueUrl"]
        self.topic = sns.create_topic(Name="sealed", Attributes={"KmsMasterKeyId": self.key})["TopicArn"]
        secrets, ssm = plane.client("secretsmanager"), plane.client("ssm")
        self.secret = secrets.create_secret(Name="sealed", KmsKeyId=self.key, SecretString="x")["ARN"]
        ssm.put_parameter(Name="/sealed/p", Type="SecureString", KeyId="alias/world", Value="x")
        sqs.send_message(QueueUrl=self.queue, MessageBody="x")
        self.users = 0

    def user(self, *statements: dict[str, Any]) -> Key:
        self.users += 1
        services = {"Effect": "Allow", "Action": [f"{service}:*" for service in SERVICES], "Resource": "*"}
        return self.plane.user(f"caller-{self.users}", services, *statements)

    def calls(self, key: Key) -> dict[str, Callable[[], Any]]:
        """What uses the key, by service and way, with the credentials `key`."""
        s3, sqs, sns, secrets, ssm = (self.plane.client(service, key) for service in SERVICES)
        sse = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.key}
        return {
            "s3 put": lambda: s3.put_object(Bucket="plain", Key="n", Body=b"x", **sse),
            "s3 put default": lambda: s3.put_object(Bucket="sealed", Key="n", Body=b"x"),
            "s3 copy": lambda: s3.copy_object(Bucket="sealed", Key="c", CopySource="plain/k"),
            "s3 upload": lambda: s3.create_multipart_upload(Bucket="sealed", Key="u"),
            "sqs send": lambda: sqs.send_message(QueueUrl=self.queue, MessageBody="x"),
            "sqs batch": lambda: sqs.send_message_batch(QueueUrl=self.queue, Entries=[{"Id": "1", "MessageBody": "x"}]),
            "sns publish": lambda: sns.publish(TopicArn=self.topic, Message="x"),
            "sns target": lambda: sns.publish(TargetArn=self.topic, Message="x"),
            "secretsmanager put": lambda: secrets.put_secret_value(SecretId="sealed", SecretString="y"),
            "ssm put": lambda: ssm.put_parameter(
                Name="/sealed/p", Type="SecureString", KeyId=self.key, Value="y", Overwrite=True
            ),
            "s3 get": lambda: s3.get_object(Bucket="sealed", Key="k"),
            "s3 copy away": lambda: s3.copy_object(Bucket="plain", Key="c", CopySource="sealed/k"),
            "sqs receive": lambda: sqs.receive_message(QueueUrl=self.queue),
            "secretsmanager get": lambda: secrets.get_secret_value(SecretId="sealed"),
            "ssm get": lambda: ssm.get_parameter(Name="/sealed/p", WithDecryption=True),
        }


@pytest.fixture(scope="module")
def world(plane: InProcess) -> World:
    return World(plane)


WAYS = [
    *("s3 put", "s3 put default", "s3 copy", "s3 upload", "sqs send", "sqs batch", "sns publish"),
    *(
        "sns target",
        "secretsmanager put",
        "ssm put",
        "s3 get",
        "s3 copy away",
        "sqs receive",
        "secretsmanager get",
        "ssm get",
    ),
]
ERRORS = {
    "s3": ("AccessDenied", 403),
    "sqs": ("KMS.AccessDeniedException", 400),
    "sns": ("KMSAccessDenied", 400),
    "secretsmanager": ("AccessDeniedException", 400),
    "ssm": ("AccessDeniedException", 400),
}


def use(**condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": USE, "Resource": "*", "Condition": condition}


@pytest.mark.parametrize("way", WAYS)
def test_without_the_key_nothing_is_put_or_read(world: World, way: str) -> None:
    code, status, message = refusal(world.calls(world.user())[way])
    assert (code, status) == ERRORS[way.partition(" ")[0]]
    if not way.startswith("secretsmanager"):
        assert "is not authorized to perform: kms:" in message
        assert world.key in message


@pytest.mark.parametrize("way", WAYS)
def test_with_the_key_by_the_service_all_is_put_and_read_but_nothing_directly(world: World, way: str) -> None:
    service = way.partition(" ")[0]
    key = world.user(
        use(
            StringEquals={"kms:ViaService": f"{service}.us-east-1.amazonaws.com", "kms:CallerAccount": HOME},
            **{"ForAnyValue:StringEquals": {"aws:CalledVia": f"{service}.amazonaws.com"}},
            Bool={"aws:ViaAWSService": "true"},
        )
    )
    world.calls(key)[way]()
    with pytest.raises(ClientError):
        world.plane.client("kms", key).generate_data_key(KeyId=world.key, KeySpec="AES_256")


@pytest.mark.parametrize("way", WAYS)
def test_the_key_policy_may_deny_what_the_caller_is_allowed(world: World, way: str) -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": USE, "Resource": "*"}
    own = {"Effect": "Allow", "Principal": {"AWS": HOME}, "Action": "kms:*", "Resource": "*"}
    kms, key = world.plane.client("kms"), world.user(use())

    def put(*statements: dict[str, Any]) -> None:
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        kms.put_key_policy(KeyId=world.key, PolicyName="default", Policy=policy)

    put(own, deny)
    try:
        assert refusal(world.calls(key)[way])[0] == ERRORS[way.partition(" ")[0]][0]
    finally:
        put(own)


CONTEXTS = {
    "s3 put default": ("aws:s3:arn", "arn:aws:s3:::sealed/n"),
    "s3 get": ("aws:s3:arn", "arn:aws:s3:::sealed/k"),
    "sqs send": ("aws:sqs:arn", f"arn:aws:sqs:us-east-1:{HOME}:sealed"),
    "sns publish": ("aws:sns:topicArn", f"arn:aws:sns:us-east-1:{HOME}:sealed"),
    "secretsmanager get": ("SecretARN", f"arn:aws:secretsmanager:us-east-1:{HOME}:secret:sealed-??????"),
    "ssm get": ("PARAMETER_ARN", f"arn:aws:ssm:us-east-1:{HOME}:parameter/sealed/p"),
}


@pytest.mark.parametrize("way", CONTEXTS)
def test_the_encryption_context_names_the_resource(world: World, way: str) -> None:
    name, arn = CONTEXTS[way]
    world.calls(world.user(use(StringLike={f"kms:EncryptionContext:{name}": arn})))[way]()
    other = world.user(use(StringNotLike={f"kms:EncryptionContext:{name}": arn}))
    assert refusal(world.calls(other)[way])[0] == ERRORS[way.partition(" ")[0]][0]


def test_the_record_shows_the_call_of_the_service_with_its_callers_identity(world: World) -> None:
    key = world.user(use())
    world.calls(key)["s3 put default"]()
    put = next(record for record in world.plane.records() if record.operation == "PutObject")
    made = next(record for record in world.plane.records() if record.operation == "GenerateDataKey")
    assert (made.cause, made.service, made.invoked_by, made.verdict) == (
        put.request_id,
        "kms",
        "s3.amazonaws.com",
        "allow",
    )
    event = cloudtrail_event(made)
    assert event["userIdentity"]["userName"] == put.identity.name
    assert event["sourceIPAddress"] == "s3.amazonaws.com"
    assert event["requestParameters"]["encryptionContext"] == {"aws:s3:arn": "arn:aws:s3:::sealed/n"}


def test_an_older_version_is_read_with_its_own_key(world: World) -> None:
    s3, name = world.plane.client("s3"), "versioned"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    sse = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": world.key}
    old = s3.put_object(Bucket=name, Key="k", Body=b"old", **sse)["VersionId"]
    s3.put_object(Bucket=name, Key="k", Body=b"new", ServerSideEncryption="AES256")
    own = world.plane.client("s3", world.user())
    own.get_object(Bucket=name, Key="k")
    assert refusal(own.get_object, Bucket=name, Key="k", VersionId=old)[0] == "AccessDenied"
    source = {"Bucket": name, "Key": "k", "VersionId": old}
    assert refusal(own.copy_object, Bucket="plain", Key="o", CopySource=source)[0] == "AccessDenied"


def test_a_bucket_key_is_used_for_the_bucket(world: World) -> None:
    sse = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": world.key, "BucketKeyEnabled": True}
    bucket = use(StringEquals={"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::plain"})
    s3 = world.plane.client("s3", world.user(bucket))
    s3.put_object(Bucket="plain", Key="b", Body=b"x", **sse)
    s3.get_object(Bucket="plain", Key="b")


def test_the_encryption_context_of_the_request_is_added(world: World) -> None:
    sse = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": world.key}
    given = base64.b64encode(json.dumps({"team": "red", "aws:s3:arn": "arn:aws:s3:::other/k"}).encode()).decode()
    team = use(
        StringEquals={
            "kms:EncryptionContext:team": "red",
            "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::plain/t",
        }
    )
    s3 = world.plane.client("s3", world.user(team))
    s3.put_object(Bucket="plain", Key="t", Body=b"x", SSEKMSEncryptionContext=given, **sse)
    assert refusal(s3.put_object, Bucket="plain", Key="t", Body=b"x", **sse)[0] == "AccessDenied"


def test_managed_keys_and_no_keys_take_no_permission(world: World) -> None:
    s3, ssm = (world.plane.client(service, world.user()) for service in ("s3", "ssm"))
    s3.put_object(Bucket="plain", Key="m", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/aws/s3")
    s3.put_object(Bucket="sealed", Key="m", Body=b"x", ServerSideEncryption="AES256")
    s3.get_object(Bucket="sealed", Key="m")
    ssm.put_parameter(Name="managed", Type="SecureString", Value="x")
    ssm.get_parameter(Name="managed", WithDecryption=True)
    ssm.get_parameter(Name="/sealed/p")


def test_an_advanced_parameter_takes_a_data_key(world: World) -> None:
    only = {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": world.key}
    ssm = world.plane.client("ssm", world.user(only))
    call = {"Type": "SecureString", "KeyId": world.key, "Value": "x"}
    ssm.put_parameter(Name="standard", **call)
    assert refusal(ssm.put_parameter, Name="advanced", Tier="Advanced", **call)[0] == "AccessDeniedException"
    ssm = world.plane.client("ssm", world.user(use()))
    ssm.put_parameter(Name="advanced", Tier="Advanced", **call)


def test_parameters_are_read_by_no_other_way_without_their_key(world: World) -> None:
    root, ssm = (world.plane.client("ssm", key) for key in (None, world.user()))
    root.put_parameter(Name="/old/p", Type="SecureString", KeyId=world.key, Value="x")
    assert refusal(ssm.put_parameter, Name="/old/p", Value="y", Overwrite=True)[0] == "AccessDeniedException"
    root.put_parameter(Name="/old/p", Type="SecureString", KeyId="alias/aws/ssm", Value="y", Overwrite=True)
    root.put_parameter(Name="/old/deeper/p", Type="SecureString", KeyId=world.key, Value="x")
    ssm.get_parameter(Name="/old/p", WithDecryption=True)
    ssm.get_parameters_by_path(Path="/old", WithDecryption=True)
    ssm.get_parameters_by_path(Path="/", WithDecryption=False, Recursive=True)
    for operation, params in (
        ("get_parameter", {"Name": "/old/p:1"}),
        ("get_parameters", {"Names": ["/old/p", "/sealed/p"]}),
        ("get_parameter_history", {"Name": "/old/p"}),
        ("get_parameters_by_path", {"Path": "/old/deeper"}),
        ("get_parameters_by_path", {"Path": "/old/", "Recursive": True}),
        ("get_parameters_by_path", {"Path": "/", "Recursive": True}),
    ):
        assert refusal(getattr(ssm, operation), WithDecryption=True, **params)[0] == "AccessDeniedException", params


@pytest.mark.parametrize("name", ["{}=/path/mine", "{} x"])
def test_the_name_of_a_key_puts_no_other_resource_in_the_encryption_context(world: World, name: str) -> None:
    arn = f"arn:aws:ssm:us-east-1:{HOME}:parameter/path/mine"
    ssm = world.plane.client("ssm", world.user(use(StringEquals={"kms:EncryptionContext:PARAMETER_ARN": arn})))
    put = {"Type": "SecureString", "Value": "x", "KeyId": name.format(world.key)}
    assert refusal(ssm.put_parameter, Name="/path/yours", **put)[0] == "AccessDeniedException"


def test_the_parameters_of_a_path_have_encryption_contexts_of_their_own(world: World) -> None:
    arn = f"arn:aws:ssm:us-east-1:{HOME}:parameter/path/p"
    world.plane.client("ssm").put_parameter(Name="/path/p", Type="SecureString", KeyId=world.key, Value="x")
    key = world.user(use(StringEquals={"kms:EncryptionContext:PARAMETER_ARN": arn}))
    found = world.plane.client("ssm", key).get_parameters_by_path(Path="/path", WithDecryption=True)["Parameters"]
    assert [one["Value"] for one in found] == ["x"]


def test_another_accounts_key_takes_its_policys_allow(world: World) -> None:
    plane = world.plane
    other = plane.account("222233334444")
    kms = plane.client("kms", other)
    theirs = kms.create_key()["KeyMetadata"]["Arn"]
    s3 = plane.client("s3", world.user(use()))
    call = {"Bucket": "plain", "Key": "x", "Body": b"x", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": theirs}
    assert refusal(s3.put_object, **call)[0] == "AccessDenied"
    rows = [
        {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "kms:*", "Resource": "*"}
        for account in (HOME, "222233334444")
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": rows})
    kms.put_key_policy(KeyId=theirs, PolicyName="default", Policy=policy)
    s3.put_object(**call)
