"""Deliveries: a task that carries out committed effects when they are due."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from math import inf
from typing import Final

from locum.agents.reconciling import Reconciler
from locum.calls.outbox import Outbox
from locum.core.clock import Clock
from locum.state import Event, PendingEffect, Put
from locum.store import Ledger

Present = Callable[[Collection[str]], Awaitable[Collection[str]]]
"""Which of some nodes are there. Raises StorageError."""

ASK_AGAIN: Final = 5.0
"""Seconds until it is asked again whether a node is there that effects are left to."""


def _is_effect(event: Event) -> bool:
    return isinstance(event, Put) and isinstance(event.entity, PendingEffect)


class Deliveries(Reconciler):
    """Has an outbox begin effects: at the start, whenever one is committed, and when the next one is due by `clock`.

    Where there are several nodes, `present` tells which of them are there.
    """

    def __init__(self, outbox: Outbox, ledger: Ledger, clock: Clock, present: Present | None = None) -> None:
        super().__init__(ledger, clock, "the delivery of effects")
        self._outbox = outbox
        self._present = present
        self.changed = outbox.changed  # which the outbox sets itself, too

    def start(self) -> None:
        self._outbox.open()
        super().start()

    async def close(self) -> None:
        """End, once effects that are under way are carried out; what takes too long is for the next start."""
        await self._outbox.close()
        await super().close()

    async def reconcile(self) -> float | None:
        if self._present is None or not (others := self._outbox.others()):
            return self._outbox.begin()
        there = await self._present(others)
        due = self._outbox.begin(there)
        return due if not there else min(due or inf, self._clock() + ASK_AGAIN)

    def concerns(self, events: Sequence[Event] | None) -> bool:
        return events is None or any(map(_is_effect, events))
