"""Rollback triggers: alarms are looked at, as the stack, while an operation is under way, and for a while after it.

CloudFormation User Guide, "Roll back your CloudFormation stack on alarm breach with rollback triggers".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from locum.agents.stacks.waits import Bell
from locum.agents.waiting import rung
from locum.calls import Calls, Runtime
from locum.core.calls import ServiceCall
from locum.core.errors import Fault, LocumError
from locum.services.cloudformation.drafts import Draft
from locum.services.cloudformation.following import actor_of
from locum.services.cloudformation.rollback_triggers import alarms_of, minutes_of, triggers_of
from locum.state import Stack, State

Commit = Callable[[Callable[[State, Draft], None], str], Awaitable[None]]

_EVERY: Final = 10.0
"""Seconds between two looks at the alarms: the shortest period of an alarm."""

_TYPES: Final = ["MetricAlarm", "CompositeAlarm"]


class Watch:
    """Watches the alarms of a stack."""

    def __init__(self, runtime: Runtime, calls: Calls, bell: Bell, commit: Commit) -> None:
        self._runtime = runtime
        self._calls = calls
        self._bell = bell
        self._commit = commit
        self._reason = ""

    @property
    def reason(self) -> str:
        """Why the operation is rolled back; empty where it is not."""
        return self._reason

    async def during(self, stack: Stack, work: Callable[[], Awaitable[dict[str, str]]]) -> dict[str, str]:
        """The failures of `work`, during which alarms are watched, and then as long as the stack says.

        Everything is given up, and nothing begun, where an alarm goes off. Raises LocumError.
        """
        self._reason = ""
        if await self._is_off(stack):
            return {}
        watching = asyncio.ensure_future(self._go_on(stack))
        try:
            failed = await work()
        finally:
            watching.cancel()
            (ended,) = await asyncio.gather(watching, return_exceptions=True)
        if isinstance(ended, LocumError):  # nobody knows how the alarms are
            raise ended
        if not (failed or self.reason or self._is_over(stack)):
            await self._afterwards(stack)
        return failed

    async def _go_on(self, stack: Stack) -> None:
        while triggers_of(stack.rollback):
            await self._pause(stack, self._runtime.clock() + _EVERY)
            if await self._is_off(stack):
                return

    async def _afterwards(self, stack: Stack) -> None:
        """Watch for as long as the stack says, from now on, or from when that began before a restart."""
        until = stack.watched
        if not until:
            until = self._runtime.clock() + 60 * minutes_of(stack.rollback)
            await self._commit(lambda _state, draft: draft.change(watched=until), stack.operation)
        while True:
            if (
                await self._is_off(stack)
                or self._bell.giving_up
                or self._is_over(stack)
                or self._runtime.clock() >= until
            ):
                return
            every = _EVERY if triggers_of(stack.rollback) else until - self._runtime.clock()
            await self._pause(stack, min(until, self._runtime.clock() + every))

    async def _pause(self, stack: Stack, until: float) -> None:
        """Wait until then (epoch seconds), or until something else is under way for the stack."""
        while True:
            bell = self._bell.next()
            left = until - self._runtime.clock()
            if left <= 0 or self._bell.giving_up or self._is_over(stack):
                return
            await rung(bell, left)

    async def _is_off(self, stack: Stack) -> bool:
        """Whether an alarm is off, or is missing, or is not shown to the stack: the operation is rolled back then."""
        found: dict[str, Mapping[str, Any]] = {}
        try:
            for region, names in alarms_of(stack.rollback).items():
                params = {"AlarmNames": names, "AlarmTypes": _TYPES}
                call = ServiceCall(actor_of(stack), "cloudwatch", "DescribeAlarms", params, region)
                answer = await self._calls.make(call)
                alarms = [*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())]
                found |= {it["AlarmArn"]: it for it in alarms}
        except Fault as fault:
            return self._give_up(fault.message)
        triggers = triggers_of(stack.rollback)
        missing = [arn for arn in triggers if arn not in found]
        alarmed = [arn for arn in triggers if arn in found and found[arn]["StateValue"] == "ALARM"]
        if missing:
            return self._give_up(f"The following rollback trigger(s) are missing: [{', '.join(missing)}].")
        if alarmed:
            return self._give_up(f"The following rollback trigger(s) are in ALARM state: [{', '.join(alarmed)}].")
        return False

    def _give_up(self, reason: str) -> bool:
        self._reason = reason
        self._bell.give_up()
        return True

    def _is_over(self, stack: Stack) -> bool:
        now = self._runtime.ledger.state.get(Stack, stack.account, stack.key)
        return now is None or now.operation != stack.operation
