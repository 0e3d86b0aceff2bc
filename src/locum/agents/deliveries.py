"""Deliveries: a task that carries out committed effects when they are due."""

from __future__ import annotations

from collections.abc import Sequence

from locum.agents.reconciling import Reconciler
from locum.calls.outbox import Outbox
from locum.core.clock import Clock
from locum.state import Event, PendingEffect, Put
from locum.store import Ledger


def _is_effect(event: Event) -> bool:
    return isinstance(event, Put) and isinstance(event.entity, PendingEffect)


class Deliveries(Reconciler):
    """Has an outbox begin effects: at the start, whenever one is committed, and when the next one is due by `clock`."""

    def __init__(self, outbox: Outbox, ledger: Ledger, clock: Clock) -> None:
        super().__init__(ledger, clock, "the delivery of effects")
        self._outbox = outbox
        self.changed = outbox.changed  # which the outbox sets itself, too

    async def close(self) -> None:
        """End, once effects that are under way are carried out; what takes too long is for the next start."""
        await self._outbox.close()
        await super().close()

    async def reconcile(self) -> float | None:
        return self._outbox.begin()

    def concerns(self, events: Sequence[Event] | None) -> bool:
        return events is None or any(map(_is_effect, events))
