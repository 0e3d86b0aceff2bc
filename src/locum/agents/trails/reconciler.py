"""The task that has the deliveries of trails made when they are due.

What is done for a trail is in `agents.trails.delivery` and `agents.trails.digests`, which are loaded with the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from locum.agents.reconciling import Reconciler
from locum.calls import Calls, Runtime
from locum.state import Event, Put
from locum.state.trails import Trail


class Trails(Reconciler):
    """Delivers the events of each trail, in order, each once."""

    def __init__(self, runtime: Runtime, calls: Calls) -> None:
        super().__init__(runtime.ledger, runtime.clock, "the delivery of trails")
        self._runtime = runtime
        self._calls = calls
        self._at_work: dict[str, Any] = {}
        self._turn = asyncio.Lock()

    async def reconcile(self) -> float | None:
        """Deliver all that is due now. Two of them take turns."""
        async with self._turn:
            return await self._deliver()

    async def _deliver(self) -> float | None:
        trails = list(self._runtime.ledger.state.every(Trail))
        due = [await self.apart(trail.arn, self._delivery(trail).step()) for trail in trails]
        for gone in self._at_work.keys() - {trail.arn for trail in trails}:
            del self._at_work[gone]
        return min((at for at in due if at is not None), default=None)

    def concerns(self, events: Sequence[Event] | None) -> bool:
        return events is None or any(isinstance(event, Put) and isinstance(event.entity, Trail) for event in events)

    def _delivery(self, trail: Trail) -> Any:
        if trail.arn not in self._at_work:
            make = import_module("locum.agents.trails.delivery").Delivery
            self._at_work[trail.arn] = make(self._runtime, self._calls.make, trail)
        return self._at_work[trail.arn]
