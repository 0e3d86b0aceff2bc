"""The task for what is worked out on request, policies and recommendations: from the start on, also after a restart.

What is done for one is in `agents.analyzers.generating` and `recommending`, which are loaded with the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final

from locum.agents.under_way import UnderWay
from locum.calls import Runtime
from locum.state import Event, Put
from locum.state.analyzers import FindingRecommendation, PolicyGeneration

_WORK: Final[Mapping[type[PolicyGeneration | FindingRecommendation], tuple[str, str]]] = {
    PolicyGeneration: ("generating", "Generating"),
    FindingRecommendation: ("recommending", "Recommending"),
}
"""What is worked out, with the module and the class that do it."""
_AT_ONCE: Final = 8
"""Each reads the event history: more of them wait until one has ended."""


class PolicyGenerations(UnderWay):
    """Has a task for each policy generation and each recommendation that is in progress."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime.ledger, runtime.clock, "Policy generation")
        self._runtime = runtime

    async def reconcile(self) -> float | None:
        """Begin with those that nothing is done for yet."""
        state = self._runtime.ledger.state
        for kind, (module, work) in _WORK.items():
            for it in list(state.every(kind)):
                if len(self.runs) >= _AT_ONCE:
                    return None
                name = f"{module} {it.account} {it.key}"
                if it.under_way and name not in self.runs:
                    found = import_module(f"locum.agents.analyzers.{module}")
                    self.begin(name, getattr(found, work)(self._runtime, it))
        return None

    def concerns(self, events: Sequence[Event] | None) -> bool:
        if events is None:
            return True
        entities = (event.entity for event in events if isinstance(event, Put))
        return any(isinstance(it, PolicyGeneration | FindingRecommendation) and it.under_way for it in entities)
