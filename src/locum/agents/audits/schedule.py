"""Audits on request, and every so often: what was last found, and what has changed since the one before.

The schedule and its last report are a file of the data directory, which has no secrets. What makes audits is loaded
with the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final

import msgspec

from locum.agents.reconciling import Reconciler
from locum.calls.runtime import Runtime
from locum.core.calls import ServiceCall
from locum.core.clock import DAY
from locum.core.errors import ConfigurationError, LocumError
from locum.state import Event

SHORTEST: Final = 60.0
"""Seconds from one audit of a schedule to the next, at least."""

LONGEST: Final = 3650.0 * DAY
"""The same, at most."""

Make = Callable[[ServiceCall], Any]


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An audit that is made `every` so many seconds, next at `due` (epoch seconds): its question, and the last report.

    `appeared` are the ids of findings that the report before did not have, `gone` the findings that only that one had.
    `error` says why the last audit could not be made; the report is an earlier one then.
    """

    every: float
    due: float
    question: dict[str, Any]
    report: dict[str, Any]
    appeared: tuple[str, ...] = ()
    gone: tuple[dict[str, Any], ...] = ()
    error: str = ""


class Audits(Reconciler):
    """Answers questions about audits, and makes those of the schedule. `load` reads its file, `keep` writes it."""

    def __init__(
        self, runtime: Runtime, make: Make, load: Callable[[], bytes], keep: Callable[[bytes], object]
    ) -> None:
        super().__init__(runtime.ledger, runtime.clock, "the audit")
        self._runtime = runtime
        self._make = make
        self._load = load
        self._keep = keep
        self._turn = asyncio.Lock()

    def start(self) -> None:
        """Begin: no change of the state concerns it, so that none is followed."""
        self._tasks = (asyncio.get_running_loop().create_task(self._run()),)

    async def answer(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a question: `{"last": true}`, or one for an audit; with `every`, which is made again and again.

        Raises ConfigurationError where it is none. An `every` of 0 ends the schedule, with an audit as well.
        """
        if asked == {"last": True}:
            return self._last()
        question = dict(asked)
        every = question.pop("every", None)
        if every is not None and not _is_interval(every):
            raise ConfigurationError(f"an audit is made every {int(SHORTEST)} seconds at most, or 0: not any more")
        report = await self._made(question)
        if every is not None:
            async with self._turn:
                due = self._clock() + every
                self._keep(msgspec.json.encode(Schedule(every, due, question, report)) if every else b"")
            self.wake()
        return report

    async def reconcile(self) -> float | None:
        """Make the audit that is due."""
        async with self._turn:
            schedule = self._read()
            if schedule is None:
                return None
            now = self._clock()
            if now < schedule.due:
                return schedule.due
            due = now + schedule.every
            try:
                report = await self._made(schedule.question)
            except LocumError as error:  # who asked is not there any more, say
                later = msgspec.structs.replace(schedule, due=due, error=str(error))
            else:
                later = Schedule(schedule.every, due, schedule.question, report, *changes(schedule.report, report))
            self._keep(msgspec.json.encode(later))
            return due

    def concerns(self, events: Sequence[Event] | None) -> bool:
        return False

    async def _made(self, question: Mapping[str, Any]) -> dict[str, Any]:
        module = import_module("locum.agents.audits.question")
        report: dict[str, Any] = await module.answer(self._runtime, self._make, question)
        return report

    def _last(self) -> dict[str, Any]:
        schedule = self._read()
        if schedule is None:
            raise ConfigurationError("no audit is made by a schedule: begin with `locum audit --every 30d`")
        told = {name: getattr(schedule, name) for name in ("every", "due", "error")}
        changed = {"appeared": list(schedule.appeared), "gone": list(schedule.gone)}
        complete = schedule.report["complete"] and not schedule.error
        return {**schedule.report, "complete": complete, "schedule": {**told, **changed}}

    def _read(self) -> Schedule | None:
        """The schedule, None where there is none. Raises ConfigurationError where the file cannot be read."""
        content = self._load()
        try:
            return msgspec.json.decode(content, type=Schedule) if content else None
        except msgspec.MsgspecError as error:
            raise ConfigurationError(f"the schedule of audits cannot be read: {error}") from error


def _is_interval(every: Any) -> bool:
    number = isinstance(every, int | float) and not isinstance(every, bool)
    return number and (every == 0 or SHORTEST <= every < LONGEST)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[dict[str, Any], ...]]:
    """The ids of the findings that only the later report has, and the findings that only the earlier one has."""
    old = {row["id"]: row for row in before["findings"]}
    new = {row["id"]: row for row in after["findings"]}
    return tuple(name for name in new if name not in old), tuple(row for name, row in old.items() if name not in new)
