"""The column store has the events that advanced event selectors match, and no other ones."""

from __future__ import annotations

from typing import Any, Final

import duckdb
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.audit.lake.schema import CREATE, STAGED
from locum.audit.lake.selection import Selection, Span, selector_sql
from locum.core.event_selectors import matches

TEXTS: Final = ("", "a", "ab", "b", "a'b", "A", "%", "_", "a_", "\\", "é", "a%b")
TYPES: Final = ("AWS::S3::Object", "AWS::S3::Bucket")
ACCOUNT: Final = "111122223333"

texts = st.sampled_from(TEXTS)
resources = st.lists(
    st.builds(
        lambda kind, arn: {k: v for k, v in (("type", kind), ("ARN", arn)) if v}, st.sampled_from((*TYPES, "")), texts
    ),
    max_size=3,
)
events = st.fixed_dictionaries(
    {},
    optional={
        "eventCategory": st.sampled_from(("Management", "Data")),
        "readOnly": st.booleans(),
        "eventName": texts,
        "eventSource": texts,
        "errorCode": texts,
        "vpcEndpointId": texts,
        "sessionCredentialFromConsole": st.just("true"),
        "userIdentity": st.builds(lambda arn: {"arn": arn} if arn else {}, texts),
        "resources": resources,
    },
)
fields = st.sampled_from(
    ("eventName", "eventSource", "errorCode", "vpcEndpointId", "userIdentity.arn", "resources.ARN", "eventCategory")
)
operators = st.sampled_from(("Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith", "NotEndsWith"))
statements = st.builds(
    lambda field, conditions: {"Field": field, **conditions},
    fields,
    st.dictionaries(operators, st.lists(st.sampled_from(TEXTS[1:]), min_size=1, max_size=3), min_size=1, max_size=3),
)
of_type = st.builds(lambda kind: {"Field": "resources.type", "Equals": [kind]}, st.sampled_from(TYPES))
reading = st.builds(lambda value: {"Field": "readOnly", "Equals": [value]}, st.sampled_from(("true", "false")))
selectors = st.builds(
    lambda found: {"FieldSelectors": found}, st.lists(statements | of_type | reading, min_size=1, max_size=4)
)


@pytest.fixture(scope="module")
def table() -> Any:
    connection = duckdb.connect(":memory:")
    for statement in CREATE:
        connection.execute(statement)
    return connection


def stored(table: Any, found: list[dict[str, Any]]) -> None:
    table.execute("DELETE FROM events")
    columns = (
        list(range(len(found))),
        [float(n) for n in range(len(found))],
        [msgspec.json.encode(it).decode() for it in found],
    )
    table.execute(f"INSERT INTO events {STAGED}", columns)


@given(found=st.lists(events, min_size=1, max_size=8), selector=selectors)
def test_the_condition_is_what_the_selector_matches(
    table: Any, found: list[dict[str, Any]], selector: dict[str, Any]
) -> None:
    stored(table, found)
    rows = table.execute(f"SELECT place FROM events WHERE {selector_sql(selector)} ORDER BY place").fetchall()
    assert [row[0] for row in rows] == [number for number, event in enumerate(found) if matches(selector, event)]


def test_a_span_has_its_time_its_accounts_and_its_region(table: Any) -> None:
    event = {"eventCategory": "Management", "recipientAccountId": ACCOUNT, "awsRegion": "eu-west-1"}
    other = {**event, "recipientAccountId": "444455556666"}
    stored(table, [event, event, {**event, "awsRegion": "us-east-1"}, other, event, other, event])
    selector = {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}
    accounts = ((ACCOUNT, 0.0), ("444455556666", 4.5))
    selection = Selection("s", (Span(1.0, 6.0, accounts, "eu-west-1", (selector,)),))
    rows = table.execute(f"SELECT place FROM events WHERE {selection.sql} ORDER BY place").fetchall()
    assert [row[0] for row in rows] == [1, 4, 5]


def test_attack_a_value_of_a_selector_is_no_sql(table: Any) -> None:
    stored(table, [{"eventCategory": "Management", "eventName": "a"}])
    for value in ("' OR true --", "''", "\\' OR true --", "a' UNION SELECT 1 --", "$1", "a; DROP TABLE events"):
        selector = {"FieldSelectors": [{"Field": "eventName", "Equals": [value]}]}
        assert table.execute(f"SELECT * FROM events WHERE {selector_sql(selector)}").fetchall() == []


def test_a_store_without_ingestion_has_no_event(table: Any) -> None:
    stored(table, [{"eventCategory": "Management"}])
    assert table.execute(f"SELECT * FROM events WHERE {Selection('s', ()).sql}").fetchall() == []
