"""The task that has analyzers look at resources.

What is done for an analyzer is in `agents.analyzers.scanning`, which is loaded with the first one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import Any

from locum.agents.reconciling import Reconciler
from locum.calls import Calls, Runtime
from locum.core.calls import ServiceCall
from locum.state import Event, Put
from locum.state.analyzers import Analyzer

Scan = Callable[[Runtime, Callable[[ServiceCall], Awaitable[Any]], Analyzer], Awaitable[float]]


class Analyzers(Reconciler):
    """Has each analyzer analyze what is due."""

    def __init__(self, runtime: Runtime, calls: Calls) -> None:
        super().__init__(runtime.ledger, runtime.clock, "Access Analyzer")
        self._runtime = runtime
        self._calls = calls
        self._turn = asyncio.Lock()

    async def reconcile(self) -> float | None:
        """Analyze all that is due now. Two of them take turns."""
        async with self._turn:
            analyzers = list(self._runtime.ledger.state.every(Analyzer))
            if not analyzers:
                return None
            scan: Scan = import_module("locum.agents.analyzers.scanning").scan
            due = [await self.apart(it.arn, scan(self._runtime, self._calls.make, it)) for it in analyzers]
            return min((at for at in due if at is not None), default=None)

    def concerns(self, events: Sequence[Event] | None) -> bool:
        if events is None:
            return True
        entities = (event.entity for event in events if isinstance(event, Put))
        return any(isinstance(it, Analyzer) and (it.asked or not it.scanned) for it in entities)
