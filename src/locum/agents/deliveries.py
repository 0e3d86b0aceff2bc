"""Deliveries: a task that carries out committed effects when they are due."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from locum.calls.outbox import Outbox
from locum.core.clock import Clock
from locum.core.errors import PassingStorageError
from locum.state import Event, PendingEffect, Put
from locum.store import Ledger, Reloaded


def _is_effect(event: Event) -> bool:
    return isinstance(event, Put) and isinstance(event.entity, PendingEffect)


class Deliveries:
    """Has an outbox begin effects: at the start, whenever one is committed, and when the next one is due by `clock`."""

    def __init__(self, outbox: Outbox, ledger: Ledger, clock: Clock) -> None:
        self._outbox = outbox
        self._ledger = ledger
        self._clock = clock
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    def start(self) -> None:
        """Begin; what was committed before a restart is carried out at once."""
        loop = asyncio.get_running_loop()
        self._tasks = (loop.create_task(self._watch()), loop.create_task(self._run()))

    def wake(self) -> None:
        """Have the outbox look again: the clock was moved."""
        self._outbox.changed.set()

    async def close(self) -> None:
        """End, once effects that are under way are carried out; what takes too long is for the next start."""
        await self._outbox.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _watch(self) -> None:
        """Have the outbox look again whenever an effect is committed, by whomever."""
        while True:
            try:
                with self._ledger.subscribe() as changes:
                    async for change in changes:
                        if isinstance(change, Reloaded) or any(map(_is_effect, change.events)):
                            self._outbox.changed.set()
                return
            except PassingStorageError:  # the state has what was not read: it is looked at, and followed from there
                self._outbox.changed.set()

    async def _run(self) -> None:
        while True:
            self._outbox.changed.clear()
            due = self._outbox.begin()
            delay = None if due is None else max(0.0, due - self._clock())
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._outbox.changed.wait()  # not `wait_for`: see `agents.scaling`
