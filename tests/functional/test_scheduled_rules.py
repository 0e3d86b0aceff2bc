"""Rules of EventBridge with a schedule: what is due reaches the targets that let the rule in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from support.plane import ACCOUNT, REGION, RunningPlane, document, fresh, up


@pytest.fixture
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    """A plane whose time is nobody else's."""
    with up(tmp_path_factory.mktemp("plane")) as running:
        yield running


def queue(plane: RunningPlane, rule: str) -> tuple[str, str]:
    """URL and ARN of a new queue that lets a rule in."""
    sqs, name = plane.client("sqs"), fresh("queue")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    lets_in = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule}"}},
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(lets_in)})
    return url, arn


def received(plane: RunningPlane, url: str) -> dict[str, Any]:
    """The next message; waits for it."""
    sqs = plane.client("sqs")
    while True:
        for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages", ()):
            found: dict[str, Any] = json.loads(message["Body"])
            return found


def test_a_rule_that_is_due_tells_its_own_targets_and_no_others(plane: RunningPlane) -> None:
    events, names = plane.client("events"), ("hourly", "disabled", "deleted", "daily")
    queues = {name: queue(plane, name) for name in names}
    for name, (_, arn) in queues.items():
        rate = "rate(1 day)" if name == "daily" else "rate(1 hour)"
        events.put_rule(Name=name, ScheduleExpression=rate)
        events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    events.disable_rule(Name="disabled")
    events.remove_targets(Rule="deleted", Ids=["1"])
    events.delete_rule(Name="deleted")
    assert plane.locum("clock", "+2h").returncode == 0
    event = received(plane, queues["hourly"][0])
    assert (event["source"], event["detail-type"], event["detail"]) == ("aws.events", "Scheduled Event", {})
    assert event["resources"] == [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/hourly"]
    assert event["account"] == ACCOUNT
    sqs = plane.client("sqs")
    counts = [
        sqs.get_queue_attributes(QueueUrl=queues[name][0], AttributeNames=["ApproximateNumberOfMessages"])
        for name in names[1:]
    ]
    assert [count["Attributes"]["ApproximateNumberOfMessages"] for count in counts] == ["0", "0", "0"]
