"""The plane's end of `locum clock` and `locum fault`: the owner of the control socket moves the clock and sets faults.

Nothing else reaches this: no API, no metadata request, no call of a service.
"""

from __future__ import annotations

import asyncio
import logging
import math
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from locum import wire
from locum.calls import Runtime
from locum.calls.injection_kinds import Delayed, ExpiredSessions, Injection, OfCalls, OfMetadata
from locum.calls.injections import Entry
from locum.calls.propagation import Propagation
from locum.core.clock import iso8601
from locum.core.errors import LocumError, PassingStorageError
from locum.wire.models import index

_log: Final = logging.getLogger("locum.agents")


class _Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """Base of the questions."""


class MoveClock(_Question, frozen=True, tag="clock"):
    """Move the clock `by` so many seconds, or `to` a time (epoch seconds), or back to the wall clock's (`reset`).

    With none of them, tell the time.
    """

    by: float = 0.0
    to: float | None = None
    reset: bool = False


class Inject(_Question, frozen=True, tag="inject"):
    """Set a fault."""

    fault: OfCalls | OfMetadata | ExpiredSessions | Delayed


class Listed(_Question, frozen=True, tag="list"):
    """Tell the faults that are set."""


class Clear(_Question, frozen=True, tag="clear"):
    """Take a fault back; all of them where `id` is empty."""

    id: str = ""


class Chaos:
    """Answers the questions of `locum clock` and `locum fault`. `close` it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._following: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Follow nothing any more."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    async def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer, as JSON-able values. Raises LocumError for what cannot be."""
        try:
            asked = msgspec.convert(question, MoveClock | Inject | Listed | Clear)
            match asked:
                case MoveClock():
                    return self._clock(asked)
                case Inject():
                    return {"faults": [_shown(self._inject(asked.fault))]}
                case Clear():
                    return {"faults": [_shown(entry) for entry in self._clear(asked.id)]}
                case _:
                    return {"faults": [_shown(entry) for entry in self._runtime.injections.entries]}
        except msgspec.ValidationError as error:
            raise LocumError(f"that cannot be: {str(error).partition(' - at ')[0]}") from error

    def _clock(self, asked: MoveClock) -> dict[str, Any]:
        clock = self._runtime.clock
        ahead = clock.ahead + asked.by
        if asked.to is not None:
            ahead = asked.to - clock.wall()
        if asked.reset:
            ahead = 0.0
        if ahead != clock.ahead or math.isnan(ahead):
            try:
                clock.move(ahead)
            except ValueError as error:
                raise LocumError(f"the clock cannot be moved so far: {error}") from error
            _log.warning("the clock was moved: it is %s now, %+.0f s from the wall clock", iso8601(clock()), ahead)
        return {"now": clock(), "ahead": clock.ahead}

    def _inject(self, fault: Injection) -> Entry:
        injections = self._runtime.injections
        if isinstance(fault, OfCalls):
            _check_names(fault)
        if isinstance(fault, ExpiredSessions):
            fault = replace(fault, at=self._runtime.clock())
        if isinstance(fault, Delayed):
            for entry in injections.entries:
                if isinstance(entry.injection, Delayed):
                    injections.clear(entry.id)
        try:
            entry = injections.add(fault)
        except ValueError as error:
            raise LocumError(str(error)) from error
        if isinstance(fault, Delayed):
            injections.propagation = self._propagation(fault.seconds)
        _log.warning("a fault was set: %s", entry.told)
        return entry

    def _clear(self, name: str) -> list[Entry]:
        gone = self._runtime.injections.clear(name)
        if name and not gone:
            raise LocumError(f"there is no fault {name}: `locum fault list` shows those that are set")
        for entry in gone:
            _log.warning("a fault was cleared: %s", entry.told)
        if self._following is not None and self._runtime.injections.propagation is None:
            self._following.cancel()
            self._following = None
        return gone

    def _propagation(self, seconds: float) -> Propagation:
        if self._following is not None:
            self._following.cancel()
        made = Propagation(self._runtime, seconds)
        self._following = asyncio.get_running_loop().create_task(self._follow(made))
        return made

    async def _follow(self, propagation: Propagation) -> None:
        """Tell `propagation` of every state that is published."""
        ledger = self._runtime.ledger
        while True:
            try:
                with ledger.subscribe() as changes:
                    async for change in changes:
                        propagation.note(change.state)
                return
            except PassingStorageError:  # the state has what was not read
                propagation.note(ledger.state)


def _check_names(fault: OfCalls) -> None:
    """Raise LocumError for a service or an operation that there is not."""
    if fault.service == "*":
        return
    if fault.service not in index().services:
        raise LocumError(f"there is no service {fault.service!r}: one is named like s3, sts or dynamodb; `*` is any")
    if fault.operation and wire.codec_of(fault.service, fault.operation) is None:
        raise LocumError(f"{fault.service} has no operation {fault.operation}: one is named like s3:GetObject")


def _shown(entry: Entry) -> dict[str, Any]:
    return {"id": entry.id, "about": str(entry.injection), "hits": entry.hits}
