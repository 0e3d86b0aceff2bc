"""Cloud Control's task: whatever requests ask for is done, from the start on, also after a restart.

What is done for one request is in `agents.resource_requests.run`, which is loaded once there is something to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from locum.agents.under_way import UnderWay
from locum.calls import Calls, Runtime
from locum.services.verbs import Outcome
from locum.state import Entity, ResourceRequest, State, remove

_AT_ONCE: Final = 64
"""Requests that are worked on at the same time."""


class ResourceRequests(UnderWay):
    """Has a task for each request that is under way."""

    def __init__(self, runtime: Runtime, calls: Calls) -> None:
        super().__init__(runtime.ledger, runtime.clock, "Cloud Control")
        self._runtime = runtime
        self._calls = calls
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def reconcile(self) -> float | None:
        """Begin with the requests that nothing is done for yet; when the next one is to be forgotten."""
        now, times, expired = self._runtime.clock(), [], []
        for it in list(self._runtime.ledger.state.every(ResourceRequest)):
            if it.under_way:
                if it.id not in self.runs:
                    module = import_module("locum.agents.resource_requests.run")
                    self.begin(it.id, module.ResourceRun(self._runtime, self._calls, it, self._room))
            elif it.expires > now:
                times.append(it.expires)
            else:
                expired.append(it)
        if expired:
            await self._forget(expired)
        return min(times, default=None)

    def begins(self, entity: Entity) -> bool:
        return isinstance(entity, ResourceRequest) and entity.under_way and entity.id not in self.runs

    async def _forget(self, expired: Sequence[ResourceRequest]) -> None:
        def handler(state: State) -> Outcome:
            there = (it for it in expired if state.get(ResourceRequest, it.account, it.key) is not None)
            return Outcome({}, tuple(map(remove, there)))

        await self._runtime.ledger.transact(handler, lambda _outcome: ())
