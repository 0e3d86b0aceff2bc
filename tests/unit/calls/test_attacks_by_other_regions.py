"""A denial of a Region is not walked around by a client of another Region that names a resource in the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from locum.calls import hypothetical
from support.inprocess import InProcess, Key
from support.plane import allow, fresh, refused

HERE, THERE = "us-east-1", "eu-west-1"
IN_REGION = {"StringNotEquals": {"aws:RequestedRegion": THERE}}


def _table(plane: InProcess) -> str:
    made = plane.client("dynamodb").create_table(
        TableName=fresh("orders"),
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return str(made["TableDescription"]["TableArn"])


def _topic(plane: InProcess) -> str:
    return str(plane.client("sns").create_topic(Name=fresh("orders"))["TopicArn"])


def _secret(plane: InProcess) -> str:
    return str(plane.client("secretsmanager").create_secret(Name=fresh("orders"), SecretString="one")["ARN"])


def _key(plane: InProcess) -> str:
    return str(plane.client("kms").create_key()["KeyMetadata"]["Arn"])


CALLS: dict[str, tuple[Callable[[InProcess], str], Callable[[Any, str], Callable[[], Any]]]] = {
    "dynamodb": (_table, lambda c, arn: lambda: c.put_item(TableName=arn, Item={"id": {"S": "a"}})),
    "kms": (_key, lambda c, arn: lambda: c.encrypt(KeyId=arn, Plaintext=b"x")),
    "secretsmanager": (_secret, lambda c, arn: lambda: c.get_secret_value(SecretId=arn)),
    "sns": (_topic, lambda c, arn: lambda: c.publish(TopicArn=arn, Message="x")),
}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    """A plane for all tests here."""
    running = InProcess(tmp_path_factory.mktemp("plane") / "plane")
    yield running
    running.close()


@pytest.mark.parametrize("service", CALLS)
def test_attack_a_denial_of_a_region_is_not_walked_around_by_an_arn(plane: InProcess, service: str) -> None:
    made, call = CALLS[service]
    arn = made(plane)
    deny = {"Effect": "Deny", "Action": f"{service}:*", "Resource": "*", "Condition": IN_REGION}
    held = plane.user(f"{service}-held", allow(f"{service}:*"), deny)
    free = plane.user(f"{service}-free", allow(f"{service}:*"))
    told = refused(call(plane.client(service, held, region=THERE), arn))
    assert told.code in ("AccessDenied", "AccessDeniedException", "AuthorizationError")
    assert "explicit deny" in told.message
    call(plane.client(service, free, region=HERE), arn)()


def test_what_may_be_called_in_one_region_alone_is_not_called_in_another(plane: InProcess) -> None:
    only = {**allow("sns:*"), "Condition": {"StringEquals": {"aws:RequestedRegion": THERE}}}
    topic, key = _topic(plane), plane.user("there-alone", only)
    there = plane.client("sns", key, region=THERE)
    assert refused(lambda: there.publish(TopicArn=topic, Message="x")).code == "AuthorizationError"
    own = there.create_topic(Name=fresh("orders"))["TopicArn"]
    there.publish(TopicArn=own, Message="x")


def _denied_here(plane: InProcess, name: str) -> Key:
    """The key of a new user who may do everything, but nothing in the Region HERE."""
    deny = {
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestedRegion": HERE}},
    }
    return plane.user(name, allow("*"), deny)


def _database(plane: InProcess, name: str) -> str:
    made = plane.client("rds").create_db_instance(
        DBInstanceIdentifier=name,
        Engine="mysql",
        DBInstanceClass="db.t3.micro",
        MasterUsername="admin",
        MasterUserPassword="not-a-secret",
        AllocatedStorage=5,
    )
    return str(made["DBInstance"]["DBInstanceArn"])


def test_attack_a_denial_of_a_region_is_not_walked_around_by_a_second_resource_in_another(plane: InProcess) -> None:
    """A parameter group, of which only the name is told, is in the Region of the client."""
    arn, held = _database(plane, "orders"), _denied_here(plane, "rds-held")
    there = plane.client("rds", held, region=THERE)
    changed = {"AllocatedStorage": 7, "DBParameterGroupName": "default.mysql5.6"}
    told = refused(there.modify_db_instance, DBInstanceIdentifier=arn, **changed)
    assert (told.code, "explicit deny" in told.message) == ("AccessDenied", True)
    (kept,) = plane.client("rds").describe_db_instances(DBInstanceIdentifier="orders")["DBInstances"]
    assert kept["AllocatedStorage"] == 5


def test_a_copy_is_made_in_its_own_region_alone(plane: InProcess) -> None:
    arn, rds = _database(plane, "copied"), plane.client("rds")
    made = rds.create_db_snapshot(DBInstanceIdentifier="copied", DBSnapshotIdentifier="first")["DBSnapshot"]
    there = plane.client("rds", _denied_here(plane, "copies"), region=THERE)
    there.copy_db_snapshot(SourceDBSnapshotIdentifier=made["DBSnapshotArn"], TargetDBSnapshotIdentifier="second")
    there.create_db_instance_read_replica(DBInstanceIdentifier="replica", SourceDBInstanceIdentifier=arn)
    assert [it["DBSnapshotIdentifier"] for it in there.describe_db_snapshots()["DBSnapshots"]] == ["second"]


def test_attack_a_denial_of_a_region_is_not_walked_around_to_its_buckets(plane: InProcess) -> None:
    """On AWS a bucket answers in its own Region alone."""
    root, held = plane.client("s3"), _denied_here(plane, "s3-held")
    root.create_bucket(Bucket="orders-here")
    root.put_object(Bucket="orders-here", Key="a", Body=b"x")
    there = plane.client("s3", held, region=THERE)
    control = plane.client("s3control", held, region=THERE)
    tagged = {"AccountId": "000000000000", "ResourceArn": "arn:aws:s3:::orders-here"}
    there.create_bucket(Bucket="orders-there", CreateBucketConfiguration={"LocationConstraint": THERE})
    there.put_object(Bucket="orders-there", Key="a", Body=b"x")
    calls: list[Callable[[], Any]] = [
        lambda: there.get_object(Bucket="orders-here", Key="a"),
        lambda: there.put_object(Bucket="orders-here", Key="b", Body=b"x"),
        lambda: there.copy_object(Bucket="orders-here", Key="b", CopySource="orders-there/a"),
        lambda: there.list_objects_v2(Bucket="orders-here"),
        lambda: there.delete_bucket_policy(Bucket="orders-here"),
        lambda: control.tag_resource(**tagged, Tags=[{"Key": "a", "Value": "b"}]),
        lambda: there.delete_objects(Bucket="orders-here", Delete={"Objects": [{"Key": "a"}]}),
    ]
    assert {refused(call).code for call in calls} == {"AccessDenied"}
    assert [it["Key"] for it in root.list_objects_v2(Bucket="orders-here")["Contents"]] == ["a"]
    there.copy_object(Bucket="orders-there", Key="b", CopySource="orders-here/a")
    there.get_bucket_location(Bucket="orders-here")


def test_attack_who_may_not_list_a_bucket_in_its_region_does_not_learn_what_is_absent(plane: InProcess) -> None:
    plane.client("s3").create_bucket(Bucket="listed")
    deny = {"Effect": "Deny", "Action": "s3:ListBucket", "Resource": "*"}
    here = plane.user("not-here", allow("*"), {**deny, "Condition": {"StringEquals": {"aws:RequestedRegion": HERE}}})
    there = plane.user("not-there", allow("*"), {**deny, "Condition": {"StringEquals": {"aws:RequestedRegion": THERE}}})
    for key in (here, there):
        s3 = plane.client("s3", key, region=THERE)
        assert refused(s3.get_object, Bucket="listed", Key="none").code == "AccessDenied"


def test_a_denial_of_another_region_is_decided_again_as_it_was(plane: InProcess) -> None:
    topic, held = _topic(plane), _denied_here(plane, "again-held")
    there = plane.client("sns", held, region=THERE)
    refused(there.publish, TopicArn=topic, Message="x")
    record = next(it for it in plane.records() if it.operation == "Publish" and it.denied)
    question = {"type": "again", "account": record.account, "region": HERE, "request": record.request_id}
    told = plane.run(hypothetical.answer(plane.node.runtime, question))
    assert (told["was"], told["verdict"]) == ("explicit-deny", "explicit-deny")


def test_attack_what_is_observed_as_denied_is_not_recorded_as_allowed_by_another_region(tmp_path: Path) -> None:
    plane = InProcess(tmp_path / "observing", mode="observe")
    try:
        only = {**allow("sns:*"), "Condition": {"StringEquals": {"aws:RequestedRegion": HERE}}}
        topic, key = _topic(plane), plane.user("here-alone", only)
        answer = plane.client("sns", key, region=THERE).publish(TopicArn=topic, Message="x")
        record = plane.record(answer["ResponseMetadata"]["RequestId"])
        assert (record.verdict, record.denied) == ("implicit-deny", True)
    finally:
        plane.close()
