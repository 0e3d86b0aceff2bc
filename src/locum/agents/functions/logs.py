"""The logs of functions in CloudWatch Logs: written by Lambda in the session of the execution role, as any other call.

An invocation does not wait for its log, and several of an environment within a second are written together. What a
role may not write is lost, as on AWS, and only the record of the refused call tells. Lambda Developer Guide, "Sending
Lambda function logs to CloudWatch Logs": CreateLogGroup, CreateLogStream and PutLogEvents are what the role needs.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from locum.agents.waiting import cancelled, rung
from locum.calls.carrying import Make
from locum.compute.functions.log import LogEvent
from locum.core.actors import ServiceRole
from locum.core.calls import ServiceCall
from locum.core.errors import Fault, LocumError

MOST_EVENTS: Final = 10_000
MOST_OCTETS: Final = 1_048_576
OVERHEAD: Final = 26
"""Of one PutLogEvents: an event counts with its UTF-8 and the overhead. CloudWatch Logs API Reference, PutLogEvents."""

GATHERED: Final = 1.0
"""Seconds in which logs come together before they are written."""

MOST_WAITING: Final = 5_000
"""Logs of invocations of one function that wait to be written; those that come then are lost."""

PATIENCE: Final = 5.0
"""Seconds that a plane which stops waits for logs to be written."""

_log: Final = logging.getLogger("locum.agents")


class InvocationLog(NamedTuple):
    """A part of the log of one invocation: `writer` is the function's role, `cause` the request id of the invocation.

    `opens`: it is the first one of the stream `stream` in the group `group`.
    """

    writer: ServiceRole
    region: str
    group: str
    stream: str
    events: Sequence[LogEvent]
    opens: bool
    cause: str


class FunctionLogs:
    """Writes logs with `make`: those of one function in the order in which they came, beside all others."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._waiting: dict[ServiceRole, deque[InvocationLog]] = {}
        self._tasks: dict[ServiceRole, asyncio.Task[None]] = {}
        self._hurry = asyncio.Event()

    def write(self, log: InvocationLog) -> None:
        """Write `log` within some seconds."""
        waiting = self._waiting.setdefault(log.writer, deque())
        if len(waiting) >= MOST_WAITING:
            _log.warning("the log of an invocation of %s is lost: too many wait to be written", log.writer.source.arn)
            return
        waiting.append(log)
        if log.writer not in self._tasks:
            self._tasks[log.writer] = asyncio.get_running_loop().create_task(self._in_turn(log.writer))

    async def settled(self) -> None:
        """Have all that came be written now, and wait until it is, or could not be."""
        self._hurry.set()
        try:
            while self._tasks:
                await asyncio.wait(self._tasks.values())
        finally:
            self._hurry.clear()

    async def close(self) -> None:
        """Write what came, and give up what takes long."""
        self._hurry.set()
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=PATIENCE)
            await cancelled(*late)

    async def _in_turn(self, writer: ServiceRole) -> None:
        waiting = self._waiting[writer]
        try:
            while waiting:
                await rung(self._hurry, GATHERED)
                for log in _together(waiting):
                    await self._written(log)
        finally:
            del self._tasks[writer], self._waiting[writer]

    async def _written(self, log: InvocationLog) -> None:
        try:
            if log.opens:
                await self._open(log)
            for batch in _batches(log.events):
                await self._put(log, batch)
        except LocumError as error:  # on record where it was refused
            _log.info("the log of invocation %s is not written: %s", log.cause, error)

    async def _put(self, log: InvocationLog, events: Sequence[LogEvent]) -> None:
        """Put `events`, into a stream that is made again where it is gone. Raises Fault."""
        told = [{"timestamp": at, "message": message} for at, message in events]
        try:
            await self._call(log, "PutLogEvents", {"logStreamName": log.stream, "logEvents": told})
        except Fault as fault:
            if fault.code != "ResourceNotFoundException":
                raise
            await self._open(log)
            await self._call(log, "PutLogEvents", {"logStreamName": log.stream, "logEvents": told})

    async def _open(self, log: InvocationLog) -> None:
        """Make the stream, and the group where there is none. Raises Fault."""
        stream = {"logStreamName": log.stream}
        try:
            await self._make_once(log, "CreateLogStream", stream)
        except Fault as fault:
            if fault.code != "ResourceNotFoundException":
                raise
            await self._make_once(log, "CreateLogGroup", {})
            await self._make_once(log, "CreateLogStream", stream)

    async def _make_once(self, log: InvocationLog, operation: str, params: Mapping[str, Any]) -> None:
        """Make a group or a stream that may be there. Raises Fault."""
        try:
            await self._call(log, operation, params)
        except Fault as fault:
            if fault.code != "ResourceAlreadyExistsException":
                raise

    async def _call(self, log: InvocationLog, operation: str, params: Mapping[str, Any]) -> None:
        call = ServiceCall(log.writer, "logs", operation, {"logGroupName": log.group, **params}, log.region)
        await self._make(call, log.cause)


def _together(waiting: deque[InvocationLog]) -> list[InvocationLog]:
    """Take the logs that wait, those of each stream as one."""
    streams: dict[tuple[str, str, str], list[InvocationLog]] = {}
    while waiting:
        log = waiting.popleft()
        streams.setdefault((log.region, log.group, log.stream), []).append(log)
    return [
        logs[0]._replace(events=[event for log in logs for event in log.events], opens=any(log.opens for log in logs))
        for logs in streams.values()
    ]


def _batches(events: Sequence[LogEvent]) -> Iterator[list[LogEvent]]:
    """`events`, in their order in time, as so many PutLogEvents take them."""
    batch: list[LogEvent] = []
    left = MOST_OCTETS
    for event in sorted(events, key=lambda event: event.at):
        size = len(event.message.encode()) + OVERHEAD
        if batch and (size > left or len(batch) == MOST_EVENTS):
            yield batch
            batch, left = [], MOST_OCTETS
        batch.append(event)
        left -= size
    if batch:
        yield batch
