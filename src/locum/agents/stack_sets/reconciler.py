"""StackSets' task: whatever is under way for a stack set is done, from the start on, also after a restart.

What is done for one operation is in `agents.stack_sets.run`, which is loaded once there is something to do.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from locum.agents.stacks.forgetting import KEPT
from locum.agents.under_way import UnderWay
from locum.calls import Calls, Runtime
from locum.services.verbs import Outcome
from locum.state import Event, Member, Organization, Put, Stack, StackDrift, StackSet, StackSetOperation, Unit, remove
from locum.state.events import about, kind_of
from locum.state.stack_sets import QUEUED

_ORGANIZED: Final = frozenset({kind_of(Member), kind_of(Unit), kind_of(Organization), kind_of(StackSet)})
"""What a change of may have accounts join or leave the units that sets are deployed to."""


class StackSets(UnderWay):
    """Has a task for each operation of a stack set that is under way."""

    def __init__(self, runtime: Runtime, calls: Calls) -> None:
        super().__init__(runtime.ledger, runtime.clock, "StackSets")
        self._runtime = runtime
        self._calls = calls
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._moved = True

    async def reconcile(self) -> float | None:
        """Begin with the operations that nothing is done for yet; when the next deleted set is to be forgotten."""
        state = self._runtime.ledger.state
        if self._moved and any(it.automatic.enabled for it in state.every(StackSet)):
            self._moved = False
            await import_module("locum.agents.stack_sets.queues").follow_organizations(self._runtime)
        if any(it.status == QUEUED for it in self._runtime.ledger.state.every(StackSetOperation)):
            await import_module("locum.agents.stack_sets.queues").promoted(self._runtime)
        for it in list(self._runtime.ledger.state.every(StackSetOperation)):
            name = f"operation {it.account}/{it.key} of a stack set"
            if it.under_way and name not in self.runs:
                made = import_module("locum.agents.stack_sets.run").OperationRun
                self.begin(name, made(self._runtime, self._calls, it, self._locks))
        return await self._forget()

    async def _forget(self) -> float | None:
        """Forget the sets that were deleted long ago; when the next one is to be."""
        deleted = [it for it in self._runtime.ledger.state.every(StackSet) if it.deleted]
        old = [it for it in deleted if it.deleted + KEPT <= self._runtime.clock()]
        if old:
            gone = tuple(remove(it) for it in old)
            await self._runtime.ledger.transact(lambda _state: Outcome({}, gone), lambda _outcome: ())
        return min((it.deleted + KEPT for it in deleted if it not in old), default=None)

    def concerns(self, events: Sequence[Event] | None) -> bool:
        if events is None:
            self._moved = True
            self._ring()
            return True
        self._moved = self._moved or any(about(event)[0] in _ORGANIZED for event in events)
        entities = [event.entity for event in events if isinstance(event, Put)]
        if self.runs and any(isinstance(it, (Stack, StackDrift, StackSetOperation)) for it in entities):
            self._ring()
        return self._moved or any(isinstance(it, StackSetOperation) for it in entities)

    def wake(self) -> None:
        super().wake()
        self._ring()

    def _ring(self) -> None:
        for run in self.runs.values():
            run.changed()

    async def settled(self) -> None:
        self._moved = True  # what has changed may not have been heard of yet
        await super().settled()
