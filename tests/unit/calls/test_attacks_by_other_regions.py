"""A denial of a Region is not walked around by a client of another Region that names a resource in the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.inprocess import InProcess
from support.plane import allow, refused

HERE, THERE = "us-east-1", "eu-west-1"
IN_REGION = {"StringNotEquals": {"aws:RequestedRegion": THERE}}


def _table(plane: InProcess) -> str:
    made = plane.client("dynamodb").create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return str(made["TableDescription"]["TableArn"])


def _topic(plane: InProcess) -> str:
    return str(plane.client("sns").create_topic(Name="orders")["TopicArn"])


def _secret(plane: InProcess) -> str:
    return str(plane.client("secretsmanager").create_secret(Name="orders", SecretString="one")["ARN"])


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
    own = there.create_topic(Name="orders")["TopicArn"]
    there.publish(TopicArn=own, Message="x")
