"""Queues of SQS as event sources: received from in batches, and deleted from what the function has processed.

What it has not is visible again once the queue's visibility timeout is over, and goes to the queue's dead-letter queue
after `maxReceiveCount`. AWS Lambda Developer Guide, "Using Lambda with Amazon SQS".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, Final

from locum.agents.functions.batch_results import failed_items
from locum.agents.functions.mapping_checks import queue_problem
from locum.agents.functions.mapping_requests import QUEUE, REPORTS_FAILURES, patterns_of
from locum.agents.functions.source_events import Record, message_record, passes, payloads
from locum.agents.functions.sources import FAILED, OK, Lost, Source, pause
from locum.agents.waiting import rung
from locum.core.arn import queue_url
from locum.core.errors import Fault, LocumError
from locum.core.event_patterns import event_pattern
from locum.core.event_sources import EventSourceMapping

IDLE: Final = 60.0
"""Seconds until an empty queue is looked at again, at the latest, though nobody has sent to it through Locum: messages
may have been delayed, or given back by others. At first it is after 1, 2, 4 ... seconds."""

AT_ONCE: Final = 5
"""Batches of a queue that are under way at the same time; of a FIFO queue, one."""

USUAL_VISIBILITY: Final = 30.0
_log: Final = logging.getLogger("locum.agents")
_MOST_RECEIVED: Final = 10
_LARGE: Final = 5 << 20
"""Octets of bodies after which no more is received for a batch."""
_THROTTLED: Final = "TooManyRequestsException"


class QueueReader:
    """Reads the queue of a mapping. `listening` tells of what is sent to it."""

    def __init__(
        self,
        source: Source,
        mapping: EventSourceMapping,
        listening: Callable[[str], AbstractContextManager[asyncio.Event]],
    ) -> None:
        self._source = source
        self._queue = mapping.source
        self._settings = settings = mapping.settings
        self._listening = listening
        self._patterns = [event_pattern(text) for text in patterns_of(settings)]
        self._reported = REPORTS_FAILURES in settings["FunctionResponseTypes"]
        most = (settings.get("ScalingConfig") or {}).get("MaximumConcurrency") or AT_ONCE
        self._room = asyncio.Semaphore(1 if self._queue.resource.endswith(".fifo") else min(most, AT_ONCE))
        self._batches: set[asyncio.Task[None]] = set()
        self._visibility = USUAL_VISIBILITY
        self._bell = asyncio.Event()

    async def run(self) -> None:
        """Receive messages and have them processed, until this is cancelled."""
        failures = empty = 0
        await self._learn_visibility()
        with self._listening(str(self._queue)) as self._bell:
            while True:
                self._bell.clear()
                await self._room.acquire()
                messages: list[Record] = []
                try:
                    messages = await self._gathered()
                    failures = 0
                except (LocumError, Lost) as error:
                    failures += 1
                    self._source.say(f"PROBLEM: {_problem('ReceiveMessage', error)}")
                finally:
                    if not messages:
                        self._room.release()
                if messages:
                    self._begin(messages)
                elif failures:
                    await asyncio.sleep(pause(failures))
                else:
                    empty = 0 if await rung(self._bell, min(2.0**empty, IDLE)) else min(empty + 1, 16)

    async def finish(self) -> None:
        """Wait for the batches that are under way."""
        await asyncio.gather(*self._batches, return_exceptions=True)

    def abandon(self) -> None:
        """Cancel the batches that are under way."""
        for batch in self._batches:
            batch.cancel()

    # -- receiving -------------------------------------------------------------------------------------------

    async def _learn_visibility(self) -> None:
        """Ask for the time after which messages that failed are visible again."""
        params = {"QueueUrl": queue_url(self._queue), "AttributeNames": ["VisibilityTimeout"]}
        with suppress(LocumError, Lost):
            answer = await self._source.call(QUEUE, "GetQueueAttributes", params)
            self._visibility = float((answer.get("Attributes") or {}).get("VisibilityTimeout", USUAL_VISIBILITY))

    async def _gathered(self) -> list[Record]:
        """A batch: what there is, or what comes in the batching window. Raises Fault, Lost."""
        size, window = self._settings["BatchSize"], self._settings["MaximumBatchingWindowInSeconds"]
        found = await self._received(size)
        now = asyncio.get_running_loop().time
        end = now() + window
        while found and len(found) < size and (left := end - now()) > 0 and _octets(found) < _LARGE:
            self._bell.clear()
            more = await self._received(size - len(found))
            found += more
            if not more:
                await rung(self._bell, left)
        return found

    async def _received(self, most: int) -> list[Record]:
        params = {
            "QueueUrl": queue_url(self._queue),
            "AttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
            "MaxNumberOfMessages": min(most, _MOST_RECEIVED),
            "WaitTimeSeconds": 0,
        }
        answer = await self._source.call(QUEUE, "ReceiveMessage", params)
        return [message_record(message, self._queue) for message in answer.get("Messages") or ()]

    # -- processing ------------------------------------------------------------------------------------------

    def _begin(self, messages: list[Record]) -> None:
        """Process a batch beside the reading; the room that was taken for it is free when it is over."""
        task = asyncio.ensure_future(self._process(messages))
        self._batches.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._batches.discard(task)
        self._room.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a batch of %s was left", self._queue, exc_info=error)
            self._source.say(f"PROBLEM: {error}")

    async def _process(self, messages: list[Record]) -> None:
        loop = asyncio.get_running_loop()
        received = loop.time()
        parted: tuple[list[Record], list[Record]] = [], []
        for message in messages:
            parted[passes(self._patterns, message, "body")].append(message)
        dropped, passing = parted
        await self._delete(dropped)
        for batch, payload in payloads(passing):
            failed = set(await self._invoke(batch, payload, received + self._visibility / 2))
            if failed:
                loop.call_at(received + self._visibility, self._bell.set)
            await self._delete([message for message in batch if message["messageId"] not in failed])

    async def _invoke(self, batch: list[Record], payload: bytes, until: float) -> list[str]:
        """Invoke the function; the ids of the messages that it did not process.

        One that is throttled is invoked again until the time `until`, and then the messages are left to return.
        """
        items, attempts = [message["messageId"] for message in batch], 0
        while True:
            try:
                failed = failed_items(await self._source.invoke(payload), items, reported=self._reported)
                self._source.say(FAILED if failed else OK)
                return failed
            except Fault as fault:
                attempts += 1
                if fault.code != _THROTTLED or asyncio.get_running_loop().time() + pause(attempts) > until:
                    self._source.say(f"PROBLEM: {fault.message}")
                    return items
            await asyncio.sleep(pause(attempts))

    async def _delete(self, messages: Sequence[Record]) -> None:
        for begin in range(0, len(messages), _MOST_RECEIVED):
            part = messages[begin : begin + _MOST_RECEIVED]
            entries = [{"Id": str(n), "ReceiptHandle": one["receiptHandle"]} for n, one in enumerate(part)]
            params: dict[str, Any] = {"QueueUrl": queue_url(self._queue), "Entries": entries}
            try:
                await self._source.call(QUEUE, "DeleteMessageBatch", params)
            except (LocumError, Lost) as error:
                self._source.say(f"PROBLEM: {_problem('DeleteMessage', error)}")


def _octets(messages: Sequence[Record]) -> int:
    return sum(len(message["body"]) for message in messages)


def _problem(operation: str, error: Exception) -> str:
    if isinstance(error, Fault):
        return queue_problem(operation, error)
    return "Function not found" if isinstance(error, Lost) else str(error)
