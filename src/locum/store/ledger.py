"""The ledger: owner of the current state, and the only way in which it changes.

1. `state` is what is durable. It is published after the commit, never before.
2. A handler is a pure function of a state. It runs at once, on the tentative state: the published one with
   everything on it that is on its way to the disk. Its answer is given when all of that is durable.
3. While the writer thread commits one batch, calls gather in the next: one fsync for all of them.
4. Another node may have written first (SequenceConflict): the entries that were missed are applied, and
   every handler whose batch did not make it is run again on what is true now.
5. When storage fails, nothing of the batch is published, its callers are told so, and no later call is
   taken: memory and disk may differ until the journal is opened again. The ledger fails closed.

Audit rows of calls that change nothing wait in memory for the next batch, or for `Limits.delay` seconds.

Everything here runs on one event loop, save for what is handed to the writer thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from operator import itemgetter
from typing import Final, Protocol, TypeVar

from locum.core.clock import Clock, system_clock
from locum.core.errors import Fault, StorageError
from locum.state import Event, State, apply, encode
from locum.store import checkpoint
from locum.store.journal import AuditRow, Entry, Journal, SequenceConflict

_log = logging.getLogger("locum.store")


class HasEvents(Protocol):
    """What a handler answers: at least its events (`services.verbs.Outcome` does)."""

    @property
    def events(self) -> Sequence[Event]:
        """What becomes of the state. None: nothing."""
        ...


T = TypeVar("T", bound=HasEvents)
R = TypeVar("R")

_INTERNAL: Final = ("InternalFailure", "The request processing has failed because of an unknown error.", 500)
_UNAVAILABLE: Final = ("ServiceUnavailable", "The request has failed due to a temporary failure of the server.", 503)


@dataclass(frozen=True, slots=True)
class Limits:
    """How the ledger batches and compacts.

    `delay` (seconds) and `rows`: an audit row is written at the latest after one or with the other.
    `buffer`: so many rows waiting make the next one wait for the disk. `checkpoint`: entries after which
    the journal is compacted (more in a large state, where a checkpoint costs more). `keep`: entries that
    compaction leaves for followers. Housekeeping of the event history is due after `maintenance` rows and
    done in the next pause, which is `pause` seconds without a write; after `overdue` rows it waits no more.
    """

    delay: float = 0.05
    rows: int = 500
    buffer: int = 20_000
    checkpoint: int = 2_000
    keep: int = 1_000
    maintenance: int = 4_096
    pause: float = 1.0
    overdue: int = 131_072


PendingRow = AuditRow | Callable[[], AuditRow]
"""An audit row, or what makes it: called in the writer thread, with the others of its batch."""


class _Batch:
    """What goes to the disk together, and who waits for it. `state` is what it leads to.

    `audit` are rows of the calls in the batch, `recorded` those of calls that wait for nothing.
    """

    __slots__ = ("audit", "entries", "recorded", "state", "waiters")

    def __init__(self, state: State) -> None:
        self.state = state
        self.entries: list[Entry] = []
        self.audit: list[AuditRow] = []
        self.recorded: list[PendingRow] = []
        self.waiters: list[asyncio.Future[bool]] = []

    def rows(self) -> list[AuditRow]:
        """All audit rows, in the order of time."""
        return _made([*self.recorded, *self.audit])

    def settle(self, result: bool | Fault) -> None:
        """Wake the callers: committed, to be run again, or failed. Those who went away are passed over."""
        for waiter in self.waiters:
            if waiter.done():
                continue
            if isinstance(result, Fault):
                waiter.set_exception(result)
            else:
                waiter.set_result(result)


class Ledger:
    """See the module. Made by `open`; used on one event loop; `close` it."""

    def __init__(self, journal: Journal, state: State, clock: Clock, limits: Limits) -> None:
        self._journal = journal
        self._state = state
        self._clock = clock
        self._limits = limits
        self._rows: list[PendingRow] = []
        self._batch = _Batch(state)
        self._timer: asyncio.TimerHandle | None = None
        self._pause: asyncio.TimerHandle | None = None
        self._starting = self._writing = self._closed = False
        self._failure = ""
        self._unmaintained = limits.maintenance
        kept = journal.checkpoint()
        self._compacted = 0 if kept is None else kept[0]
        self._compacting: asyncio.Task[None] | None = None
        self._writer = ThreadPoolExecutor(1, "locum-writer")
        self._reader = ThreadPoolExecutor(2, "locum-reader")

    @classmethod
    def open(cls, journal: Journal, clock: Clock = system_clock, limits: Limits = Limits()) -> Ledger:
        """The ledger over `journal`, its state replayed. Blocks. Raises StorageError where it cannot be read."""
        return cls(journal, checkpoint.load(journal), clock, limits)

    @property
    def state(self) -> State:
        """The current state: everything that is durable, nothing that is not."""
        return self._state

    @property
    def failure(self) -> str:
        """Why the ledger takes no more calls; empty while it does."""
        return self._failure

    async def transact(self, handler: Callable[[State], T], audit: Callable[[T | Fault], Sequence[AuditRow]]) -> T:
        """Run `handler`, store its events and `audit(outcome)`, and answer the outcome when both are durable.

        A Fault that `handler` raises is an outcome too: raised here after its audit rows are stored. Both
        functions may run more than once, and must not do anything but compute. Without events, no sequence
        number is used. Raises Fault InternalFailure (500) where storage fails under the call, and
        ServiceUnavailable (503) ever after.
        """
        while True:
            self._refuse_if_failed()
            outcome: T | Fault
            try:
                outcome = handler(self._batch.state)
            except Fault as refused:
                outcome = refused
            events = () if isinstance(outcome, Fault) else outcome.events
            if not await self._store(events, audit(outcome)):
                continue
            if isinstance(outcome, Fault):
                raise outcome
            return outcome

    def record(self, row: PendingRow) -> None:
        """Have `row` written soon. Blocks for the disk when `Limits.buffer` rows are waiting.

        Made in the writer thread, rows cost a fifth of what they cost between two requests: the code that
        makes them stays in the processor's caches for a whole batch.

        Raises ServiceUnavailable where it cannot be: a call that cannot be recorded is not to be answered.
        """
        self._refuse_if_failed()
        self._rows.append(row)
        waiting = len(self._rows)
        if waiting >= self._limits.buffer:
            self._write_now()
        elif waiting >= self._limits.rows:
            self._start_soon()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._limits.delay, self._tick)

    async def flush(self) -> None:
        """Wait until every row recorded so far is written."""
        self._refuse_if_failed()
        if self._rows or self._writing or self._batch.waiters:
            while not await self._store((), ()):
                pass

    async def read(self, query: Callable[[], R]) -> R:
        """What the blocking `query` (a look-up in the journal) answers, run beside the loop after a `flush`."""
        await self.flush()
        return await asyncio.get_running_loop().run_in_executor(self._reader, query)

    async def close(self) -> None:
        """Write what is waiting and close the journal. Idempotent. Raises Fault where that could not be written."""
        if self._closed:
            return
        try:
            if not self._failure:
                await self.flush()
        finally:
            self._closed = True
            self._failure = self._failure or "closed"
            for timer in (self._timer, self._pause):
                if timer is not None:
                    timer.cancel()
            if self._compacting is not None:
                await asyncio.gather(self._compacting, return_exceptions=True)
            self._reader.shutdown()
            self._writer.shutdown()
            self._journal.close()

    # -- gathering ---------------------------------------------------------------------------------------

    def _refuse_if_failed(self) -> None:
        if self._failure:
            raise Fault(*_UNAVAILABLE)

    async def _store(self, events: Sequence[Event], audit: Sequence[AuditRow]) -> bool:
        """Have it committed with the next batch. False: it was not, and must be computed again."""
        batch = self._batch
        if events:
            sequence = batch.state.sequence + 1
            entry = Entry(sequence, self._clock(), encode(list(events)))
            batch.state = apply(batch.state, events, sequence)
            batch.entries.append(entry)
        batch.audit.extend(audit)
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        batch.waiters.append(waiter)
        self._start_soon()
        return await waiter

    def _start_soon(self) -> None:
        """Start writing at the end of this turn of the loop, so that whoever is ready in it comes along."""
        if not self._starting and not self._writing:
            self._starting = True
            asyncio.get_running_loop().call_soon(self._start)

    def _tick(self) -> None:
        self._timer = None
        self._start_soon()

    def _take(self) -> _Batch:
        """The batch as it is, with the rows that are waiting; the next one begins."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch = self._batch
        batch.recorded, self._rows = self._rows, []
        self._batch = _Batch(batch.state)
        return batch

    # -- writing -----------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._starting = False
        if self._failure or self._writing:
            return
        batch = self._take()
        self._run(lambda: self._write(batch), lambda done: self._written(batch, done))

    def _run(self, work: Callable[[], R], then: Callable[[Future[R]], None]) -> None:
        """`work` in the writer thread, `then` back on the loop."""
        self._writing = True
        loop = asyncio.get_running_loop()
        self._writer.submit(work).add_done_callback(lambda done: loop.call_soon_threadsafe(then, done))

    def _write(self, batch: _Batch) -> int:
        """In the writer thread. How many rows were written."""
        rows = batch.rows()
        if batch.entries:
            self._journal.append(batch.entries, rows, batch.entries[0].sequence - 1)
        elif rows:
            self._journal.record(rows)
        return len(rows)

    def _write_now(self) -> None:
        """The buffer is full: the loop itself waits for the disk, which slows everybody down to its speed."""
        rows, self._rows = self._rows, []
        work = self._writer.submit(lambda: self._journal.record(_made(rows)))
        if (error := work.exception()) is not None:
            self._fail(error)
            raise Fault(*_UNAVAILABLE)
        self._unmaintained += len(rows)

    def _written(self, batch: _Batch, done: Future[int]) -> None:
        self._writing = False
        error = done.exception()
        if isinstance(error, SequenceConflict):
            self._catch_up(batch)
            return
        if error is not None:
            self._fail(error, batch)
            return
        self._state = batch.state
        self._unmaintained += done.result()
        batch.settle(True)
        self._continue()

    def _continue(self) -> None:
        """Write what gathered meanwhile; else use the pause."""
        if self._closed or self._failure:
            return
        if self._batch.waiters or (self._rows and self._timer is None) or len(self._rows) >= self._limits.rows:
            self._start_soon()
        elif self._unmaintained >= self._limits.overdue:
            self._maintain()
        else:
            self._compact_if_due()
            if self._unmaintained >= self._limits.maintenance:
                self._await_pause()

    def _await_pause(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        self._pause = asyncio.get_running_loop().call_later(self._limits.pause, self._maintain)

    def _maintain(self) -> None:
        if not (self._writing or self._failure or self._closed):
            now = self._clock()
            self._run(lambda: self._journal.maintain(now), self._maintained)

    def _fail(self, error: BaseException, batch: _Batch | None = None) -> None:
        """Rule 5. What the callers are told is AWS's; what happened is in the log."""
        if not self._failure:
            self._failure = str(error) or type(error).__name__
            _log.error("storage failed, no more calls are taken: %s", self._failure)
        for lost in (batch, self._batch):
            if lost is not None:
                lost.settle(Fault(*_INTERNAL))

    # -- another node was first --------------------------------------------------------------------------

    def _catch_up(self, batch: _Batch) -> None:
        after = self._state.sequence
        self._run(lambda: list(self._journal.read(after)), lambda done: self._caught_up(batch, done))

    def _caught_up(self, batch: _Batch, done: Future[list[Entry]]) -> None:
        self._writing = False
        error = done.exception()
        if error is None:
            try:
                for entry in done.result():
                    self._state = checkpoint.follow(self._state, entry)
            except StorageError as damage:
                error = damage
        if error is not None:
            self._fail(error, batch)
            return
        stale, self._batch = self._batch, _Batch(self._state)
        self._rows = batch.recorded + self._rows
        for lost in (batch, stale):
            lost.settle(False)
        self._continue()

    # -- housekeeping ------------------------------------------------------------------------------------

    def _maintained(self, done: Future[bool]) -> None:
        self._writing = False
        if (error := done.exception()) is not None:
            self._fail(error)
            return
        if not done.result():
            self._unmaintained = 0
        elif not self._rows and not self._batch.waiters:
            self._maintain()
            return
        self._continue()

    def _compact_if_due(self) -> None:
        state = self._state
        due = self._compacted + max(self._limits.checkpoint, checkpoint.size(state) // 4)
        if state.sequence >= due and self._compacting is None:
            self._compacting = asyncio.get_running_loop().create_task(self._compact(state))

    async def _compact(self, state: State) -> None:
        """Encode `state` beside everything else, then store it in one piece."""
        loop = asyncio.get_running_loop()
        try:
            parts = await loop.run_in_executor(self._reader, list, checkpoint.parts(state))
            save, keep = self._journal.save_checkpoint, self._limits.keep
            await loop.run_in_executor(self._writer, save, state.sequence, parts, keep)
            self._compacted = state.sequence
        except StorageError as error:
            self._fail(error)
        finally:
            self._compacting = None


def _made(pending: list[PendingRow]) -> list[AuditRow]:
    """The rows, in the order of time."""
    rows = [row if isinstance(row, AuditRow) else row() for row in pending]
    rows.sort(key=itemgetter(0))
    return rows
