"""The outbox: committed effects, carried out once each at a time, those of one lane in the order of their commits.

An effect that failed is tried again when its time has come; until then, as while it takes long, it holds up those
behind it in its lane, and no others. Time is the clock of the runtime: `begin` begins what is due, and tells when the
next effect will be.

Of several nodes one delivers. An effect whose caller waits for it is begun by the node that committed it, which sees it
through for as long as it is there: until it is done, given up, or put off, when it is for whichever node delivers.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Coroutine, Sequence
from functools import partial
from typing import Any, Final

from locum.calls.effects import still_pending
from locum.calls.runtime import Runtime
from locum.core.calls import Effect
from locum.state import PendingEffect

CarryOut = Callable[[PendingEffect], Coroutine[Any, Any, None]]

AT_ONCE: Final = 16
"""Effects of one account that are carried out at the same time: so many with a lane, and so many without one.

Those without are invocations of functions, which may take a quarter of an hour each."""

PATIENCE: Final = 5.0
"""Seconds that a plane which stops waits for effects that are under way."""

AFTER_FAILURE: Final = 1.0
"""Seconds until an effect is begun again whose outcome storage did not take."""

_log: Final = logging.getLogger("locum.calls")


class Outbox:
    """Carries out the pending effects of the state. `changed` is set when there may be more of them."""

    def __init__(self, runtime: Runtime, carry_out: CarryOut) -> None:
        self._runtime = runtime
        self._carry_out = carry_out
        self._under_way: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._rooms: defaultdict[tuple[str, bool], asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE))
        self._closing = self._ended = False
        self.changed = asyncio.Event()

    async def committed(self, effects: Sequence[Effect]) -> None:
        """Carry out now those of committed effects that are awaited, whatever becomes of them."""
        for effect in effects:
            account, state = effect.call.actor.account, self._runtime.ledger.state
            entry = state.get(PendingEffect, account, effect.id) if effect.awaited else None
            if entry is not None:
                try:
                    await asyncio.wait([self._task(entry)])  # what it raises is for its lane: its cause is committed
                finally:
                    self._see_through(entry)

    def open(self) -> None:
        """Deliver (again), after `close`."""
        self._closing = False

    def others(self) -> frozenset[str]:
        """The other nodes that pending effects are left to, if they are there."""
        own = "", self._runtime.node
        return frozenset(it.node for it in self._runtime.ledger.state.every(PendingEffect) if it.node not in own)

    def begin(self, others: Collection[str] = ()) -> float | None:
        """Begin all effects that are due, where their lanes are free. When the next one is (epoch seconds), or None.

        Those of `others`, which are nodes, are left to them. `changed` is set when a lane may have more to begin.
        """
        if self._closing:
            return None
        now = self._runtime.clock()
        due: dict[str, list[PendingEffect]] = {}
        later: dict[str, float] = {}
        left: set[str] = set()
        pending = self._runtime.ledger.state.every(PendingEffect)
        for entry in sorted(pending, key=lambda entry: (entry.sequence, entry.position)):
            lane = _lane(entry)
            if lane in self._lanes or lane in later or lane in left:
                continue
            if entry.node in others:
                left.add(lane)
            elif entry.due > now >= entry.created:  # not so where the clock was moved back since
                later[lane] = entry.due
            else:
                due.setdefault(lane, []).append(entry)
        for lane, entries in due.items():
            task = self._lanes[lane] = asyncio.ensure_future(self._in_turn(entries))
            task.add_done_callback(partial(self._free, entries[0]))
        return min(later.values(), default=None)

    async def step(self) -> float | None:
        """Carry out all effects that are due. When the next one is, as `begin` tells.

        Raises what storage raises; the effects are still there then.
        """
        later = self.begin()
        while self._lanes:
            await asyncio.gather(*self._lanes.values())
            later = self.begin()
        return later

    async def close(self) -> None:
        """Begin nothing more, and wait for what is under way; what takes long is left for the next start."""
        self._closing = True
        if tasks := list(self._under_way.values()):
            _, late = await asyncio.wait(tasks, timeout=PATIENCE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def end(self) -> None:
        """Close it for good: what is left is for others from now on."""
        self._ended = True
        await self.close()

    async def _in_turn(self, entries: Sequence[PendingEffect]) -> None:
        for entry in entries:
            async with self._rooms[entry.account, bool(entry.lane)]:  # not in `_task`: one that is awaited needs none
                if not self._closing:
                    await self._task(entry)
            if still_pending(self._runtime.ledger.state, entry) is not None:
                break  # put off, or left for the next start: those behind it wait

    def _free(self, first: PendingEffect, task: asyncio.Task[None]) -> None:
        """Free the lane whose entries from `first` on were carried out by `task`, put off, or not taken by storage."""
        del self._lanes[_lane(first)]
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.warning("effects are waiting: %s", error)
            asyncio.get_running_loop().call_later(AFTER_FAILURE, self.changed.set)
        elif first.lane or still_pending(self._runtime.ledger.state, first) is not None:
            self.changed.set()

    def _see_through(self, entry: PendingEffect) -> None:
        """Begin an effect again, soon, that the others leave to this node, and whose outcome storage did not take."""
        runtime = self._runtime
        left = still_pending(runtime.ledger.state, entry)
        if runtime.node and left is not None and left.node == runtime.node and not self._ended:
            asyncio.get_running_loop().call_later(AFTER_FAILURE, self._again, left)

    def _again(self, entry: PendingEffect) -> None:
        if not self._ended:
            self._task(entry).add_done_callback(lambda _: self._see_through(entry))

    def _task(self, entry: PendingEffect) -> asyncio.Task[None]:
        """The task that carries `entry` out: begun now, or under way already."""
        key = entry.account, entry.id
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.ensure_future(self._carry_out(entry))
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return task


def _lane(entry: PendingEffect) -> str:
    return entry.lane or entry.id
