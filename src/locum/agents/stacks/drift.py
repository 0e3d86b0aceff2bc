"""CloudFormation's task for drift: detections are carried out from the start on, also after a restart.

What is done for one is in `agents.stacks.checking`, which is loaded with the first.
"""

from __future__ import annotations

from importlib import import_module

from locum.agents.under_way import UnderWay
from locum.calls import Calls, Runtime
from locum.state import Entity, StackDrift


class Drifts(UnderWay):
    """Has a task for each drift detection that is in progress."""

    def __init__(self, runtime: Runtime, calls: Calls) -> None:
        super().__init__(runtime.ledger, runtime.clock, "Drift detection")
        self._runtime = runtime
        self._calls = calls

    async def reconcile(self) -> float | None:
        """Begin with the detections that nothing is done for yet."""
        for it in list(self._runtime.ledger.state.every(StackDrift)):
            name = f"drift detection {it.id}"
            if it.under_way and name not in self.runs:
                self.begin(name, import_module("locum.agents.stacks.checking").Checker(self._runtime, self._calls, it))
        return None

    def begins(self, entity: Entity) -> bool:
        return isinstance(entity, StackDrift) and entity.under_way
