"""The task for imports of log files: they are carried out from the start on, also after a restart.

What is done for one is in `agents.lake.importing`, which is loaded with the first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import Any

from locum.agents.lake.column_store import ColumnStore
from locum.agents.under_way import UnderWay
from locum.calls import Runtime
from locum.core.calls import ServiceCall
from locum.state import Entity, TrailImport


class Imports(UnderWay):
    """Has a task for each import that is under way."""

    def __init__(
        self, runtime: Runtime, make: Callable[[ServiceCall], Awaitable[Mapping[str, Any]]], store: ColumnStore
    ) -> None:
        super().__init__(runtime.ledger, runtime.clock, "Import of log files")
        self._runtime = runtime
        self._make = make
        self._store = store

    async def reconcile(self) -> float | None:
        """Begin with the imports that nothing is done for yet."""
        for it in list(self._runtime.ledger.state.every(TrailImport)):
            name = f"import {it.id}"
            if it.under_way and name not in self.runs:
                importing = import_module("locum.agents.lake.importing").Importing
                self.begin(name, importing(self._runtime, self._make, self._store, it))
        return None

    def begins(self, entity: Entity) -> bool:
        return isinstance(entity, TrailImport) and entity.status == "INITIALIZING"
