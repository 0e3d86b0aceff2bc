"""The outbox: committed effects, carried out once each at a time, those of one lane in the order of their commits.

An effect that failed is tried again when its time has come, and holds up no other. Time is the clock of the runtime:
`step` carries out what is due, and tells when the next effect will be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from locum.calls.runtime import Runtime
from locum.core.actors import account_of
from locum.core.calls import Effect
from locum.state import PendingEffect

CarryOut = Callable[[PendingEffect], Awaitable[None]]

AT_ONCE: Final = 16
"""Effects that are carried out at the same time."""

PATIENCE: Final = 5.0
"""Seconds that a plane which stops waits for effects that are under way."""


class Outbox:
    """Carries out the pending effects of the state. `changed` is set when there may be more of them."""

    def __init__(self, runtime: Runtime, carry_out: CarryOut) -> None:
        self._runtime = runtime
        self._carry_out = carry_out
        self._under_way: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._room = asyncio.Semaphore(AT_ONCE)
        self._closing = False
        self.changed = asyncio.Event()

    async def committed(self, effects: Sequence[Effect]) -> None:
        """Note effects that were committed, and carry out now those that are awaited, whatever becomes of them."""
        self.changed.set()
        for effect in effects:
            account = account_of(effect.call.actor)
            entry = self._runtime.ledger.state.get(PendingEffect, account, effect.id) if effect.awaited else None
            if entry is not None:
                await asyncio.shield(self._task(entry))

    async def step(self) -> float | None:
        """Carry out all effects that are due. When the next one is (epoch seconds); None: there is none.

        Raises what storage raises; the effects are still there then.
        """
        now = self._runtime.clock()
        lanes: dict[str, list[PendingEffect]] = {}
        for entry in sorted(self._pending(), key=lambda entry: (entry.sequence, entry.position)):
            if entry.due <= now:
                lanes.setdefault(entry.lane or entry.id, []).append(entry)
        await asyncio.gather(*map(self._in_turn, lanes.values()))
        return min((entry.due for entry in self._pending()), default=None)

    async def close(self) -> None:
        """Begin nothing more, and wait for what is under way; what takes long is left for the next start."""
        self._closing = True
        if tasks := list(self._under_way.values()):
            _, late = await asyncio.wait(tasks, timeout=PATIENCE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _pending(self) -> list[PendingEffect]:
        return list(self._runtime.ledger.state.every(PendingEffect))

    async def _in_turn(self, entries: Sequence[PendingEffect]) -> None:
        for entry in entries:
            if not self._closing:
                await self._task(entry)

    def _task(self, entry: PendingEffect) -> asyncio.Task[None]:
        """The task that carries `entry` out: begun now, or under way already."""
        key = entry.account, entry.id
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.ensure_future(self._carried_out(entry))
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return task

    async def _carried_out(self, entry: PendingEffect) -> None:
        async with self._room:
            await self._carry_out(entry)
