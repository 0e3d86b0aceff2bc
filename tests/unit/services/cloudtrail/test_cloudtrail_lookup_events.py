"""LookupEvents, over the real event history."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.audit import History, Record, Resource, identify
from locum.core.errors import Fault
from locum.core.principal import Caller
from locum.services.cloudtrail import OPERATIONS
from locum.store.memory import MemoryJournal
from support.one_account import ACCOUNT, NOW, OTHER, USER, Plane


def record(number: int, **fields: Any) -> Record:
    given: dict[str, Any] = {
        "event_id": f"event-{number}",
        "request_id": f"request-{number}",
        "at": NOW + number,
        "account": ACCOUNT,
        "region": "us-east-1",
        "event_source": "iam.amazonaws.com",
        "service": "iam",
        "operation": "CreateRole",
        "identity": identify(Caller(USER, "AKIAEXAMPLE")),
        "resources": (Resource("AWS::IAM::Role", f"role-{number}"),),
        **fields,
    }
    return Record(**given)


@pytest.fixture
def trail() -> Plane:
    journal = MemoryJournal()
    records = [record(n) for n in range(1, 4)]
    records.append(record(4, operation="GetRole", read_only=True))
    records.append(record(5, account=OTHER))
    records.append(record(6, operation="GetObject", management=False))
    journal.record([r.row() for r in records])
    return Plane("cloudtrail", OPERATIONS, history=History(journal))


def looked_up(trail: Plane, **params: Any) -> list[str]:
    return [event["EventId"] for event in trail.call("LookupEvents", **params)["Events"]]


def refused(trail: Plane, **params: Any) -> Fault:
    with pytest.raises(Fault) as caught:
        trail.call("LookupEvents", **params)
    return caught.value


def by(key: str, value: str) -> list[dict[str, str]]:
    return [{"AttributeKey": key, "AttributeValue": value}]


def test_the_newest_management_events_of_ones_own_account_come_first(trail: Plane) -> None:
    assert looked_up(trail) == ["event-4", "event-3", "event-2", "event-1"]


def test_an_event_is_told_in_cloudtrails_form(trail: Plane) -> None:
    event = trail.call("LookupEvents", MaxResults=1)["Events"][0]
    told = json.loads(event.pop("CloudTrailEvent"))
    assert event == {
        "EventId": "event-4",
        "EventName": "GetRole",
        "ReadOnly": "true",
        "AccessKeyId": "AKIAEXAMPLE",
        "EventTime": NOW + 4,
        "EventSource": "iam.amazonaws.com",
        "Username": "ann",
        "Resources": [{"ResourceType": "AWS::IAM::Role", "ResourceName": "role-4"}],
    }
    assert (told["eventID"], told["eventName"]) == ("event-4", "GetRole")


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("EventId", "event-2", ["event-2"]),
        ("EventName", "GetRole", ["event-4"]),
        ("ReadOnly", "true", ["event-4"]),
        ("Username", "nobody", []),
        ("ResourceName", "role-3", ["event-3"]),
        ("EventSource", "s3.amazonaws.com", []),
        ("AccessKeyId", "AKIAOTHER", []),
    ],
)
def test_events_are_looked_up_by_one_attribute(trail: Plane, key: str, value: str, found: list[str]) -> None:
    assert looked_up(trail, LookupAttributes=by(key, value)) == found


def test_events_are_looked_up_by_time(trail: Plane) -> None:
    assert looked_up(trail, StartTime=NOW + 2, EndTime=NOW + 3) == ["event-3", "event-2"]


def test_pages_follow_one_another(trail: Plane) -> None:
    first = trail.call("LookupEvents", MaxResults=3)
    rest = trail.call("LookupEvents", MaxResults=3, NextToken=first["NextToken"])
    assert [e["EventId"] for e in first["Events"] + rest["Events"]] == ["event-4", "event-3", "event-2", "event-1"]
    assert "NextToken" not in rest


def test_a_token_of_another_question_is_refused(trail: Plane) -> None:
    token = trail.call("LookupEvents", MaxResults=1)["NextToken"]
    assert refused(trail, NextToken=token, StartTime=NOW).code == "InvalidNextTokenException"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"LookupAttributes": by("EventId", "a") * 2}, "InvalidLookupAttributesException"),
        ({"LookupAttributes": by("Colour", "red")}, "InvalidLookupAttributesException"),
        ({"LookupAttributes": [{"AttributeKey": "EventId"}]}, "InvalidLookupAttributesException"),
        ({"StartTime": NOW + 1, "EndTime": NOW}, "InvalidTimeRangeException"),
        ({"MaxResults": 0}, "InvalidMaxResultsException"),
        ({"MaxResults": 51}, "InvalidMaxResultsException"),
        ({"NextToken": "nonsense"}, "InvalidNextTokenException"),
        ({"EventCategory": "gossip"}, "InvalidEventCategoryException"),
    ],
)
def test_a_question_that_is_not_valid_is_refused(trail: Plane, params: dict[str, Any], code: str) -> None:
    assert refused(trail, **params).code == code


def test_there_are_no_insights(trail: Plane) -> None:
    assert trail.call("LookupEvents", EventCategory="insight") == {"Events": []}


def test_a_plane_that_records_nothing_says_so() -> None:
    assert refused(Plane("cloudtrail", OPERATIONS)).code == "UnsupportedOperationException"
