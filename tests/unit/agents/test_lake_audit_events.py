"""Events from outside of AWS: put by channels, kept by event data stores, and asked for."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from locum.agents.lake import audit_events
from locum.audit import cloudtrail_event
from locum.audit.lake.messages import Progress
from locum.core.clock import iso8601
from locum.services.cloudtrail.audit_events import taken
from support.channels import Channels, entry, event
from support.inprocess import InProcess, refusal
from support.plane import allow, document, fresh, refused

MEMBER = "444455556666"


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[InProcess]:
    running = InProcess(tmp_path / "data")
    yield running
    running.close()


@pytest.fixture
def channels(plane: InProcess) -> Channels:
    return Channels(plane)


def test_what_is_put_can_be_asked_for(channels: Channels) -> None:
    answer = channels.put(entry("1", eventName="Sold", requestParameters={"item": "a", "n": 2}), entry("2"))
    assert (answer["failed"], [it["id"] for it in answer["successful"]]) == ([], ["1", "2"])
    columns = "eventData.eventName, eventData.requestParameters['n'], eventData.userIdentity.details['team']"
    assert channels.rows(f"{columns}, eventCategory, eventType") == [
        ["Bought", "", "red", "ActivityAuditLog", "ActivityLog"],
        ["Sold", "2", "red", "ActivityAuditLog", "ActivityLog"],
    ]
    found = channels.rows("eventID, metadata.channelARN, eventTime, recipientAccountId, awsRegion")
    assert sorted(it["eventID"] for it in answer["successful"]) == [it[0] for it in found]
    assert found[0][1:] == [channels.arn, "2026-01-02 03:04:05.000", "000000000000", "us-east-1"]
    status = channels.cloudtrail.get_channel(Channel=channels.arn)["IngestionStatus"]
    assert status["LatestIngestionSuccessEventID"] == answer["successful"][1]["eventID"]
    assert status["LatestIngestionSuccessTime"] == status["LatestIngestionAttemptTime"]


def test_each_destination_has_the_events_and_no_other_store(channels: Channels) -> None:
    other, third = channels.store_for("other"), channels.store_for("third")
    channels.arn = channels.channel("two", "GitHub", channels.store, other)
    channels.put(entry("1"))
    assert channels.rows(store=other) == channels.rows() == [["Bought"]]
    assert channels.rows(store=third) == []


def test_events_survive_a_restart_and_the_end_of_the_history(plane: InProcess, channels: Channels) -> None:
    """They are no part of the history: the column store does not take them in again."""
    channels.put(entry("1"))
    plane.close()
    plane.start()
    assert channels.rows() == [["Bought"]]
    worker = plane.node.lake.store
    plane.run(worker._ask(Progress(plane.node.journal.installation, 0), 60.0))  # of a history that begins anew
    plane.run(worker.forget())
    assert channels.rows() == [["Bought"]]


def test_events_go_with_their_store_and_past_its_retention(plane: InProcess, channels: Channels) -> None:
    other, now = channels.store_for("short", RetentionPeriod=7), plane.node.runtime.clock
    channels.arn = channels.channel("two", "GitHub", channels.store, other)
    channels.put(entry("1"), entry("2", eventName="Now", eventTime=iso8601(now())))
    assert channels.rows(store=other) == [["Now"]]
    now.move(now.ahead + 8 * 86_400)
    plane.run(plane.node.lake.store.forget())
    assert channels.rows(store=other) == []
    now.move(now.ahead - 8 * 86_400)
    assert channels.rows(store=other) == []
    assert channels.rows() == [["Bought"], ["Now"]]


def test_attack_the_events_of_another_installation_are_not_there(plane: InProcess, channels: Channels) -> None:
    channels.put(entry("1"))
    worker = plane.node.lake.store
    plane.run(worker._ask(Progress("another", 10**9), 60.0))
    assert channels.rows() == []


FLAWED: list[tuple[dict[str, Any], str]] = [
    ({"UID": None}, "FieldNotFound"),
    ({"userIdentity": {"type": "a"}}, "FieldNotFound"),
    ({"userIdentity": "me"}, "FieldNotFound"),
    ({"eventName": 1}, "InvalidData"),
    ({"requestParameters": []}, "InvalidData"),
    ({"eventTime": "yesterday"}, "InvalidData"),
    ({"eventTime": "2026-01-02"}, "InvalidData"),
    ({"eventTime": "1999-01-02T03:04:05Z"}, "InvalidData"),
    ({"eventTime": "0001-01-01T00:00:00+23:59"}, "InvalidData"),
    ({"eventTime": "9999-12-31T23:59:59-23:59"}, "InvalidData"),
    ({"recipientAccountId": MEMBER}, "InvalidRecipient"),
    ({"eventName": "a" * 1025}, "FieldTooLong"),
    ({"requestParameters": {"a": "b" * (100 << 10)}}, "FieldTooLong"),
    ({"other": "b" * (256 << 10)}, "FieldTooLong"),
]


def test_flawed_events_are_refused_and_the_others_are_not(channels: Channels) -> None:
    answer = channels.put(*(entry(str(n), **members) for n, (members, _) in enumerate(FLAWED)), entry("good"))
    refused_as = {it["id"]: it["errorCode"] for it in answer["failed"]}
    assert refused_as == {str(n): code for n, (_, code) in enumerate(FLAWED)}
    assert [it["id"] for it in answer["successful"]] == ["good"]
    assert channels.rows() == [["Bought"]]
    status = channels.cloudtrail.get_channel(Channel=channels.arn)["IngestionStatus"]
    assert status["LatestIngestionErrorCode"] == FLAWED[-1][1]


def test_attack_what_is_no_event_is_refused(channels: Channels) -> None:
    texts = ["", "[]", "{", '{"a": NaN}', '{"a": 1e999}', '"\\ud800"', "[" * 5_000]
    failed = channels.put(*({"id": str(n), "eventData": it} for n, it in enumerate(texts)))["failed"]
    assert [it["errorCode"] for it in failed] == ["InvalidData"] * len(texts)


def test_a_checksum_is_verified(channels: Channels) -> None:
    text = json.dumps(event())
    right = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    entries = [{"id": str(n), "eventData": text, "eventDataChecksum": it} for n, it in enumerate((right, "wrong"))]
    answer = channels.put(*entries)
    assert [it["id"] for it in answer["successful"]] == ["0"]
    assert [it["errorCode"] for it in answer["failed"]] == ["InvalidChecksum"]


def test_attack_an_id_twice_in_a_request_puts_nothing(channels: Channels) -> None:
    assert refusal(channels.put, auditEvents=[entry("1"), entry("1")])[0] == "DuplicatedAuditEventId"
    big = [entry(str(n), other="b" * 200_000) for n in range(6)]
    assert refusal(channels.put, auditEvents=big)[0] == "ValidationException"
    assert channels.rows() == []


def test_a_channel_that_is_not_there_is_told(channels: Channels) -> None:
    for name, code in ((f"{channels.arn[:-1]}x", "ChannelNotFound"), ("arn:aws:s3:::a", "InvalidChannelARN")):
        assert refusal(channels.put, channelArn=name, auditEvents=[entry("1")])[0] == code


def test_another_account_puts_where_the_policy_lets_it(plane: InProcess, channels: Channels) -> None:
    key = plane.account(MEMBER)
    assert refused(channels.put, key=key, auditEvents=[entry("1")]).code == "AccessDeniedException"
    statement = {"Effect": "Allow", "Principal": {"AWS": MEMBER}, "Action": "cloudtrail-data:PutAuditEvents"}
    told = {"StringEquals": {"cloudtrail:ExternalId": "our-partner"}}
    text = document({**statement, "Resource": channels.arn, "Condition": told})
    channels.cloudtrail.put_resource_policy(ResourceArn=channels.arn, ResourcePolicy=text)
    for external in ({}, {"externalId": "their-partner"}):
        told_no = refused(channels.put, key=key, auditEvents=[entry("1")], **external)
        assert told_no.code == "AccessDeniedException"
    channels.put(entry("1"), key=key, externalId="our-partner")
    assert channels.rows("recipientAccountId") == [["000000000000"]]
    channels.cloudtrail.delete_resource_policy(ResourceArn=channels.arn)
    told_no = refused(channels.put, key=key, auditEvents=[entry("1")], externalId="our-partner")
    assert told_no.code == "AccessDeniedException"


def test_attack_a_denial_of_the_channel_stands(plane: InProcess, channels: Channels) -> None:
    denied = {"Effect": "Deny", "Action": "*", "Resource": channels.arn}
    key = plane.user(fresh("eve"), allow("cloudtrail-data:*"), denied)
    assert refused(channels.put, key=key, auditEvents=[entry("1")]).code == "AccessDeniedException"


def test_attack_a_denial_of_a_region_is_not_walked_around_by_an_arn(plane: InProcess, channels: Channels) -> None:
    denied = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    outside = {"Condition": {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}}
    key = plane.user(fresh("eve"), allow(["cloudtrail-data:*", "cloudtrail:*"]), {**denied, **outside})
    query = channels.lake.ended(f"SELECT eventID FROM {channels.store}")
    named = {"EventDataStore": channels.arn_of(channels.store)}
    absent = "EventDataStoreNotFoundException"
    for caller, codes in (
        (key, ("AccessDeniedException", "AccessDeniedException")),
        (None, ("ChannelNotFound", absent)),
    ):
        put = plane.client("cloudtrail-data", caller, "eu-west-1").put_audit_events
        assert refusal(put, channelArn=channels.arn, auditEvents=[entry("1")])[0] == codes[0]
        cloudtrail = plane.client("cloudtrail", caller, "eu-west-1")
        assert refusal(cloudtrail.list_queries, **named)[0] == codes[1]
        for call in (cloudtrail.describe_query, cloudtrail.get_query_results, cloudtrail.cancel_query):
            assert refusal(call, **named, QueryId=query)[0] == codes[1]
    assert channels.rows() == []


def test_attack_large_events_are_not_read_on_the_event_loop(
    channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A megabyte of small values takes longer to read than any other call should wait."""
    read = list[bool]()

    def noted(*given: Any) -> Any:
        read.append(threading.current_thread() is threading.main_thread())
        return taken(*given)

    monkeypatch.setattr(audit_events, "taken", noted)
    assert channels.put(entry("1", other=[{}] * 50_000))["failed"] == []
    assert read == [False]


def test_the_record_has_the_channel_and_not_the_events(plane: InProcess, channels: Channels) -> None:
    channels.put(entry("the-id", eventName="Confidential"), externalId="passphrase")
    told = json.dumps(cloudtrail_event(plane.records(1)[0]), default=str)
    assert channels.arn in told
    assert "Confidential" not in told
    assert "passphrase" not in told


def test_attack_a_value_of_an_event_breaks_no_query(channels: Channels) -> None:
    values: list[Any] = ["\ud800", "\0", {"a": "\0"}, "'); DROP TABLE added; --", 10**400, [[[]]]]
    made = [entry(str(n), other=it, additionalEventData={"v": it}) for n, it in enumerate(values)]
    answer = channels.put(*made, entry("good"))
    assert [it["id"] for it in answer["failed"]] == ["0"]  # which is no text that JSON can have
    assert channels.rows() == [["Bought"]] * len(values)
    assert len(channels.rows("*")) == len(values)
