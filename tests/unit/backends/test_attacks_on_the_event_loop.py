"""Attacks on the event loop: legal calls in which moto works for long do not keep everybody else waiting."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from locum.backends.moto import embedded
from locum.backends.port import BackendCall, Carried
from support.inprocess import InProcess
from support.plane import fresh

LINEAR: list[tuple[str, str, dict[str, Any]]] = [
    ("sqs", "get_queue_attributes", {"QueueUrl": "{queue}", "AttributeNames": ["All"]}),
    ("sqs", "create_queue", {"QueueName": "{name}"}),
    ("ssm", "get_parameter", {"Name": "/aws/service/global-infrastructure/services/s3"}),
    ("s3", "list_objects_v2", {"Bucket": "{name}"}),
    ("s3", "list_buckets", {}),
    (
        "dynamodb",
        "query",
        {
            "TableName": "{name}",
            "KeyConditionExpression": "k = :k",
            "ExpressionAttributeValues": {":k": {"S": "one"}},
        },
    ),
    (
        "dynamodb",
        "update_item",
        {
            "TableName": "{name}",
            "Key": {"k": {"S": "one"}},
            "UpdateExpression": "SET a = :a",
            "ExpressionAttributeValues": {":a": {"S": "x"}},
        },
    ),
    ("dynamodb", "put_item", {"TableName": "{name}", "Item": {"k": {"S": "two"}, "v": {"L": [{"S": "x"}] * 5000}}}),
]
"""Calls whose work grows with what is there, or with the call."""

SHORT: list[tuple[str, str, dict[str, Any]]] = [
    ("sqs", "get_queue_url", {"QueueName": "{name}"}),
    ("sns", "create_topic", {"Name": "{name}"}),
    ("ssm", "put_parameter", {"Name": "/{name}", "Value": "x", "Type": "String"}),
    ("s3", "head_bucket", {"Bucket": "{name}"}),
    ("dynamodb", "put_item", {"TableName": "{name}", "Item": {"k": {"S": "two"}}}),
]


class Place:
    """A queue, a bucket and a table of one name, and who carries out calls: the event loop or a thread."""

    def __init__(self, plane: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
        self._plane, self.name = plane, fresh("long")
        self.queue = plane.client("sqs").create_queue(QueueName=self.name)["QueueUrl"]
        plane.client("s3").create_bucket(Bucket=self.name)
        plane.client("dynamodb").create_table(
            TableName=self.name,
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self._threads: list[threading.Thread] = []
        carry_out = embedded.carry_out

        def noted(call: BackendCall) -> Carried:
            self._threads.append(threading.current_thread())
            return carry_out(call)

        monkeypatch.setattr(embedded, "carry_out", noted)

    def on_the_loop(self, service: str, operation: str, params: dict[str, Any]) -> bool:
        """Whether the event loop waited for a call."""
        self._threads.clear()
        getattr(self._plane.client(service), operation)(**self._filled(params))
        assert self._threads
        return threading.main_thread() in self._threads

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._filled(it) for key, it in value.items()}
        return value.format(name=self.name, queue=self.queue) if isinstance(value, str) else value


@pytest.fixture
def place(plane: InProcess, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(plane, monkeypatch)


@pytest.mark.parametrize(("service", "operation", "params"), LINEAR)
def test_attack_a_call_that_takes_long_does_not_stop_the_event_loop(
    place: Place, service: str, operation: str, params: dict[str, Any]
) -> None:
    assert not place.on_the_loop(service, operation, params)


@pytest.mark.parametrize(("service", "operation", "params"), SHORT)
def test_a_call_that_is_always_short_is_carried_out_at_once(
    place: Place, service: str, operation: str, params: dict[str, Any]
) -> None:
    assert place.on_the_loop(service, operation, params)
