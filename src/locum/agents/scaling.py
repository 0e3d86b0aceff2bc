"""Auto Scaling's task: whatever changes groups or instances, and whatever comes due, has groups reconciled.

What a group does is in `agents.scaling_groups`, which is loaded once there is a group.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final, Protocol

from locum.agents.reconciling import Reconciler
from locum.calls import Calls, Runtime
from locum.state import (
    AutoScalingGroup,
    Entity,
    Event,
    Instance,
    InstanceRefresh,
    LifecycleHook,
    Removed,
    ScheduledAction,
    kind_of,
)

_WATCHED: Final[tuple[type[Entity], ...]] = (
    AutoScalingGroup,
    Instance,
    InstanceRefresh,
    LifecycleHook,
    ScheduledAction,
)
_WATCHED_KINDS: Final = frozenset(kind_of(kind) for kind in _WATCHED)


class Groups(Protocol):
    """`agents.scaling_groups.ScalingGroups`."""

    async def reconcile(self) -> float | None:
        """Act until no group has anything to do; when the next one has (epoch seconds), None where none will."""


class AutoScaling(Reconciler):
    """Has the groups reconciled: at the start, whenever one of them may have something to do, and when it is due.

    A launch that is under way at the end goes on with the next start.
    """

    def __init__(self, runtime: Runtime, calls: Calls) -> None:
        super().__init__(runtime.ledger, runtime.clock, "Auto Scaling")
        self._runtime = runtime
        self._calls = calls
        self._groups: Groups | None = None
        self._turn = asyncio.Lock()

    async def reconcile(self) -> float | None:
        """Act until no group has anything to do; when the next one has, None where none will. Raises Fault."""
        if not any(True for _ in self._runtime.ledger.state.every(AutoScalingGroup)):
            return None
        async with self._turn:
            if self._groups is None:
                made: Callable[[Runtime, Calls], Groups] = import_module("locum.agents.scaling_groups").ScalingGroups
                self._groups = made(self._runtime, self._calls)
            return await self._groups.reconcile()

    def concerns(self, events: Sequence[Event] | None) -> bool:
        if events is None:
            return True
        return bool(self._ledger.state.tables.get(kind_of(AutoScalingGroup))) and any(map(_is_watched, events))


def _is_watched(event: Event) -> bool:
    if isinstance(event, Removed):
        return event.kind in _WATCHED_KINDS
    return isinstance(event.entity, _WATCHED)
