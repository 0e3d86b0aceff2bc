"""CloudFormation's task for drift: detections are carried out from the start on, also after a restart.

What is done for one is in `agents.stacks.checking`, which is loaded with the first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from locum.agents.reconciling import Reconciler
from locum.calls import Calls, Runtime
from locum.core.errors import LocumError
from locum.state import Event, Put, StackDrift

_AGAIN: Final = 5.0
_IN_PROGRESS: Final = "DETECTION_IN_PROGRESS"
_log: Final = logging.getLogger("locum.agents")


class Drifts(Reconciler):
    """Has a task for each drift detection that is in progress."""

    def __init__(self, runtime: Runtime, calls: Calls) -> None:
        super().__init__(runtime.ledger, runtime.clock, "Drift detection")
        self._runtime = runtime
        self._calls = calls
        self._runs: dict[str, asyncio.Task[None]] = {}

    async def reconcile(self) -> float | None:
        """Begin with the detections that nothing is done for yet."""
        for it in list(self._runtime.ledger.state.every(StackDrift)):
            if it.status == _IN_PROGRESS and it.id not in self._runs:
                self._runs[it.id] = asyncio.create_task(self._go_on(it))
        return None

    def concerns(self, events: Sequence[Event] | None) -> bool:
        if events is None:
            return True
        entities = (event.entity for event in events if isinstance(event, Put))
        return any(isinstance(it, StackDrift) and it.status == _IN_PROGRESS for it in entities)

    async def settled(self) -> None:
        """Wait until no detection is in progress."""
        await self.reconcile()
        while self._runs:
            await asyncio.gather(*self._runs.values())
            await self.reconcile()

    async def close(self) -> None:
        """End. What is in progress goes on with the next start."""
        await super().close()
        runs = list(self._runs.values())
        for run in runs:
            run.cancel()
        await asyncio.gather(*runs, return_exceptions=True)

    async def _go_on(self, it: StackDrift) -> None:
        checker = import_module("locum.agents.stacks.checking").Checker(self._runtime, self._calls, it)
        try:
            while True:
                try:
                    await checker.run()
                except (LocumError, OSError) as error:  # storage that does not work at the moment, say
                    _log.warning("drift detection %s goes on later: %s", it.id, error)
                    await asyncio.sleep(_AGAIN)
                else:
                    break
        finally:
            self._runs.pop(it.id, None)
