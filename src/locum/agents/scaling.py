"""Auto Scaling's task: whatever changes groups or instances, and whatever comes due, has groups reconciled.

What a group does is in `agents.scaling_groups`, which is loaded once there is a group.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Final, Protocol

from locum.calls import Calls, Runtime
from locum.core.errors import LocumError, PassingStorageError
from locum.state import (
    AutoScalingGroup,
    Entity,
    Event,
    Instance,
    InstanceRefresh,
    LifecycleHook,
    Removed,
    ScheduledAction,
    State,
    kind_of,
)
from locum.store import Reloaded

RETRY: Final = 5.0
"""Seconds after which groups are looked at again that could not be: the storage did not work."""

_WATCHED: Final[tuple[type[Entity], ...]] = (
    AutoScalingGroup,
    Instance,
    InstanceRefresh,
    LifecycleHook,
    ScheduledAction,
)
_WATCHED_KINDS: Final = frozenset(kind_of(kind) for kind in _WATCHED)
_log: Final = logging.getLogger("locum.agents")


class Groups(Protocol):
    """`agents.scaling_groups.ScalingGroups`."""

    async def reconcile(self) -> float | None:
        """Act until no group has anything to do; when the next one has (epoch seconds), None where none will."""


class AutoScaling:
    """Has the groups reconciled: at the start, whenever one of them may have something to do, and when it is due."""

    def __init__(self, runtime: Runtime, calls: Calls) -> None:
        self._runtime = runtime
        self._calls = calls
        self._changed = asyncio.Event()
        self._groups: Groups | None = None
        self._turn = asyncio.Lock()
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    def start(self) -> None:
        """Begin; what was under way before a restart goes on at once."""
        loop = asyncio.get_running_loop()
        self._tasks = (loop.create_task(self._watch()), loop.create_task(self._run()))

    def wake(self) -> None:
        """Have the groups looked at again: the clock was moved."""
        self._changed.set()

    async def close(self) -> None:
        """End. A launch that is under way goes on with the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def reconcile(self) -> float | None:
        """Act until no group has anything to do; when the next one has, None where none will. Raises Fault."""
        if not any(True for _ in self._runtime.ledger.state.every(AutoScalingGroup)):
            return None
        async with self._turn:
            if self._groups is None:
                made: Callable[[Runtime, Calls], Groups] = import_module("locum.agents.scaling_groups").ScalingGroups
                self._groups = made(self._runtime, self._calls)
            return await self._groups.reconcile()

    async def _watch(self) -> None:
        while True:
            try:
                with self._runtime.ledger.subscribe() as changes:
                    async for change in changes:
                        if isinstance(change, Reloaded) or _concerns(change.events, self._runtime.ledger.state):
                            self._changed.set()
                return
            except PassingStorageError:  # the state has what was not read: it is looked at, and followed from there
                self._changed.set()

    async def _run(self) -> None:
        clock = self._runtime.clock
        while True:
            self._changed.clear()
            try:
                due = await self.reconcile()
            except LocumError as error:
                _log.warning("Auto Scaling goes on later: %s", error)
                due = clock() + RETRY
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else max(0.0, due - clock())):
                    await self._changed.wait()  # not `wait_for`, which forgets that it was canceled where both happen


def _concerns(events: tuple[Event, ...] | list[Event], state: State) -> bool:
    """Whether one of `events` may give a group something to do."""
    if not state.tables.get(kind_of(AutoScalingGroup)):
        return False
    return any(_is_watched(event) for event in events)


def _is_watched(event: Event) -> bool:
    if isinstance(event, Removed):
        return event.kind in _WATCHED_KINDS
    return isinstance(event.entity, _WATCHED)
