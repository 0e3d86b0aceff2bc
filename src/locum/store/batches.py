"""Batches that wait for the disk: calls that are committed together, and the rows of calls that wait for nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from operator import itemgetter

from locum.core.clock import Clock
from locum.core.errors import Fault
from locum.state import Event, State, apply, encode
from locum.state.formats import needed
from locum.state.former import former
from locum.store.checkpoint import Change
from locum.store.journal import AuditRow, Entry

PendingRow = AuditRow | Callable[[], AuditRow]
"""An audit row, or what makes it: called in the writer thread, with the others of its batch."""


class Batch:
    """Calls and rows that are committed together, and who waits for them. `state` is what they lead to.

    `audit` are rows of the calls in the batch, `recorded` those of calls that wait for nothing. `changes` are those
    of its entries, where somebody subscribes to them. `tries` is how often it was handed to the journal, under `id`.
    `ended` is done when the callers are woken; it is there where a call has an id.
    """

    __slots__ = ("audit", "changes", "ended", "entries", "id", "recorded", "state", "tries", "waiters")

    def __init__(self, state: State) -> None:
        self.id = ""
        self.tries = 0
        self.state = state
        self.entries: list[Entry] = []
        self.changes: list[Change] = []
        self.audit: list[AuditRow] = []
        self.recorded: list[PendingRow] = []
        self.waiters: list[asyncio.Future[bool]] = []
        self.ended: asyncio.Future[None] | None = None

    def rows(self) -> list[AuditRow]:
        """All audit rows, in the order of time; the same ones however often it is asked."""
        recorded = [row if isinstance(row, AuditRow) else row() for row in self.recorded]
        self.recorded = list(recorded)
        return sorted([*recorded, *self.audit], key=itemgetter(0))

    def settle(self, result: bool | Fault) -> None:
        """Wake the callers: committed, to be run again, or failed. Those who went away are passed over."""
        if self.ended is not None and not self.ended.done():
            self.ended.set_result(None)
        for waiter in self.waiters:
            if waiter.done():
                continue
            if isinstance(result, Fault):
                waiter.set_exception(result)
            else:
                waiter.set_result(result)


class Gathering:
    """The batch that is open, and the rows that come along with the next one.

    `changing` tells whether changes are to be kept for subscribers. `calls` are the ends of the batches with calls that
    have an id.
    """

    def __init__(self, state: State, clock: Clock, start_soon: Callable[[], None]) -> None:
        self.batch = Batch(state)
        self.rows: list[PendingRow] = []
        self.calls: dict[str, asyncio.Future[None]] = {}
        self.changing = False
        self._clock = clock
        self._start_soon = start_soon

    def join(self, events: Sequence[Event], audit: Sequence[AuditRow], call_id: str = "") -> asyncio.Future[bool]:
        """Have it committed with the next batch. False: it was not, and must be computed again."""
        batch = self.batch
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if events:
            sequence = batch.state.sequence + 1
            taken_back = former(batch.state, events)
            before = encode(taken_back) if taken_back else b""
            entry = Entry(sequence, self._clock(), encode(list(events)), needed(events), call_id, before)
            batch.state = apply(batch.state, events, sequence)
            batch.entries.append(entry)
            if self.changing:
                batch.changes.append(Change(sequence, tuple(events), batch.state))
            if call_id:
                self._under_way(call_id, batch)
        batch.audit.extend(audit)
        batch.waiters.append(waiter)
        self._start_soon()
        return waiter

    def take(self, batch_id: str) -> Batch:
        """The batch as it is, with the rows that are waiting; the next one begins."""
        batch = self.batch
        batch.id = batch_id
        batch.recorded, self.rows = self.rows, []
        self.batch = Batch(batch.state)
        return batch

    def restart(self, state: State) -> Batch:
        """The batch as it is, to be settled: the next one begins with `state`."""
        batch, self.batch = self.batch, Batch(state)
        return batch

    def put_back(self, rows: Sequence[PendingRow]) -> None:
        """Let `rows`, which were not written, wait again, before all others."""
        self.rows = [*rows, *self.rows]

    def _under_way(self, call_id: str, batch: Batch) -> None:
        """Let others with the same id wait for the end of `batch`, also when the caller itself waits no more."""
        if batch.ended is None:
            batch.ended = asyncio.get_running_loop().create_future()
        batch.ended.add_done_callback(lambda _: self.calls.pop(call_id, None))
        self.calls[call_id] = batch.ended
