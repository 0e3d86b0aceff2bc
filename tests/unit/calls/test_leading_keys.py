"""dynamodb:LeadingKeys are the partition keys of the items in a request, and of nothing else in it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.inprocess import REGION, InProcess, Key

ARN = f"arn:aws:dynamodb:{REGION}:000000000000:table/"


@pytest.fixture(scope="module")
def key(plane: InProcess) -> Key:
    """Of a user who may have the items of `me` in the tables `games` and `others`, and their index `by-game`."""
    for table, partition, sort in (("games", "u", "g"), ("others", "g", "u")):
        plane.client("dynamodb").create_table(
            TableName=table,
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("u", "g")],
            KeySchema=[
                {"AttributeName": partition, "KeyType": "HASH"},
                {"AttributeName": sort, "KeyType": "RANGE"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by-game",
                    "KeySchema": [{"AttributeName": sort, "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            BillingMode="PAY_PER_REQUEST",
        )
    condition = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["me"]}}
    return plane.user(
        "player", {"Effect": "Allow", "Action": "dynamodb:*", "Resource": f"{ARN}*", "Condition": condition}
    )


def item(u: str = "", g: str = "") -> dict[str, Any]:
    return {name: {"S": value} for name, value in (("u", u), ("g", g)) if value}


def query(text: str, table: str = "games", **more: Any) -> tuple[str, dict[str, Any]]:
    values = {":me": {"S": "me"}, ":you": {"S": "you"}}
    used = {name: value for name, value in values.items() if name in text}
    return "query", {"TableName": table, "KeyConditionExpression": text, "ExpressionAttributeValues": used, **more}


MINE = [
    ("put_item", {"TableName": "games", "Item": item("me", "chess")}),
    ("get_item", {"TableName": "games", "Key": item("me", "chess")}),
    ("get_item", {"TableName": f"{ARN}games", "Key": item("me", "chess")}),
    ("get_item", {"TableName": "others", "Key": item("you", "me")}),
    ("batch_get_item", {"RequestItems": {"games": {"Keys": [item("me", "you")]}}}),
    ("transact_get_items", {"TransactItems": [{"Get": {"TableName": "games", "Key": item("me", "you")}}]}),
    query("u = :me"),
    query("u = :me AND g = :you"),
    query("#p = :me", ExpressionAttributeNames={"#p": "u"}),
    query("g = :me", IndexName="by-game"),
]
YOURS = [
    ("put_item", {"TableName": "games", "Item": item("you", "me")}),
    ("put_item", {"TableName": "games", "Item": item("", "me")}),
    ("get_item", {"TableName": "others", "Key": item("me", "you")}),
    ("batch_get_item", {"RequestItems": {"games": {"Keys": [item("me", "a"), item("you", "a")]}}}),
    (
        "batch_get_item",
        {"RequestItems": {"games": {"Keys": [item("me", "a")]}, "others": {"Keys": [item("me", "you")]}}},
    ),
    ("transact_get_items", {"TransactItems": [{"Get": {"TableName": "games", "Key": item("you", "me")}}]}),
    query("u = :you AND g = :me"),
    query("g = :me AND u = :you"),
    query("u = :me AND u = :you"),
    query(":you = u AND g = :me"),
    query("#u = :you AND #g = :me", ExpressionAttributeNames={"#u": "u", "#g": "g"}),
    query("#g = :you AND #u = :me", ExpressionAttributeNames={"#g": "u", "#u": "g"}),
    query("g = :you", IndexName="by-game"),
    query("begins_with(u, :me)"),
    ("execute_statement", {"Statement": "SELECT * FROM games WHERE u = 'me'"}),
]


def denied(plane: InProcess, key: Key, operation: str, params: dict[str, Any]) -> bool:
    try:
        getattr(plane.client("dynamodb", key), operation)(**params)
    except ClientError as error:
        return bool(error.response["Error"]["Code"] == "AccessDeniedException")
    return False


@pytest.mark.parametrize(("operation", "params"), MINE)
def test_ones_own_items_are_had(plane: InProcess, key: Key, operation: str, params: dict[str, Any]) -> None:
    assert not denied(plane, key, operation, params)


@pytest.mark.parametrize(("operation", "params"), YOURS)
def test_nobody_elses_items_are_had(plane: InProcess, key: Key, operation: str, params: dict[str, Any]) -> None:
    assert denied(plane, key, operation, params)
