"""The task for access previews: they are made from the start on, also after a restart, and deleted a day later.

What is done for one is in `agents.analyzers.previewing`, which is loaded with the first.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from importlib import import_module

from locum.agents.under_way import UnderWay
from locum.calls import Runtime
from locum.services.verbs import Outcome
from locum.state import Entity, State, remove
from locum.state.analyzers import PREVIEWS_KEPT, AccessPreview


class AccessPreviews(UnderWay):
    """Has a task for each access preview that is under way. Those of an account take turns."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime.ledger, runtime.clock, "Access preview")
        self._runtime = runtime
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def reconcile(self) -> float | None:
        """Begin with the previews that nothing is done for yet, and delete those that were kept long enough."""
        await self._delete_old()
        previews = list(self._runtime.ledger.state.every(AccessPreview))
        for it in previews:
            name = f"access preview {it.id}"
            if it.under_way and name not in self.runs:
                previewing = import_module("locum.agents.analyzers.previewing")
                self.begin(name, previewing.Previewing(self._runtime, it, self._turns[it.account]))
        return min((it.created + PREVIEWS_KEPT for it in previews), default=None)

    async def _delete_old(self) -> None:
        now = self._runtime.clock()

        def commit(state: State) -> Outcome:
            old = [it for it in state.every(AccessPreview) if it.created + PREVIEWS_KEPT <= now]
            return Outcome({}, tuple(map(remove, old)))

        if commit(self._runtime.ledger.state).events:
            await self._runtime.ledger.transact(commit, lambda _outcome: ())

    def begins(self, entity: Entity) -> bool:
        return isinstance(entity, AccessPreview) and entity.under_way
