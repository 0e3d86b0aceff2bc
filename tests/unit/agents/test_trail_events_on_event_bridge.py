"""Rules of EventBridge get the events of CloudTrail that a trail logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from locum.agents.trails.event_bus import may_match
from locum.audit import Record, cloudtrail_event
from support.inprocess import InProcess
from support.plane import document, fresh
from support.trails import ACCOUNT, Deliveries

CALL = "AWS API Call via CloudTrail"


@pytest.fixture
def plane(tmp_path: Any) -> Iterator[InProcess]:
    """A plane for one test."""
    running = InProcess(tmp_path)
    yield running
    running.close()


class Rule:
    """A rule whose events come to a queue."""

    def __init__(self, plane: InProcess, pattern: dict[str, Any], state: str = "ENABLED") -> None:
        self.name = name = fresh("rule")
        self.events, self._sqs = plane.client("events"), plane.client("sqs")
        self._url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
        let = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "*", "Resource": queue}
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": document(let)})
        self.events.put_rule(Name=name, EventPattern=json.dumps(pattern), State=state)
        self.events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue}])

    def next(self) -> dict[str, Any]:
        """The next event; it is waited for."""
        while not (found := self._sqs.receive_message(QueueUrl=self._url, WaitTimeSeconds=20).get("Messages")):
            pass
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=found[0]["ReceiptHandle"])
        event: dict[str, Any] = json.loads(found[0]["Body"])
        return event


def test_a_rule_gets_the_event_of_a_call(plane: InProcess) -> None:
    Deliveries(plane)
    rule = Rule(plane, {"source": ["aws.iam"], "detail-type": [CALL], "detail": {"eventName": ["CreateUser"]}})
    answer = plane.client("iam").create_user(UserName="sam")
    event = rule.next()
    assert (event["source"], event["detail-type"], event["account"], event["region"], event["resources"]) == (
        "aws.iam",
        CALL,
        ACCOUNT,
        "us-east-1",
        [],
    )
    assert event["detail"]["requestID"] == answer["ResponseMetadata"]["RequestId"]
    assert event["detail"]["requestParameters"] == {"userName": "sam"}
    assert event["time"] == event["detail"]["eventTime"]


def test_a_rule_gets_nothing_that_no_trail_logs(plane: InProcess) -> None:
    trail = Deliveries(plane, logging=False)
    rule = Rule(plane, {"detail-type": [CALL], "detail": {"eventName": ["CreateUser"]}})
    plane.client("iam").create_user(UserName="unlogged")
    trail.cloudtrail.start_logging(Name=trail.name)
    plane.client("iam").create_user(UserName="logged")
    assert rule.next()["detail"]["requestParameters"]["userName"] == "logged"


def test_only_a_rule_that_asks_for_them_gets_reading_calls(plane: InProcess) -> None:
    Deliveries(plane)
    pattern = {"source": ["aws.iam"], "detail-type": [CALL], "detail": {"eventName": ["ListUsers", "CreateUser"]}}
    every = Rule(plane, pattern, "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")
    plane.client("iam").list_users()
    assert every.next()["detail"]["eventName"] == "ListUsers"
    every.events.put_rule(Name=every.name, EventPattern=json.dumps(pattern), State="ENABLED")
    plane.client("iam").list_users()
    plane.client("iam").create_user(UserName="sam")
    assert every.next()["detail"]["eventName"] == "CreateUser"


def test_attack_a_new_rule_gets_nothing_that_happened_while_there_was_none(plane: InProcess) -> None:
    Deliveries(plane)
    pattern = {"detail-type": [CALL], "detail": {"eventName": ["CreateUser"]}}
    first, iam = Rule(plane, pattern), plane.client("iam")
    iam.create_user(UserName="seen")
    assert first.next()["detail"]["requestParameters"]["userName"] == "seen"
    first.events.disable_rule(Name=first.name)
    iam.create_user(UserName="unseen")
    second = Rule(plane, pattern)
    iam.create_user(UserName="seen-again")
    assert second.next()["detail"]["requestParameters"]["userName"] == "seen-again"


def test_attack_the_events_that_cloudtrail_puts_do_not_cause_others(plane: InProcess) -> None:
    Deliveries(plane)
    rule = Rule(plane, {"detail-type": [CALL]}, "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")
    names = []
    for number in range(4):
        plane.client("iam").create_user(UserName=f"u{number}")
        while (event := rule.next()["detail"])["eventName"] != "CreateUser":
            names.append(event["eventName"])
    assert "PutEvents" not in names


@pytest.mark.parametrize(
    ("pattern", "may"),
    [
        ({"source": ["aws.iam"]}, True),
        ({"detail-type": [CALL]}, True),
        ({"detail-type": [{"prefix": "AWS"}]}, True),
        ({"detail-type": ["Object Created"]}, False),
        ({}, False),
    ],
)
def test_a_rule_may_be_for_events_of_cloudtrail_by_its_pattern(pattern: dict[str, Any], may: bool) -> None:
    assert may_match(json.dumps(pattern) if pattern else None) is may


def test_attack_an_event_that_breaks_keeps_no_other_back(plane: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    Deliveries(plane)
    rule = Rule(plane, {"source": ["aws.iam"], "detail-type": [CALL], "detail": {"eventName": ["CreateUser"]}})

    def breaking(record: Record) -> dict[str, Any]:
        if "broken" in str(record.parameters):
            raise KeyError(record.event_id)
        return cloudtrail_event(record)

    monkeypatch.setattr("locum.agents.trails.event_bus.cloudtrail_event", breaking)
    for name in ("broken", "sam"):
        plane.client("iam").create_user(UserName=name)
    assert rule.next()["detail"]["requestParameters"]["userName"] == "sam"
