"""Deliveries: a task that carries out committed effects when they are due."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from locum.calls.outbox import Outbox
from locum.core.clock import Clock


class Deliveries:
    """Has an outbox begin effects: at the start, whenever one is committed, and when the next one is due by `clock`."""

    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; what was committed before a restart is carried out at once."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """End, once effects that are under way are carried out; what takes too long is for the next start."""
        await self._outbox.close()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            self._outbox.changed.clear()
            due = self._outbox.begin()
            delay = None if due is None else max(0.0, due - self._clock())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._outbox.changed.wait(), delay)
