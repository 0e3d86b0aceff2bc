"""What a backend keeps and nobody can read: it grants nothing, and locks nobody of the owning account out."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import pytest
from moto.backends import get_backend

from support.back_ways import EVERYONE, UNREADABLE
from support.functions import package
from support.inprocess import REGION, InProcess, Key, refusal

HOME: Final = "000000000000"
AWAY: Final = "444455556666"


class Kept(NamedTuple):
    """A resource in moto. `keep` writes a value in place of its policy; `use`, `repair` and `delete` take a client."""

    service: str
    keep: Callable[[Any], None]
    use: Callable[[Any], Any]
    repair: Callable[[Any], Any]
    delete: Callable[[Any], Any]


_NUMBERS = itertools.count()
"""To name what is kept: tests of several workers make it more than once."""


def _models(service: str, region: str = REGION) -> Any:
    backends: Any = get_backend(service)
    return backends[HOME][region]


def _bucket(plane: InProcess) -> Kept:
    name = f"kept-{next(_NUMBERS)}"
    plane.client("s3").create_bucket(Bucket=name)
    text = json.dumps({"Statement": [{**EVERYONE, "Principal": {"AWS": HOME}, "Resource": f"arn:aws:s3:::{name}/*"}]})
    return Kept(
        "s3",
        lambda value: setattr(_models("s3", "aws").buckets[name], "policy", value),
        lambda client: client.list_objects_v2(Bucket=name),
        lambda client: client.put_bucket_policy(Bucket=name, Policy=text),
        lambda client: client.delete_bucket(Bucket=name),
    )


def _queue(plane: InProcess) -> Kept:
    name = f"kept-{next(_NUMBERS)}"
    url = plane.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    return Kept(
        "sqs",
        lambda value: setattr(_models("sqs").queues[name], "_policy_json", value),
        lambda client: client.receive_message(QueueUrl=url),
        lambda client: client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""}),
        lambda client: client.delete_queue(QueueUrl=url),
    )


def _topic(plane: InProcess) -> Kept:
    name = f"kept-{next(_NUMBERS)}"
    arn = plane.client("sns").create_topic(Name=name)["TopicArn"]
    text = json.dumps({"Statement": [{**EVERYONE, "Principal": {"AWS": HOME}, "Action": "sns:Publish"}]})
    return Kept(
        "sns",
        lambda value: setattr(_models("sns").topics[arn], "_policy_json", value),
        lambda client: client.publish(TopicArn=arn, Message="m"),
        lambda client: client.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=text),
        lambda client: client.delete_topic(TopicArn=arn),
    )


def _key(plane: InProcess) -> Kept:
    arn = plane.client("kms").create_key()["KeyMetadata"]["Arn"]
    text = json.dumps({"Statement": [{**EVERYONE, "Principal": {"AWS": HOME}, "Action": "kms:*"}]})
    return Kept(
        "kms",
        lambda value: setattr(_models("kms").keys[arn.rpartition("/")[2]], "policy", value),
        lambda client: client.encrypt(KeyId=arn, Plaintext=b"p"),
        lambda client: client.put_key_policy(KeyId=arn, PolicyName="default", Policy=text),
        lambda client: client.schedule_key_deletion(KeyId=arn.rpartition("/")[2]),
    )


def _secret(plane: InProcess) -> Kept:
    name = f"kept-{next(_NUMBERS)}"
    arn = plane.client("secretsmanager").create_secret(Name=name, SecretString="s")["ARN"]
    return Kept(
        "secretsmanager",
        lambda value: setattr(_models("secretsmanager").secrets[name], "policy", value),
        lambda client: client.get_secret_value(SecretId=arn),
        lambda client: client.delete_resource_policy(SecretId=arn),
        lambda client: client.delete_secret(SecretId=arn),
    )


def _table(plane: InProcess) -> Kept:
    name = f"kept-{next(_NUMBERS)}"
    arn = plane.client("dynamodb").create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]["TableArn"]
    text = json.dumps({"Statement": [{**EVERYONE, "Principal": {"AWS": HOME}, "Action": "dynamodb:*"}]})
    plane.client("dynamodb").put_resource_policy(ResourceArn=arn, Policy=text)
    return Kept(
        "dynamodb",
        lambda value: setattr(_models("dynamodb").resource_policies[arn], "policy_doc", value),
        lambda client: client.get_item(TableName=arn, Key={"k": {"S": "v"}}),
        lambda client: client.put_resource_policy(ResourceArn=arn, Policy=text),
        lambda client: client.delete_table(TableName=arn),
    )


def _function(plane: InProcess) -> Kept:
    name = f"kept-{next(_NUMBERS)}"
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = plane.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    client = plane.client("lambda")
    arn = client.create_function(
        FunctionName=name, Runtime="python3.11", Handler="h.h", Role=role, Code={"ZipFile": package(h="")}
    )["FunctionArn"]
    client.add_permission(FunctionName=name, StatementId="s", Action="lambda:InvokeFunction", Principal=HOME)
    policy = _models("lambda")._lambdas.get_arn(arn).policy

    def keep(value: Any) -> None:
        policy.statements = [{"Sid": "s", "Effect": "Allow", "Principal": "*", "Action": value, "Resource": arn}]

    return Kept(
        "lambda",
        keep,
        lambda client: client.get_function(FunctionName=arn),
        lambda client: client.remove_permission(FunctionName=arn, StatementId="s"),
        lambda client: client.delete_function(FunctionName=arn),
    )


MAKERS: Final = {maker.__name__[1:]: maker for maker in (_bucket, _queue, _topic, _key, _secret, _table, _function)}
VALUES: Final[tuple[Any, ...]] = (*UNREADABLE, b"\xff\xfe", {7: object()})
"""What a stack's template, or a moto of the future, may leave: some of it would grant everything if half of it counted.
"""


@pytest.fixture(scope="module")
def strangers(plane: InProcess) -> list[Key]:
    """Those whom only a resource's policy could let in: another account's root, and a user without permissions."""
    return [plane.account(AWAY), plane.user("without")]


@pytest.fixture(scope="module")
def administrator(plane: InProcess) -> Key:
    """A user with a permission for everything."""
    return plane.user("administrator", {"Effect": "Allow", "Action": "*", "Resource": "*"})


@pytest.fixture(scope="module", params=MAKERS)
def kept(plane: InProcess, request: pytest.FixtureRequest) -> Kept:
    """A resource of each kind."""
    return MAKERS[request.param](plane)


def test_an_unreadable_policy_grants_nothing_and_denies_nothing_to_the_owners(
    plane: InProcess, kept: Kept, strangers: list[Key], administrator: Key
) -> None:
    root, owner = plane.client(kept.service), plane.client(kept.service, administrator)
    for value in VALUES:
        kept.keep(value)
        kept.use(root)
        kept.use(owner)
        for stranger in strangers:
            assert refusal(kept.use, client=plane.client(kept.service, stranger))[1] in (400, 403), value


def test_an_unreadable_policy_is_repaired_and_its_resource_deleted(
    plane: InProcess, kept: Kept, administrator: Key
) -> None:
    owner = plane.client(kept.service, administrator)
    kept.keep(json.dumps([EVERYONE]) if kept.service in ("s3", "kms", "secretsmanager", "dynamodb") else [{}])
    kept.repair(owner)
    kept.use(owner)
    kept.keep({"Statement": [{}]})
    kept.delete(owner)


def test_root_takes_away_a_tables_policy_that_denies_everybody(plane: InProcess, administrator: Key) -> None:
    client = plane.client("dynamodb")
    arn = _table_for_tags(plane)
    client.put_resource_policy(
        ResourceArn=arn,
        Policy=json.dumps({"Statement": [{**EVERYONE, "Effect": "Deny", "Action": "dynamodb:*", "Resource": arn}]}),
    )
    assert refusal(client.describe_table, TableName=arn)[0] == "AccessDeniedException"
    other = plane.client("dynamodb", administrator)
    assert refusal(other.delete_resource_policy, ResourceArn=arn)[0] == "AccessDeniedException"
    client.delete_resource_policy(ResourceArn=arn)
    client.describe_table(TableName=arn)


# -- tags -----------------------------------------------------------------------------------------------------------

NO_TAGS: Final[tuple[list[dict[str, str]], ...]] = ([{}], [{"Key": "a", "Value": "b"}, {"Value": "c"}], [{"Key": ""}])


@pytest.mark.parametrize("tags", NO_TAGS)
def test_a_tag_without_a_key_is_refused_and_loses_nothing(plane: InProcess, tags: list[dict[str, str]]) -> None:
    table = _table_for_tags(plane)
    client = plane.client("dynamodb", parameter_validation=False)
    assert refusal(client.tag_resource, ResourceArn=table, Tags=tags)[:2] == ("ValidationException", 400)
    assert client.describe_table(TableName="tagged")["Table"]["TableArn"] == table
    secrets = plane.client("secretsmanager", parameter_validation=False)
    told = refusal(secrets.create_secret, Name="tagged", SecretString="s", Tags=tags)
    assert told[:2] == ("ValidationException", 400)
    topics = plane.client("sns", parameter_validation=False)
    if tags != [{}]:  # of which nothing is on the wire in the query protocol
        assert refusal(topics.create_topic, Name="tagged", Tags=tags)[:2] == ("ValidationError", 400)
    keys = plane.client("kms", parameter_validation=False)
    pairs = [{f"Tag{name}": value for name, value in tag.items()} for tag in tags]
    assert refusal(keys.create_key, Tags=pairs)[:2] == ("ValidationException", 400)
    buckets = plane.client("s3", parameter_validation=False)
    buckets.create_bucket(Bucket="tagged")
    told = refusal(buckets.put_bucket_tagging, Bucket="tagged", Tagging={"TagSet": tags})
    assert told[0] in {"MalformedXML", "InvalidTag"}
    buckets.head_bucket(Bucket="tagged")


def _table_for_tags(plane: InProcess) -> str:
    client = plane.client("dynamodb")
    if "tagged" not in client.list_tables()["TableNames"]:
        client.create_table(
            TableName="tagged",
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
    return str(client.describe_table(TableName="tagged")["Table"]["TableArn"])


@pytest.mark.parametrize("tags", [[{}], [7], 7, "x", [{"Key": 7, "Value": []}], [None]])
def test_tags_that_cannot_be_read_lock_nobody_out(plane: InProcess, tags: Any) -> None:
    _table_for_tags(plane)
    table = _models("dynamodb").tables["tagged"]
    table.tags, before = tags, table.tags
    plane.client("dynamodb").get_item(TableName="tagged", Key={"k": {"S": "v"}})
    table.tags = before
