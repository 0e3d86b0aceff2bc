"""The ledger: owner of the current state, and the only way in which it changes.

1. `state` is what is durable. It is published after the commit, never before.
2. A handler is a pure function of a state. It runs at once, on the tentative state: the published one with
   everything on it that is on its way to the disk. Its answer is given when all of that is durable.
3. While the writer thread commits one batch, calls gather in the next: one fsync for all of them.
4. Another handle may have written first (SequenceConflict): the entries that were missed are applied, and every
   handler whose batch did not make it is run again on what is true now. What a handler answers without a change, a
   refusal above all, is answered only if nobody else had changed anything before it was.
5. A passing fault of storage is tried again for a while. Then its callers are refused, and later calls are taken as
   soon as storage works: what the journal has is read first. When storage fails otherwise, nothing of the batch is
   published, its callers are told so, and no later call is taken. The ledger fails closed.

6. What is answered on a state alone is answered on one that is not old (`fresh`): a ledger that follows a journal and
   hears nothing of it for `Limits.stale` seconds refuses all calls, until it does.

Audit rows of calls that change nothing wait in memory for the next batch, or for `Limits.delay` seconds.

Everything here runs on one event loop, save for what is handed to threads.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Protocol, TypeVar

from locum.core.clock import Clock, Entropy, system_clock, system_entropy, system_uptime
from locum.core.errors import Fault, LocumError, PassingStorageError
from locum.core.metrics import Histogram
from locum.state import FORMAT, Event, State
from locum.state.formats import needed
from locum.store.batches import PendingRow
from locum.store.checkpoint import load
from locum.store.compaction import Compaction
from locum.store.following import Following
from locum.store.freshness import Freshness
from locum.store.housekeeping import Housekeeping
from locum.store.journal import AuditRow, Journal
from locum.store.limits import Limits
from locum.store.past import state_at
from locum.store.subscriptions import Subscription
from locum.store.workers import Workers
from locum.store.writer import UNAVAILABLE, BatchWriter

_log = logging.getLogger("locum.store")


class HasEvents(Protocol):
    """The answer of a handler: at least its events (`services.verbs.Outcome` has them)."""

    @property
    def events(self) -> Sequence[Event]:
        """The events that change the state; none where nothing changes."""
        ...


T = TypeVar("T", bound=HasEvents)
R = TypeVar("R")


class AlreadyCommitted(LocumError):
    """A call with this id is in the journal, as entry `sequence`. Nothing was done again."""

    def __init__(self, call_id: str, sequence: int) -> None:
        super().__init__(f"the call {call_id} is journal entry {sequence}")
        self.sequence = sequence


class Ledger:
    """The current state and its transactions (see the module). Made by `open`, used on one event loop, to be closed."""

    def __init__(
        self, journal: Journal, state: State, clock: Clock, limits: Limits, name: str, uptime: Clock = system_uptime
    ) -> None:
        self._journal = journal
        self.shared = not journal.exclusive
        """Whether others may write to the journal, so that `state` may be behind it."""
        self._limits = limits
        self._clock = clock
        self._reader = Workers(2, "locum-reader", limits)
        self._writer = BatchWriter(journal, state, clock, limits, name)
        self._gathering = self._writer.gathering
        compaction = Compaction(journal, limits, self._writer.thread, self._reader, name)
        self._housekeeping = Housekeeping(journal, clock, limits, self._writer, compaction)
        self._uptime = uptime
        self._following: Following | None = None
        self._freshness: Freshness | None = None
        self._asking: asyncio.Task[None] | None = None
        self._asked_at = 0.0
        self._closed = False
        self.consequences: Callable[[State, Sequence[Event]], Sequence[Event]] | None = None
        """The further events that follow from the events of a transaction, committed with them; it only computes."""
        self._format = FORMAT
        self._told_too_new = False

    @classmethod
    def open(
        cls,
        journal: Journal,
        clock: Clock = system_clock,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        entropy: Entropy = system_entropy,
        uptime: Clock = system_uptime,
    ) -> Ledger:
        """The ledger over `journal`, its state replayed. Blocks. Raises StorageError where it cannot be read."""
        return cls(journal, load(journal), clock, limits, entropy(8).hex(), uptime)

    @property
    def state(self) -> State:
        """The current state: everything that is durable, nothing that is not."""
        return self._writer.state

    @property
    def failure(self) -> str:
        """The reason why the ledger takes no more calls, or refused the last ones; empty while it works."""
        return self._writer.failure or self._writer.trouble

    @property
    def ended(self) -> bool:
        """Whether it takes no more calls, whatever becomes of the storage."""
        return bool(self._writer.failure)

    @property
    def commits(self) -> Histogram:
        """The seconds that batches took from when they were closed until they were durable and published."""
        return self._writer.commits

    @property
    def waiting(self) -> int:
        """The rows and calls that wait to be written."""
        return len(self._gathering.rows) + len(self._gathering.batch.waiters)

    @property
    def stale(self) -> bool:
        """Whether `state` is older than it may be. Never so where the journal is exclusive, or is not followed."""
        return self._freshness is not None and self._freshness.stale

    @property
    def served(self) -> State:
        """The current state, to answer on. Raises ServiceUnavailable (503) where it is stale."""
        if self.stale:
            raise Fault(*UNAVAILABLE)
        return self.state

    @property
    def age(self) -> float:
        """Seconds since `state` was certainly current; 0 where it always is, infinite where that is not known yet."""
        return 0.0 if self._freshness is None else self._freshness.age

    def allow(self, newest: int) -> None:
        """Refuse from now on what takes a newer format than `newest`, as others read the journal who know none."""
        self._format = newest
        self._told_too_new = False

    def follow(self) -> None:
        """Begin to see what other handles of the journal write, soon after they do. Idempotent.

        From now on the state is stale until the journal was heard of. Costs nothing where the journal is exclusive:
        there is nobody else.
        """
        if self.shared and self._following is None:
            writer, uptime = self._writer, self._uptime
            self._freshness = Freshness(lambda: writer.state.sequence, self._limits.stale, uptime)
            writer.published = self._freshness.reached
            told = self._freshness, uptime, writer.heard, writer.fail
            self._following = Following(self._journal, self._limits, *told)
            self._following.start(self.state.sequence)

    def subscribe(self, since: State | None = None) -> Subscription:
        """Every change after `since` (None: after the current state), each once, in order, whoever makes it.

        Changes of other handles come as soon as they are seen here: `follow` sees to that.
        """
        return self._writer.subscriptions.open(since)

    @contextmanager
    def recording(self) -> Iterator[asyncio.Event]:
        """An event that is set whenever audit rows were written by this handle, for as long as the block runs."""
        bell = asyncio.Event()
        self._writer.bells.add(bell)
        try:
            yield bell
        finally:
            self._writer.bells.discard(bell)

    async def current(self) -> State:
        """A state that nobody had changed when it was asked for: what a refusal is to be decided on.

        Answers at once where the journal is exclusive. Raises ServiceUnavailable (503).
        """
        self._refuse_if_failed()
        if self.shared:
            await self._written()
        return self.state

    async def fresh(self) -> State:
        """The state, where it is not stale; else what the journal answers now to the question for it.

        Raises ServiceUnavailable (503) where it does not answer within `Limits.ask`. One question is asked for all, and
        while it is open for longer than that, everybody is refused at once.
        """
        if self.stale:
            await self._asked()
        return self.state

    async def reached(self, sequence: int) -> State:
        """The state, with the entry `sequence` in it where the journal has that.

        Raises ServiceUnavailable (503) where the journal does not tell within `Limits.stale`.
        """
        if self.state.sequence < sequence and self.shared:
            try:
                async with asyncio.timeout(self._limits.stale):
                    await self.current()
            except TimeoutError:
                raise Fault(*UNAVAILABLE) from None
        return self.state

    async def transact(
        self, handler: Callable[[State], T], audit: Callable[[T | Fault], Sequence[AuditRow]], call_id: str = ""
    ) -> T:
        """Run `handler`, store its events and `audit(outcome)`, and answer the outcome when both are durable.

        A Fault that `handler` raises is an outcome too: raised here after its audit rows are stored. Both
        functions may run more than once, and must not do anything but compute. Without events, no sequence
        number is used.

        Where the caller may come again, because it got no answer, `call_id` tells that it is the same call: what it
        changes is changed once. Raises AlreadyCommitted the second time, for as long as the entry is kept.

        Raises Fault ServiceUnavailable (503) where storage does not work at the moment, or what is changed is not for
        older nodes to read that are there, and InternalFailure (500) where it fails under the call, and
        ServiceUnavailable ever after.
        """
        while True:
            if call_id:
                await self._refuse_if_committed(call_id)
            self._refuse_if_failed()
            outcome: T | Fault
            state = self._gathering.batch.state
            try:
                outcome = handler(state)
            except Fault as refused:
                outcome = refused
            events: Sequence[Event] = () if isinstance(outcome, Fault) else outcome.events
            if events and self.consequences is not None:
                events = (*events, *self.consequences(state, events))
            self._refuse_if_too_new(events)
            if not await self._gathering.join(events, audit(outcome), call_id):
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
        self.admit()
        writer, rows = self._writer, self._gathering.rows
        rows.append(row)
        waiting = len(rows)
        if waiting >= self._limits.buffer:
            writer.write_now()
        elif waiting >= self._limits.rows:
            writer.start_soon()
        elif writer.delay is None:
            writer.start_later()

    def admit(self) -> None:
        """Refuse whatever could not be recorded now: raises ServiceUnavailable while storage does not work.

        Storage that did not work is tried again soon.
        """
        if self._writer.barred:
            self._refuse_if_failed()
            self._writer.start_soon()
            raise Fault(*UNAVAILABLE)

    async def flush(self) -> None:
        """Wait until every row recorded so far is written."""
        self._refuse_if_failed()
        writer, gathering = self._writer, self._gathering
        if gathering.rows or writer.busy or gathering.batch.waiters or writer.trouble:
            await self._written()

    async def read(self, query: Callable[[], R]) -> R:
        """Run the blocking `query` (a look-up in the journal) beside the loop, after a `flush`.

        Raises ServiceUnavailable where storage does not work at the moment.
        """
        await self.flush()
        return await self._ask(query)

    async def state_at(self, at: float) -> State:
        """The state at the time `at` (epoch seconds): see `store.past`. Raises Forgotten, ServiceUnavailable."""
        state = self.state
        return state if at >= self._clock() else await self._ask(partial(state_at, self._journal, state, at))

    async def hold(self, after: int | None) -> None:
        """Keep audit rows past their retention: see `Journal.hold`. Raises ServiceUnavailable."""
        try:
            await self._writer.thread.ask(lambda: self._journal.hold(after))
        except PassingStorageError as error:
            raise Fault(*UNAVAILABLE) from error

    async def committed(self, call_id: str) -> int | None:
        """The sequence number of the entry that a call with this id made, or None."""
        return await self._ask(lambda: self._journal.settled(call_id))

    async def close(self) -> None:
        """Write what is waiting and close the journal. Idempotent. Raises Fault where that could not be written."""
        if self._closed:
            return
        try:
            if not self._writer.failure:
                await self.flush()
        finally:
            self._closed = True
            self._writer.end("closed")
            self._writer.subscriptions.end()
            if self._asking is not None:
                self._asking.cancel()
            if self._following is not None:
                self._following.close()
            await self._housekeeping.close()
            self._reader.close()
            self._writer.thread.close()
            self._journal.close()

    def _refuse_if_failed(self) -> None:
        if self._writer.failure:
            raise Fault(*UNAVAILABLE)

    async def _asked(self) -> None:
        """Have the journal asked for a current state, and wait for `Limits.ask` in all."""
        if self._asking is None or self._asking.done():
            self._asking, self._asked_at = asyncio.create_task(self._prove()), self._uptime()
        left = self._asked_at + self._limits.ask - self._uptime()
        if left > 0:
            await asyncio.wait([self._asking], timeout=left)
        if self.stale:
            raise Fault(*UNAVAILABLE)

    async def _prove(self) -> None:
        """Ask the journal for a current state; in vain where storage does not work."""
        asked = self._uptime()
        with suppress(Fault):
            state = await self.current()
            if self._freshness is not None:
                self._freshness.told(asked, state.sequence)

    def _refuse_if_too_new(self, events: Sequence[Event]) -> None:
        if self._format < FORMAT and needed(events) > self._format:
            if not self._told_too_new:
                _log.warning("calls are refused, as an older Locum that shares the journal could not read what they do")
            self._told_too_new = True
            raise Fault(*UNAVAILABLE)

    async def _written(self) -> None:
        """Wait until all that is waiting now is written, after a state that is current."""
        while not await self._gathering.join((), ()):
            self._refuse_if_failed()

    async def _refuse_if_committed(self, call_id: str) -> None:
        """Let the same call go first where it is under way; raise AlreadyCommitted where it is in the journal."""
        while True:
            sequence = await self.committed(call_id)
            if sequence is not None:
                raise AlreadyCommitted(call_id, sequence)
            if (ended := self._gathering.calls.get(call_id)) is None:
                return
            await asyncio.wait([ended])

    async def _ask(self, query: Callable[[], R]) -> R:
        try:
            return await self._reader.ask(query)
        except PassingStorageError as error:
            raise Fault(*UNAVAILABLE) from error
