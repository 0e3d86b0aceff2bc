"""Takes batches to the journal, one at a time, and publishes what they led to.

A batch ends in one of four ways, and its callers learn which:
- it is committed: its state is published;
- another handle was first (SequenceConflict): what it wrote is applied, and the handlers are run again on that;
- storage did not work, tried again and again (PassingStorageError): the callers are refused. Before the next batch is
  taken, the journal is read: it may have the one that nobody got an answer for, which its id tells;
- storage failed otherwise: memory and disk may differ until the journal is opened again, so no later call is taken.

Everything here runs on one event loop, save for what is handed to the writer thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from itertools import count
from typing import Final, TypeVar

from locum.core.clock import Clock
from locum.core.errors import INTERNAL, Fault, PassingStorageError, StorageError
from locum.core.metrics import Histogram
from locum.state import State
from locum.store.batches import Batch, Gathering
from locum.store.checkpoint import CaughtUp, Change, catch_up
from locum.store.journal import AuditRow, Journal, SequenceConflict
from locum.store.limits import Limits
from locum.store.subscriptions import Subscriptions
from locum.store.workers import Workers

UNAVAILABLE: Final = ("ServiceUnavailable", "The request has failed due to a temporary failure of the server.", 503)

_log = logging.getLogger("locum.store")
R = TypeVar("R")


def _nothing() -> None:
    pass


class BatchWriter:
    """The writer of a ledger (see the module). `name` tells it from every other writer of the journal.

    `state` is the published one. `failure` says why no more calls are taken, `trouble` why the last ones were refused;
    with either of them `barred` is set: what cannot be recorded is not to be answered. `unmaintained` are the rows
    written since the last housekeeping, which begins with a call of `at_rest`, when nothing is waiting to be written.
    `delay` runs while rows wait for no more than its end. `bells` are rung when rows were written. `published` is
    called when there is another state. `commits` are the times that batches took.
    """

    def __init__(self, journal: Journal, state: State, clock: Clock, limits: Limits, name: str) -> None:
        self.state = state
        self.failure = self.trouble = ""
        self.barred = self.busy = False
        self.unmaintained = limits.maintenance
        self.delay: asyncio.TimerHandle | None = None
        self.at_rest: Callable[[], None] = _nothing
        self.published: Callable[[], None] = _nothing
        self.bells: set[asyncio.Event] = set()
        self.thread = Workers(1, "locum-writer", limits)
        self.gathering = Gathering(state, clock, self.start_soon)
        self.commits = Histogram()
        self.subscriptions = Subscriptions(journal, self.thread, self.gathering, state, limits.recent)
        self._journal = journal
        self._limits = limits
        self._ids = (f"{name}.{number}" for number in count(1))
        self._known = state.sequence
        self._begun = 0.0
        self._unsure: Batch | None = None
        self._starting = self._unread = False
        self._has_read = False
        """Whether the journal was read last: what others wrote and rows that wait here take turns."""
        self._next_probe: asyncio.TimerHandle | None = None

    # -- from the ledger ---------------------------------------------------------------------------------

    def start_soon(self) -> None:
        """Start writing at the end of this turn of the loop, so that whoever is ready in it comes along."""
        if not self._starting and not self.busy:
            self._starting = True
            asyncio.get_running_loop().call_soon(self._start)

    def start_later(self) -> None:
        """Start writing when `Limits.delay` is over."""
        self.delay = asyncio.get_running_loop().call_later(self._limits.delay, self._delayed)

    def write_now(self) -> None:
        """The buffer is full: the loop itself waits for the disk, which slows everybody down to its speed.

        Raises Fault where the rows could not be written.
        """
        batch = Batch(self.state)
        batch.recorded, self.gathering.rows = self.gathering.rows, []
        try:
            self._ring(self.thread.now(lambda: self._record(batch.rows())))
        except PassingStorageError as error:
            self.gathering.put_back(batch.recorded)
            self._suspend(error)
            raise Fault(*UNAVAILABLE) from error
        except StorageError as error:
            self.fail(error)
            raise Fault(*UNAVAILABLE) from error

    def heard(self, last: int) -> None:
        """The journal's last sequence number is `last`, whoever wrote it."""
        self._known = max(self._known, last)
        if self._behind:
            self.start_soon()

    def run(self, work: Callable[[], R], then: Callable[[Future[R]], None]) -> None:
        """`work` in the writer thread, while calls gather; `then` back on the loop."""
        self.busy = True

        def idle(done: Future[R]) -> None:
            self.busy = False
            then(done)

        self.thread.run(work, idle)

    def go_on(self) -> None:
        """Write what gathered meanwhile; else rest."""
        if self.failure:
            return
        rows = len(self.gathering.rows)
        due = rows >= self._limits.rows or (rows > 0 and self.delay is None)
        if due or self.gathering.batch.waiters or self._behind or self.trouble:
            self.start_soon()
        else:
            self.at_rest()

    def fail(self, error: BaseException, *lost: Batch) -> None:
        """Storage failed for good. What the callers are told is AWS's; what happened is in the log."""
        for batch in (*lost, self.gathering.batch):
            batch.settle(Fault(*INTERNAL))
        if not self.failure:
            _log.error("storage failed, no more calls are taken: %s", error)
            self.end(str(error) or type(error).__name__)
            self.subscriptions.end(StorageError(self.failure))

    def end(self, why: str) -> None:
        """Take no more calls, and refuse those that wait."""
        self.failure = self.failure or why
        self.barred = True
        self.gathering.batch.settle(Fault(*UNAVAILABLE))
        for timer in (self.delay, self._next_probe):
            if timer is not None:
                timer.cancel()

    # -- a batch -----------------------------------------------------------------------------------------

    @property
    def _behind(self) -> bool:
        return self._known > self.state.sequence

    def _delayed(self) -> None:
        self.delay = None
        self.start_soon()

    def _start(self) -> None:
        self._starting = False
        if self.failure or self.busy:
            return
        gathering = self.gathering
        if self._unread or (self._behind and not gathering.batch.waiters and not (gathering.rows and self._has_read)):
            self._catch_up()
            return
        self._has_read = False
        if self.delay is not None:
            self.delay.cancel()
            self.delay = None
        batch = gathering.take(next(self._ids))
        self._begun = asyncio.get_running_loop().time()
        self.run(lambda: self._write(batch), lambda done: self._written(batch, done))

    def _write(self, batch: Batch) -> int:
        """In the writer thread. How many rows were written."""
        rows = batch.rows()
        batch.tries += 1
        if batch.entries:
            self._journal.append(batch.entries, rows, batch.entries[0].sequence - 1, batch.id)
            return len(rows)
        self._journal.leave_precedence()
        if batch.waiters and not self._journal.exclusive and self._journal.last() != batch.state.sequence:
            raise SequenceConflict(f"{batch.state.sequence} is not the last entry any more")
        return self._record(rows)

    def _record(self, rows: Sequence[AuditRow]) -> int:
        """In the writer thread. How many rows were written."""
        if rows:
            self._journal.record(rows)
        return len(rows)

    def _written(self, batch: Batch, done: Future[int]) -> None:
        error = done.exception()
        if error is None:
            self.commits.add(asyncio.get_running_loop().time() - self._begun)
            self._ring(done.result())
            self._publish(batch.state, batch.changes)
            batch.settle(True)
            if self.trouble:
                self._resume()
            self.go_on()
        elif isinstance(error, SequenceConflict):
            self._catch_up(batch)
        elif isinstance(error, PassingStorageError):
            if batch.entries:
                self._unsure = batch
            else:
                self.gathering.put_back(batch.recorded)
            self._give_up(error, batch)
        else:
            self.fail(error, batch)

    def _ring(self, rows: int) -> None:
        """So many rows were written."""
        self.unmaintained += rows
        if rows:
            for bell in self.bells:
                bell.set()

    def _publish(self, state: State, changes: Sequence[Change]) -> None:
        self.state = state
        self.published()
        self.subscriptions.publish(state, changes)

    # -- storage does not work for a while ---------------------------------------------------------------

    def _give_up(self, error: PassingStorageError, *lost: Batch) -> None:
        """Refuse the callers of the batches that are `lost`, and of the one that is built on them."""
        self._suspend(error)
        for batch in (*lost, self.gathering.restart(self.state)):
            batch.settle(Fault(*UNAVAILABLE))

    def _suspend(self, error: PassingStorageError) -> None:
        """Answer nothing that is not durable until storage works again. It is tried by every call, and now and then."""
        if not self.trouble:
            _log.warning("storage does not work, calls are refused until it does: %s", error)
        self.trouble, self.barred, self._unread = str(error), True, True
        if self._next_probe is None:
            self._next_probe = asyncio.get_running_loop().call_later(self._limits.probe, self._probe)

    def _probe(self) -> None:
        self._next_probe = None
        if self.trouble:
            self.start_soon()

    def _resume(self) -> None:
        _log.warning("storage works again")
        self.trouble, self.barred = "", bool(self.failure)

    # -- the journal has what is not known here ----------------------------------------------------------

    def _catch_up(self, refused: Batch | None = None) -> None:
        """Read what is new in the journal. `refused` is a batch that it did not take for that reason.

        What is computed anew then is to be taken before others come first again.
        """
        self._has_read = True
        journal, state, unsure, recent = self._journal, self.state, self._unsure, self._limits.recent

        def work() -> tuple[CaughtUp, bool]:
            if refused is not None and refused.entries:
                with suppress(PassingStorageError):
                    journal.take_precedence()
            return catch_up(journal, state, recent), unsure is None or journal.settled(unsure.id) is not None

        self.run(work, lambda done: self._caught_up(refused, done))

    def _caught_up(self, refused: Batch | None, done: Future[tuple[CaughtUp, bool]]) -> None:
        lost = () if refused is None else (refused,)
        for batch in lost:
            self.gathering.put_back(batch.recorded)
        error = done.exception()
        if isinstance(error, PassingStorageError):
            self._give_up(error, *lost)
            return
        if error is not None:
            self.fail(error, *lost)
            return
        caught, settled = done.result()
        if self._unsure is not None and not settled:
            self.gathering.put_back(self._unsure.recorded)
        self._unsure, self._unread = None, False
        self._adopt(caught, refused)
        self.go_on()

    def _adopt(self, caught: CaughtUp, refused: Batch | None) -> None:
        """Publish what was read, and have all that was computed on an older state computed again."""
        if caught.state is self.state and refused is None:
            return
        stale = self.gathering.restart(caught.state)
        self._publish(caught.state, caught.changes)
        stale.settle(False)
        if refused is not None:
            # One that was handed over before may have been written and compacted away: nobody can tell any more.
            refused.settle(Fault(*INTERNAL) if caught.reloaded and refused.tries > 1 else False)
            self.start_soon()  # behind those who compute anew: also where none of them does
