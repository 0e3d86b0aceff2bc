"""Rules of EventBridge with a schedule: at their times, EventBridge puts the event that is for such a rule alone.

The operations on rules are the embedded backend's; what they say of schedules is noted here. EventBridge User Guide,
"Creating a rule that runs on a schedule" and "Cron expressions reference".
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from locum.agents.waiting import cancelled, rung
from locum.backends import Backend, BackendCall, Carried
from locum.core.actors import service_principal
from locum.core.arn import PARTITION
from locum.core.calls import ServiceCall
from locum.core.clock import MovableClock, iso8601
from locum.core.errors import LocumError
from locum.core.event_rules import DISABLED, EventRule
from locum.services.autoscaling import schedules

EVENTS: Final = "events.amazonaws.com"
DETAIL_TYPE: Final = "Scheduled Event"
SOURCE: Final = "aws.events"

_BUS: Final = "default"
"""The only bus whose rules have schedules."""

_UNITS: Final = {"minute": 60, "hour": 3_600, "day": 86_400}
_RATE: Final = re.compile(r"rate\((\d{1,9}) (minute|hour|day)s?\)")
_CRON: Final = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_NUMBER: Final = re.compile(r"(?<![/\d])\d(?!\d)")
_EVERY_YEAR: Final = "*"
_MOST_YEARS: Final = 100
_log: Final = logging.getLogger("locum.agents")

Make = Callable[[ServiceCall], Awaitable[Any]]
Kept = Callable[[], list[EventRule]]


@dataclass(slots=True)
class _Scheduled:
    """A rule with a schedule: its expression, whether it is enabled, and its next time (0: never)."""

    expression: str
    enabled: bool
    due: float


class ScheduleHost(Backend):
    """Has `behind` carry out the operations on rules, and puts the events of those that are due by `clock`.

    `kept` finds the rules that are there from before.
    """

    forgets = True

    def __init__(self, behind: Backend, make: Make, clock: MovableClock, kept: Kept = list) -> None:
        self._behind = behind
        self._make = make
        self._clock = clock
        self._kept = kept
        self._rules: dict[tuple[str, str, str], _Scheduled] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        clock.on_move(self._changed.set)

    async def call(self, call: BackendCall) -> Carried:
        carried = await self._behind.call(call)
        if carried.response.status < 300:
            self._note(call)
        return carried

    async def forget(self, account: str) -> None:
        self._rules = {key: rule for key, rule in self._rules.items() if key[0] != account}

    async def close(self) -> None:
        if self._task is not None:
            await cancelled(self._task)
        await self._behind.close()

    async def resume(self) -> None:
        for rule in await asyncio.to_thread(self._kept):
            if rule.schedule:
                due = next_time(rule.schedule, self._clock())
                kept = _Scheduled(rule.schedule, rule.state != DISABLED, due)
                self._rules.setdefault((rule.account, rule.region, rule.name), kept)
        self._begin()
        await self._behind.resume()

    def _note(self, call: BackendCall) -> None:
        """Note what a call says of the schedule of a rule. Those of other buses have none."""
        if str(call.params.get("EventBusName") or _BUS).rpartition("/")[2] != _BUS:
            return
        params, key = call.params, (call.account, call.region, str(call.params["Name"]))
        known = self._rules.get(key)
        if call.operation == "PutRule":
            expression = params.get("ScheduleExpression")
            enabled = params.get("State", "ENABLED") != "DISABLED"
            self._rules.pop(key, None)
            if expression:
                self._rules[key] = _Scheduled(expression, enabled, next_time(expression, self._clock()))
        elif call.operation == "DeleteRule":
            self._rules.pop(key, None)
        elif known is not None:
            known.enabled = call.operation == "EnableRule"
            known.due = next_time(known.expression, self._clock())
        self._begin()

    def _begin(self) -> None:
        """Look at the rules, from now on."""
        self._changed.set()
        if self._rules and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            now = self._clock()
            for key, rule in list(self._rules.items()):
                if rule.enabled and 0 < rule.due <= now:
                    rule.due = next_time(rule.expression, now)
                    await self._put(*key, now)
            due = min((rule.due for rule in self._rules.values() if rule.enabled and rule.due), default=None)
            await rung(self._changed, None if due is None else max(0.0, due - self._clock()))

    async def _put(self, account: str, region: str, name: str, now: float) -> None:
        """Put the event of a rule that is due; its targets get it by calls of their own."""
        arn = f"arn:{PARTITION}:events:{region}:{account}:rule/{name}"
        entry = {"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": "{}", "Resources": [arn], "Time": iso8601(now)}
        made = ServiceCall(service_principal(EVENTS, account, arn), "events", "PutEvents", {"Entries": [entry]}, region)
        try:
            await self._make(made)
        except LocumError as error:
            _log.warning("the event of %s was not put: %s", arn, error)


def next_time(expression: str, after: float) -> float:
    """The first time of a schedule after `after`, epoch seconds; 0 where there is none, or it is not understood."""
    rate = _RATE.fullmatch(expression)
    if rate is not None:
        return after + int(rate[1]) * _UNITS[rate[2]] if int(rate[1]) else 0.0
    cron = _CRON.fullmatch(expression)
    try:
        return 0.0 if cron is None else _next_of_cron(cron.groups(), after)
    except ValueError:
        _log.warning("the schedule %s is not understood", expression)
        return 0.0


def _next_of_cron(fields: tuple[str, ...], after: float) -> float:
    """EventBridge's cron has a year, `?`, and counts the days of the week from 1. Raises ValueError."""
    minute, hour, day, month, weekday, year = (field.replace("?", "*") for field in fields)
    weekday = _NUMBER.sub(lambda digit: str(int(digit[0]) - 1), weekday)
    text = f"{minute} {hour} {day} {month} {weekday}"
    for _ in range(_MOST_YEARS):
        found = float(schedules.next_time(text, after))
        if not found or _in_year(year, datetime.fromtimestamp(found, UTC).year):
            return found
        after = datetime(datetime.fromtimestamp(found, UTC).year + 1, 1, 1, tzinfo=UTC).timestamp() - 1
    return 0.0


def _in_year(field: str, year: int) -> bool:
    if field == _EVERY_YEAR:
        return True
    for part in field.split(","):
        first, dash, last = part.partition("-")
        if int(first) <= year <= int(last if dash else first):
            return True
    return False
