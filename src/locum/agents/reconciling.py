"""Reconcilers: tasks that bring the world in line with the state, at the start, after changes, and when it is time."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from locum.agents.waiting import cancelled, rung
from locum.core.clock import Clock
from locum.core.errors import LocumError, PassingStorageError, StorageError
from locum.state import Event
from locum.store import Ledger, Reloaded

RETRY: Final = 5.0
"""Seconds after which it is tried again where it could not be done."""

_log: Final = logging.getLogger("locum.agents")

Heard = Callable[[Sequence[Event] | None], object]
"""Called with the events of a change; with None, where any may have been."""


async def follow(ledger: Ledger, heard: Heard) -> None:
    """Tell `heard` of every change from now on, whoever makes it, until the ledger is closed."""
    while True:
        try:
            with ledger.subscribe() as changes:
                async for change in changes:
                    heard(None if isinstance(change, Reloaded) else change.events)
            return
        except PassingStorageError:  # the state has what was not read: it is looked at, and followed from there
            heard(None)


class Reconciler(ABC):
    """Calls `reconcile`: at the start, after each change that concerns it, and when it said that something is due.

    `clock` is that by which things are due. `name` is for the log.
    """

    def __init__(self, ledger: Ledger, clock: Clock, name: str) -> None:
        self._ledger = ledger
        self._clock = clock
        self._name = name
        self.changed = asyncio.Event()
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    @abstractmethod
    async def reconcile(self) -> float | None:
        """Do all that is to be done now; when to look again (epoch seconds), None where at the next change.

        Raises LocumError where it cannot be done now.
        """

    @abstractmethod
    def concerns(self, events: Sequence[Event] | None) -> bool:
        """Whether a change may give it something to do. None: it may be any change."""

    def start(self) -> None:
        """Begin; what was left undone before a restart is done at once."""
        loop = asyncio.get_running_loop()
        self._tasks = (loop.create_task(follow(self._ledger, self._hear)), loop.create_task(self._run()))

    def wake(self) -> None:
        """Look again at what is to be done and what is due: the clock was moved, say."""
        self.changed.set()

    async def close(self) -> None:
        """End. What is not done is done after the next start."""
        await cancelled(*self._tasks)

    async def apart(self, name: str, step: Awaitable[float | None]) -> float | None:
        """What `step` does for one of many: where that breaks, it is told and tried again, and the others go on.

        Raises StorageError and OSError, which concern all of them.
        """
        try:
            return await step
        except (StorageError, OSError):
            raise
        except Exception:  # a fault barrier: what breaks for one is no reason to stop for the others
            _log.exception("%s goes on later for %s", self._name, name)
            return self._clock() + RETRY

    def _hear(self, events: Sequence[Event] | None) -> None:
        if self.concerns(events):
            self.changed.set()

    async def _run(self) -> None:
        while True:
            self.changed.clear()
            try:
                due = await self.reconcile()
            except (LocumError, OSError) as error:  # no descriptor is left, say
                _log.warning("%s goes on later: %s", self._name, error)
                due = self._clock() + RETRY
            await rung(self.changed, None if due is None else max(0.0, due - self._clock()))
