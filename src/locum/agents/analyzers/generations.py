"""The task for policy generations: they are carried out from the start on, also after a restart.

What is done for one is in `agents.analyzers.generating`, which is loaded with the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from locum.agents.under_way import UnderWay
from locum.calls import Runtime
from locum.state import Event, Put
from locum.state.analyzers import PolicyGeneration


class PolicyGenerations(UnderWay):
    """Has a task for each policy generation that is in progress."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime.ledger, runtime.clock, "Policy generation")
        self._runtime = runtime

    async def reconcile(self) -> float | None:
        """Begin with the generations that nothing is done for yet."""
        for it in list(self._runtime.ledger.state.every(PolicyGeneration)):
            name = f"policy generation {it.id}"
            if it.under_way and name not in self.runs:
                self.begin(name, import_module("locum.agents.analyzers.generating").Generating(self._runtime, it))
        return None

    def concerns(self, events: Sequence[Event] | None) -> bool:
        if events is None:
            return True
        entities = (event.entity for event in events if isinstance(event, Put))
        return any(isinstance(it, PolicyGeneration) and it.under_way for it in entities)
