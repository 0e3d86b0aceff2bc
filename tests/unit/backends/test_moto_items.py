"""Simple reads of DynamoDB items: what moto's handler would have answered."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from support.inprocess import InProcess

TABLE, SORTED = "simple-items", "simple-items-sorted"
WITH_HANDLER = {"ReturnConsumedCapacity": "NONE"}
"""A parameter with which a request is not simple, and which changes nothing."""

numbers = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9).map(str)
scalars = st.one_of(
    st.text().map(lambda text: {"S": text}),
    numbers.map(lambda number: {"N": number}),
    st.binary().map(lambda octets: {"B": octets}),
    st.booleans().map(lambda value: {"BOOL": value}),
    st.just({"NULL": True}),
    st.sets(st.text(min_size=1), min_size=1).map(lambda texts: {"SS": sorted(texts)}),
    st.sets(st.integers(), min_size=1).map(lambda values: {"NS": [str(value) for value in sorted(values)]}),
    st.sets(st.binary(min_size=1), min_size=1).map(lambda values: {"BS": sorted(values)}),
)
names = st.text(min_size=1, max_size=20)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda found: {"L": found})
        | st.dictionaries(names, inner, max_size=4).map(lambda found: {"M": found})
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def dynamodb(plane: InProcess) -> Any:
    client = plane.client("dynamodb")
    client.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client.create_table(
        TableName=SORTED,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "B"},
            {"AttributeName": "at", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


def both(dynamodb: Any, **request: Any) -> tuple[Any, Any]:
    """The answers of a simple read, and of one by moto's handler."""
    return answer(dynamodb, request), answer(dynamodb, {**request, **WITH_HANDLER})


def answer(dynamodb: Any, request: dict[str, Any]) -> Any:
    """An answer with the names of its headers; the error of one that is refused."""
    try:
        found = dynamodb.get_item(**request)
    except ClientError as error:
        return error.response["Error"]
    headers = found.pop("ResponseMetadata")["HTTPHeaders"]  # botocore has checked x-amz-crc32
    return found, headers.keys(), headers["content-type"]


@settings(max_examples=50, deadline=None)
@given(attributes=st.dictionaries(names.filter(lambda name: name != "id"), values, max_size=6))
def test_an_item_is_read_as_it_was_written(dynamodb: Any, attributes: dict[str, Any]) -> None:
    item = {"id": {"S": "one"}, **attributes}
    dynamodb.put_item(TableName=TABLE, Item=item)
    simple, other = both(dynamodb, TableName=TABLE, Key={"id": {"S": "one"}}, ConsistentRead=True)
    assert simple == other
    assert simple[0]["Item"] == item


def test_an_item_has_both_its_keys(dynamodb: Any) -> None:
    key = {"id": {"B": b"\x00\xff"}, "at": {"N": "1.50"}}
    dynamodb.put_item(TableName=SORTED, Item={**key, "value": {"S": "found"}})
    same = {"id": {"B": b"\x00\xff"}, "at": {"N": "1.5"}}
    simple, other = both(dynamodb, TableName=SORTED, Key=same)
    assert simple == other
    assert simple[0]["Item"] == {**key, "value": {"S": "found"}}


REFUSED_OR_EMPTY: dict[str, dict[str, Any]] = {
    "no item": {"TableName": TABLE, "Key": {"id": {"S": "none"}}},
    "no item of a partition": {"TableName": SORTED, "Key": {"id": {"B": b"none"}, "at": {"N": "1"}}},
    "no table": {"TableName": "none-here", "Key": {"id": {"S": "one"}}},
    "an empty key": {"TableName": TABLE, "Key": {"id": {"S": ""}}},
    "another attribute": {"TableName": TABLE, "Key": {"other": {"S": "one"}}},
    "one attribute too many": {"TableName": TABLE, "Key": {"id": {"S": "one"}, "other": {"S": "one"}}},
    "no sort key": {"TableName": SORTED, "Key": {"id": {"B": b"one"}}},
    "no key": {"TableName": TABLE, "Key": {}},
}


@pytest.mark.parametrize("name", REFUSED_OR_EMPTY)
def test_what_is_not_there_and_what_is_refused_are_answered_alike(dynamodb: Any, name: str) -> None:
    simple, other = both(dynamodb, **REFUSED_OR_EMPTY[name])
    assert simple == other
