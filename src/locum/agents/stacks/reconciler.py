"""CloudFormation's task: whatever is under way for a stack is done, from the start on, also after a restart.

What is done for one stack is in `agents.stacks.run`, which is loaded once there is something to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from locum.agents.stacks.forgetting import forgotten, forgotten_at
from locum.agents.under_way import UnderWay
from locum.calls import Calls, Runtime
from locum.state import Event, Put, Stack, StackResource
from locum.state.indexes import NESTED


def _parts() -> Any:
    """The module that tells which nested stacks wait."""
    return import_module("locum.services.cloudformation.parts")


class Stacks(UnderWay):
    """Has a task for each stack that is under way."""

    def __init__(self, runtime: Runtime, calls: Calls) -> None:
        super().__init__(runtime.ledger, runtime.clock, "CloudFormation")
        self._runtime = runtime
        self._calls = calls

    async def reconcile(self) -> float | None:
        """Begin with the stacks that nothing is done for yet; when the next deleted one is to be forgotten."""
        now, times, state = self._runtime.clock(), [], self._runtime.ledger.state
        for stack in list(state.every(Stack)):
            if (at := forgotten_at(stack)) is not None and at > now:
                times.append(at)
            elif at is not None:
                await self._forget(stack)
            elif stack.under_way and stack.id not in self.runs and not _parts().is_held(state, stack):
                made = import_module("locum.agents.stacks.run").StackRun(self._runtime, self._calls, stack)
                self.begin(stack.id, made)
        return min(times, default=None)

    def concerns(self, events: Sequence[Event] | None) -> bool:
        if events is None:
            self._ring(*self.runs)
            return True
        concerned = False
        for event in events:
            entity = event.entity if isinstance(event, Put) else None
            if isinstance(entity, Stack):
                begins = entity.under_way and entity.id not in self.runs  # the others are at work on it
                concerned = concerned or begins or bool(entity.deleted) or self._releases(entity)
                self._ring(entity.id, entity.parent.rpartition("/")[2])
            elif isinstance(entity, StackResource):
                self._ring(entity.stack)
        return concerned

    def _releases(self, stack: Stack) -> bool:
        """Whether nested stacks may go on that waited for the update of `stack`."""
        nested = bool(self._runtime.ledger.state.find(NESTED, stack.arn))
        return nested and stack.status not in _parts().HOLDING

    def wake(self) -> None:
        super().wake()
        self._ring(*self.runs)

    def _ring(self, *stacks: str) -> None:
        """Have those look again who do something for these stacks."""
        for stack in stacks:
            if stack in self.runs:
                self.runs[stack].changed()

    async def _forget(self, stack: Stack) -> None:
        await self._runtime.ledger.transact(lambda state: forgotten(state, stack), lambda _outcome: ())
