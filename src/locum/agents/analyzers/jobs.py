"""The task for policy generations and recommendations: they are worked out from the start on, also after a restart.

What is done for one is in `agents.analyzers.generating` and `recommending`, which are loaded with the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final

from locum.agents.under_way import UnderWay
from locum.calls import Runtime
from locum.state import Entity
from locum.state.analyzers import FindingRecommendation, PolicyGeneration

_WORKERS: Final[Mapping[type[PolicyGeneration | FindingRecommendation], tuple[str, str]]] = {
    PolicyGeneration: ("generating", "Generating"),
    FindingRecommendation: ("recommending", "Recommending"),
}
"""What is worked out, with the module and the class that do it."""
_AT_ONCE: Final = 8
"""Each reads the event history: more of them wait until one has ended."""


class AnalyzerJobs(UnderWay):
    """Has a task for each policy generation and each recommendation that is in progress."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime.ledger, runtime.clock, "Policy generations and recommendations")
        self._runtime = runtime

    async def reconcile(self) -> float | None:
        """Begin with those that nothing is done for yet."""
        state = self._runtime.ledger.state
        for kind, (module, worker) in _WORKERS.items():
            for it in list(state.every(kind)):
                if len(self.runs) >= _AT_ONCE:
                    return None
                name = f"{module} {it.account} {it.key}"
                if it.under_way and name not in self.runs:
                    loaded = import_module(f"locum.agents.analyzers.{module}")
                    self.begin(name, getattr(loaded, worker)(self._runtime, it))
        return None

    def begins(self, entity: Entity) -> bool:
        return isinstance(entity, PolicyGeneration | FindingRecommendation) and entity.under_way
