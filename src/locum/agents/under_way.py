"""Reconcilers of what is under way: a task for each operation, which goes on until it is done, also after a restart."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final, Protocol

from locum.agents.reconciling import Reconciler
from locum.agents.waiting import cancelled
from locum.core.errors import LocumError
from locum.state import Entity, Event, Put

_AGAIN: Final = 5.0
_log: Final = logging.getLogger("locum.agents")


class Run(Protocol):
    """What is under way for one thing."""

    async def run(self) -> None:
        """Go on until nothing is under way. Raises LocumError where it has to wait, for storage say."""


class UnderWay(Reconciler):
    """Has a task for each thing for which something is under way. `runs` are those at work, by names for the log."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.runs: dict[str, Any] = {}
        self._at_work: dict[str, asyncio.Task[None]] = {}

    def concerns(self, events: Sequence[Event] | None) -> bool:
        """Whether something begins with a change."""
        return events is None or any(isinstance(it, Put) and self.begins(it.entity) for it in events)

    def begins(self, entity: Entity) -> bool:
        """Whether an entity that was put is of something that is to be begun with: none, where `concerns` tells."""
        return False

    def begin(self, name: str, run: Run) -> None:
        """Have `run` do what is under way."""
        self.runs[name] = run
        self._at_work[name] = asyncio.create_task(self._go_on(name, run))

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        await self.reconcile()
        while self._at_work:
            await asyncio.gather(*self._at_work.values())
            await self.reconcile()

    async def close(self) -> None:
        """End. What is under way goes on with the next start."""
        await super().close()
        await cancelled(*self._at_work.values())

    async def _go_on(self, name: str, run: Run) -> None:
        try:
            while True:
                try:
                    await run.run()
                except (LocumError, OSError) as error:  # storage that does not work at the moment, say
                    _log.warning("%s goes on later: %s", name, error)
                    await asyncio.sleep(_AGAIN)
                else:
                    break
        finally:
            self._at_work.pop(name, None)
            self.runs.pop(name, None)
        self.wake()  # something may have begun meanwhile
