"""LookupEvents and the other look-ups: newest first, a page at a time, with CloudTrail's errors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from locum.audit import History, Identity, Record, Resource
from locum.core.errors import Fault
from locum.store.memory import MemoryJournal

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
ALICE = Identity("user", f"arn:aws:iam::{ACCOUNT}:user/Alice", ACCOUNT, "AIDA", "Alice", "AKIAALICE")
SESSION = Identity("role-session", "arn", ACCOUNT, "AROA:s", "s", "ASIA", ROLE, "AROA", 1)


def record(number: int, **more: Any) -> Record:
    base: dict[str, Any] = {
        "event_id": f"event-{number}",
        "request_id": f"request-{number}",
        "at": 1000.0 + number,
        "account": ACCOUNT,
        "region": "us-east-1",
        "event_source": "iam.amazonaws.com",
        "service": "iam",
        "operation": "GetRole",
        "identity": ALICE,
        "read_only": True,
        "verdict": "allow",
    }
    return Record(**(base | more))


def history(*records: Record) -> tuple[History, MemoryJournal]:
    journal = MemoryJournal()
    journal.record([r.row() for r in records])
    return History(journal), journal


def ids(records: Sequence[Record]) -> list[int]:
    return [int(r.event_id.removeprefix("event-")) for r in records]


def test_pages_join_without_a_gap_or_a_repetition_while_calls_go_on() -> None:
    found, journal = history(*(record(n) for n in range(1, 8)))
    seen: list[int] = []
    token = None
    for later in range(100, 110):
        page = found.lookup(ACCOUNT, max_results=3, token=token)
        seen += ids(page.records)
        journal.record([record(later).row()])
        token = page.token
        if token is None:
            break
    assert seen == [7, 6, 5, 4, 3, 2, 1]


def test_a_last_page_that_is_just_full_has_no_token() -> None:
    found, _ = history(record(1), record(2))
    assert found.lookup(ACCOUNT, max_results=2).token is None


def test_an_event_is_answered_as_the_service_model_has_it() -> None:
    found, _ = history(record(1, at=1000.5, resources=(Resource("AWS::IAM::Role", "app"),)))
    answer = found.lookup(ACCOUNT).answer
    (event,) = answer["Events"]
    assert json.loads(event.pop("CloudTrailEvent"))["eventID"] == "event-1"
    assert answer == {
        "Events": [
            {
                "EventId": "event-1",
                "EventName": "GetRole",
                "ReadOnly": "true",
                "AccessKeyId": "AKIAALICE",
                "EventTime": 1000,
                "EventSource": "iam.amazonaws.com",
                "Username": "Alice",
                "Resources": [{"ResourceType": "AWS::IAM::Role", "ResourceName": "app"}],
            }
        ]
    }


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("EventId", "event-2", [2]),
        ("EventName", "PutRolePolicy", [3]),
        ("ReadOnly", "false", [3]),
        ("ReadOnly", "true", [4, 2, 1]),
        ("Username", "Alice", [3, 2, 1]),
        ("Username", "root", [4]),
        ("ResourceType", "AWS::IAM::Role", [3]),
        ("ResourceName", "app", [3]),
        ("EventSource", "sts.amazonaws.com", [2]),
        ("AccessKeyId", "AKIAROOT", [4]),
    ],
)
def test_each_attribute_finds_its_events(key: str, value: str, expected: list[int]) -> None:
    found, _ = history(
        record(1),
        record(2, event_source="sts.amazonaws.com"),
        record(3, operation="PutRolePolicy", read_only=False, resources=(Resource("AWS::IAM::Role", "app"),)),
        record(4, identity=Identity("root", "arn", ACCOUNT, ACCOUNT, "", "AKIAROOT")),
    )
    assert ids(found.lookup(ACCOUNT, [(key, value)]).records) == expected


def test_both_ends_of_the_time_range_are_whole_seconds_and_inclusive() -> None:
    found, _ = history(record(1, at=999.9), record(2, at=1000.0), record(3, at=1001.9), record(4, at=1002.0))
    assert ids(found.lookup(ACCOUNT, start=1000, end=1001).records) == [3, 2]


def test_other_accounts_and_data_events_are_not_in_an_accounts_history() -> None:
    found, _ = history(record(1), record(2, account="444455556666"), record(3, management=False))
    assert ids(found.lookup(ACCOUNT).records) == [1]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"max_results": 0}, "InvalidMaxResultsException"),
        ({"max_results": 51}, "InvalidMaxResultsException"),
        ({"start": 2.0, "end": 1.0}, "InvalidTimeRangeException"),
        ({"attributes": [("EventName", "a"), ("EventId", "b")]}, "InvalidLookupAttributesException"),
        ({"attributes": [("Colour", "a")]}, "InvalidLookupAttributesException"),
        ({"attributes": [("ReadOnly", "perhaps")]}, "InvalidLookupAttributesException"),
        ({"token": "forged"}, "InvalidNextTokenException"),
        ({"token": "é"}, "InvalidNextTokenException"),
        ({"token": "W10="}, "InvalidNextTokenException"),
    ],
)
def test_a_wrong_parameter_is_answered_with_cloudtrails_error(arguments: dict[str, Any], code: str) -> None:
    found, _ = history()
    with pytest.raises(Fault) as refused:
        found.lookup(ACCOUNT, **arguments)
    assert refused.value.code == code


def test_a_token_of_another_question_or_account_is_refused() -> None:
    found, _ = history(record(1), record(2))
    token = found.lookup(ACCOUNT, max_results=1).token
    for account, attributes in ((ACCOUNT, [("Username", "Alice")]), ("444455556666", [])):
        with pytest.raises(Fault, match="InvalidNextTokenException"):
            found.lookup(account, attributes, token=token)


def test_a_request_is_found_in_every_account_that_it_was_recorded_in() -> None:
    found, _ = history(record(1), record(2, request_id="request-1", account="444455556666"))
    assert ids(found.by_request("request-1")) == [2, 1]
    assert found.by_request("unheard-of") == []


def test_the_latest_denial_is_found_behind_allowed_calls_in_either_mode() -> None:
    found, _ = history(
        record(1, verdict="explicit-deny"), record(2, verdict="implicit-deny", mode="observe"), record(3)
    )
    assert ids(found.latest()) == [3]
    assert ids(found.latest_denials(5)) == [2, 1]
    assert found.latest(account="444455556666") == []


def test_the_latest_denial_is_of_somebodys_call_and_not_of_ssm_agents_sign_of_life() -> None:
    sign = {"service": "ssm", "operation": "UpdateInstanceInformation", "verdict": "implicit-deny"}
    found, _ = history(record(1, verdict="implicit-deny"), record(2, **sign), record(3, **sign))
    assert ids(found.latest_denials()) == [1]
    alone, _ = history(record(1), record(2, **sign))
    assert ids(alone.latest_denials()) == [2]


def test_every_call_of_a_roles_sessions_is_found_by_the_role_data_events_too() -> None:
    calls = [record(n, identity=SESSION, management=n % 2 == 0) for n in range(1, 1203)]
    found, _ = history(*calls, record(2000))
    assert ids(list(found.principal_calls(ROLE))) == list(range(1202, 0, -1))
    assert ids(list(found.principal_calls(ROLE, since=2201.0))) == [1202, 1201]
