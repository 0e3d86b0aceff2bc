"""StackSets' task: whatever is under way for a stack set is done, from the start on, also after a restart.

What is done for one operation is in `agents.stack_sets.run`, which is loaded once there is something to do.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

from locum.agents.reconciling import Reconciler
from locum.agents.stacks.forgetting import KEPT
from locum.calls import Calls, Runtime
from locum.core.errors import LocumError
from locum.services.verbs import Outcome
from locum.state import Event, Member, Organization, Put, Stack, StackDrift, StackSet, StackSetOperation, Unit, remove
from locum.state.events import kind_of

UNDER_WAY: Final = ("RUNNING", "STOPPING")
WAITING: Final = "QUEUED"

_ORGANIZED: Final = frozenset({kind_of(Member), kind_of(Unit), kind_of(Organization), kind_of(StackSet)})
"""What a change of may have accounts join or leave the units that sets are deployed to."""

_AGAIN: Final = 5.0
_log: Final = logging.getLogger("locum.agents")


class StackSets(Reconciler):
    """Has a task for each operation of a stack set that is under way."""

    def __init__(self, runtime: Runtime, calls: Calls) -> None:
        super().__init__(runtime.ledger, runtime.clock, "StackSets")
        self._runtime = runtime
        self._calls = calls
        self._tasks_of: dict[str, asyncio.Task[None]] = {}
        self._runs: dict[str, Any] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._moved = True

    async def reconcile(self) -> float | None:
        """Begin with the operations that nothing is done for yet; when the next deleted set is to be forgotten."""
        state = self._runtime.ledger.state
        if self._moved and any(it.automatic.enabled for it in state.every(StackSet)):
            self._moved = False
            await import_module("locum.agents.stack_sets.queues").follow_organizations(self._runtime)
        if any(it.status == WAITING for it in self._runtime.ledger.state.every(StackSetOperation)):
            await import_module("locum.agents.stack_sets.queues").promoted(self._runtime)
        for it in list(self._runtime.ledger.state.every(StackSetOperation)):
            name = f"{it.account}/{it.key}"
            if it.status in UNDER_WAY and name not in self._runs:
                made = import_module("locum.agents.stack_sets.run").OperationRun
                self._runs[name] = made(self._runtime, self._calls, it, self._locks)
                self._tasks_of[name] = asyncio.create_task(self._go_on(name))
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
        self._moved = self._moved or any(_kind(event) in _ORGANIZED for event in events)
        entities = [event.entity for event in events if isinstance(event, Put)]
        if self._runs and any(isinstance(it, (Stack, StackDrift, StackSetOperation)) for it in entities):
            self._ring()
        return self._moved or any(isinstance(it, StackSetOperation) for it in entities)

    def wake(self) -> None:
        super().wake()
        self._ring()

    def _ring(self) -> None:
        for run in self._runs.values():
            run.changed()

    async def settled(self) -> None:
        """Wait until nothing is under way for any stack set."""
        self._moved = True  # what has changed may not have been heard of yet
        await self.reconcile()
        while self._tasks_of:
            await asyncio.gather(*self._tasks_of.values())
            await self.reconcile()

    async def close(self) -> None:
        """End. What is under way goes on with the next start."""
        await super().close()
        tasks = list(self._tasks_of.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _go_on(self, name: str) -> None:
        run = self._runs[name]
        try:
            while True:
                try:
                    await run.run()
                except (LocumError, OSError) as error:  # storage that does not work at the moment, say
                    _log.warning("operation %s of a stack set goes on later: %s", name, error)
                    await asyncio.sleep(_AGAIN)
                else:
                    break
        finally:
            self._runs.pop(name, None)
            self._tasks_of.pop(name, None)
        self.wake()  # something may have waited for it


def _kind(event: Event) -> str:
    """The table that an event is about."""
    return kind_of(type(event.entity)) if isinstance(event, Put) else event.kind
