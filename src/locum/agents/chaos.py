"""The plane's end of `locum clock` and `locum fault`: the owner of the control socket moves the clock and sets faults.

Nothing else reaches this: no API, no metadata request, no call of a service.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal

import msgspec
from msgspec.structs import replace

from locum import wire
from locum.calls import Runtime
from locum.calls.injection_kinds import Delayed, ExpiredSessions, Injection, OfCalls, OfMetadata
from locum.calls.injections import Entry
from locum.calls.propagation import Propagation
from locum.core.clock import iso8601, told_time
from locum.core.errors import Fault, LocumError, PassingStorageError
from locum.core.identifiers import hex_id
from locum.services.ec2.announced import DESCRIPTIONS, completed, uninterrupted
from locum.services.verbs import Outcome
from locum.state import Instance, MaintenanceEvent, Notices, State, put
from locum.state.indexes import INSTANCE_ID
from locum.wire.models import index

MAX_AFTER: Final = 30 * 86_400
_LASTS: Final = 7200
"""Seconds that a scheduled event lasts."""

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


class Announce(_Question, frozen=True, tag="announce"):
    """Announce something to an instance: its interruption or a scheduled event in `after` seconds, or a rebalance."""

    instance: str
    interruption: Literal["", "terminate", "stop", "hibernate"] = ""
    rebalance: bool = False
    event: Literal["", "instance-reboot", "system-reboot", "system-maintenance", "instance-retirement",
                   "instance-stop"] = ""  # fmt: skip
    description: str = ""
    after: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.after <= MAX_AFTER:
            raise ValueError("what is announced is due in at most 30 days")


class Listed(_Question, frozen=True, tag="list"):
    """Tell the faults that are set."""


class Clear(_Question, frozen=True, tag="clear"):
    """Take a fault back, or what is announced to an instance; all faults where `id` is empty."""

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
            asked = msgspec.convert(question, MoveClock | Inject | Announce | Listed | Clear)
            match asked:
                case MoveClock():
                    return self._clock(asked)
                case Inject():
                    return {"faults": [_shown(self._inject(asked.fault))]}
                case Announce():
                    await self._announce(asked)
                    return {"faults": list(self._announced(asked.instance))}
                case Clear() if asked.id.startswith("i-"):
                    before = list(self._announced(asked.id))
                    await self._change(asked.id, _withdrawn)
                    return {"faults": before}
                case Clear():
                    return {"faults": [_shown(entry) for entry in self._clear(asked.id)]}
                case _:
                    shown = [_shown(entry) for entry in self._runtime.injections.entries]
                    return {"faults": [*shown, *self._announced()]}
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
            _log.warning("the clock was moved: it is %s", told_time(clock(), ahead))
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

    async def _announce(self, asked: Announce) -> None:
        runtime = self._runtime
        now, at = int(runtime.clock()), int(runtime.clock() + asked.after)

        def announced(it: Instance) -> Notices:
            if it.state not in ("pending", "running"):
                raise Fault("IncorrectInstanceState", f"The instance '{it.id}' is {it.state}, not running.")
            notices = it.notices
            if asked.interruption:
                notices = replace(notices, interruption=asked.interruption, interruption_at=at)
            if asked.rebalance:
                notices = replace(notices, rebalance_at=now)
            if asked.event:
                name = hex_id("instance-event", runtime.entropy)
                text = asked.description or DESCRIPTIONS[asked.event]
                event = MaintenanceEvent(
                    id=name, code=asked.event, description=text, not_before=at, not_after=at + _LASTS
                )
                notices = replace(notices, maintenance=(*notices.maintenance, event))
            return notices

        await self._change(asked.instance, announced)
        told = "; ".join(one["about"] for one in self._announced(asked.instance))
        _log.warning("announced to %s: %s", asked.instance, told)

    async def _change(self, name: str, notices_of: Callable[[Instance], Notices]) -> None:
        """Change what is announced to an instance. Raises LocumError where there is none."""

        def handler(state: State) -> Outcome:
            found = state.first(Instance, INSTANCE_ID, name)
            if found is None:
                raise Fault("InvalidInstanceID.NotFound", f"The instance ID '{name}' does not exist")
            return Outcome({}, (put(replace(found, notices=notices_of(found))),))

        await self._runtime.ledger.transact(handler, lambda _outcome: ())

    def _announced(self, name: str = "") -> Iterator[dict[str, Any]]:
        """The announcements to the instance `name`, or to all instances."""
        for it in self._runtime.ledger.state.every(Instance):
            about = "; ".join(_announcements(it.notices)) if name in ("", it.id) and it.state != "terminated" else ""
            if about:
                yield {"id": it.id, "about": about, "hits": 0}

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


def _announcements(notices: Notices) -> Iterator[str]:
    if notices.interruption:
        yield f"spot interruption, {notices.interruption} at {iso8601(notices.interruption_at)}"
    if notices.rebalance_at:
        yield f"rebalance recommended at {iso8601(notices.rebalance_at)}"
    for event in notices.maintenance:
        if event.state == "active":
            yield f"{event.code} at {iso8601(event.not_before)}"


def _withdrawn(it: Instance) -> Notices:
    """The notices of `it` without interruption and rebalance recommendation, its active scheduled events canceled."""
    notices = uninterrupted(it.notices)
    for event in it.notices.maintenance:
        notices = completed(notices, event.id, "canceled") if event.state == "active" else notices
    return notices


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
