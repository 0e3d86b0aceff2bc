"""The reading of a queue: it asks when something has been sent, and else ever more rarely."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from locum.agents.functions import queue_source
from locum.agents.functions.batch_results import failed_items
from locum.agents.functions.queue_source import QueueReader
from locum.agents.functions.sources import Plane, Source
from locum.calls.wake_ups import WakeUps
from locum.core.calls import ServiceCall
from support.event_sources import MAPPING, QUEUE
from support.functions import function


class Asked:
    """A plane that has nothing in its queues, and counts the calls to it."""

    def __init__(self) -> None:
        self.wake_ups = WakeUps()
        self.operations: list[str] = []
        plane = Plane(self.make, self.wake_ups.listening, lambda: 0.0)
        source = Source(plane, lambda *_: function(""), MAPPING, lambda _: None)
        self.reader = QueueReader(source, MAPPING, self.wake_ups.listening)

    async def make(self, made: ServiceCall, cause: str = "", *, decided_only: bool = False) -> dict[str, Any]:
        self.operations.append(made.operation)
        return {}

    def ring(self) -> None:
        for event in self.wake_ups._waiting[str(QUEUE)]:
            event.set()


def reading(work: Callable[[Asked], Coroutine[Any, Any, None]]) -> list[str]:
    """The operations that were called while `work` ran beside the reading."""

    async def run() -> list[str]:
        asked = Asked()
        task = asyncio.ensure_future(asked.reader.run())
        await work(asked)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not asked.wake_ups._waiting
        return asked.operations

    return asyncio.run(run())


async def settled() -> None:
    """Let everything run that is ready."""
    for _ in range(50):
        await asyncio.sleep(0)


def test_an_empty_queue_is_asked_once_until_something_is_sent() -> None:
    async def work(asked: Asked) -> None:
        await settled()
        assert asked.operations == ["GetQueueAttributes", "ReceiveMessage"]
        asked.ring()
        await settled()

    assert reading(work) == ["GetQueueAttributes", "ReceiveMessage", "ReceiveMessage"]


def test_an_idle_queue_is_asked_ever_more_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def rung(_bell: asyncio.Event, patience: float) -> bool:
        waits.append(patience)
        if len(waits) == 9:
            await asyncio.Event().wait()
        return False

    monkeypatch.setattr(queue_source, "rung", rung)
    asked = reading(lambda _: settled())
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert len(asked) == 10


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        ({"FunctionError": "Unhandled", "Payload": b"{}"}, ["a", "b"]),
        ({"Payload": b""}, []),
        ({"Payload": b"null"}, []),
        ({"Payload": b"{}"}, []),
        ({"Payload": b'{"batchItemFailures": []}'}, []),
        ({"Payload": b'{"batchItemFailures": null}'}, []),
        ({"Payload": b'{"batchItemFailures": [{"itemIdentifier": "b"}]}'}, ["b"]),
        ({"Payload": b'{"batchItemFailures": [{"itemIdentifier": "unheard"}]}'}, ["a", "b"]),
        ({"Payload": b'{"batchItemFailures": [{"itemIdentifier": ""}]}'}, ["a", "b"]),
        ({"Payload": b'{"batchItemFailures": [{"itemIdentifier": null}]}'}, ["a", "b"]),
        ({"Payload": b'{"batchItemFailures": [{"itemIdentifier": ["a"]}]}'}, ["a", "b"]),
        ({"Payload": b'{"batchItemFailures": [{"other": "a"}]}'}, ["a", "b"]),
        ({"Payload": b'{"batchItemFailures": "a"}'}, ["a", "b"]),
        ({"Payload": b"no JSON"}, ["a", "b"]),
        ({"Payload": b"[" * 100_000}, ["a", "b"]),
    ],
    ids=str,
)
def test_what_a_function_reports_and_is_not_understood_is_the_failure_of_all(answer: Any, failed: list[str]) -> None:
    assert failed_items(answer, ["a", "b"], reported=True) == failed


def test_what_a_function_reports_without_being_asked_is_not_heeded() -> None:
    payload = {"Payload": b'{"batchItemFailures": [{"itemIdentifier": "b"}]}'}
    assert failed_items(payload, ["a", "b"], reported=False) == []
