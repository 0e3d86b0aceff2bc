"""Subscriptions to changes: every change once, in order, at the subscriber's own pace.

The newest changes are kept in memory, for all subscribers together, each of which has its own place. One that falls
behind them reads on from the journal; one that falls behind that too is told where to begin anew. So a slow subscriber
costs no more memory than a quick one, and nobody waits for it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Sequence
from itertools import islice
from typing import Final, NamedTuple, Self

from locum.core.errors import StorageError
from locum.state import State
from locum.store.batches import Gathering
from locum.store.checkpoint import Change, changes
from locum.store.journal import Compacted, Journal
from locum.store.workers import Workers

_PAGE: Final = 128
"""Changes read from the journal at once: what a commit may have to wait for is some milliseconds."""


class Reloaded(NamedTuple):
    """The subscriber was so far behind that the changes up to `sequence` are not kept: `state` is what they led to."""

    sequence: int
    state: State


class Subscriptions:
    """The newest changes, and all who read them. On the event loop; `worker` is the thread that reads the journal."""

    def __init__(self, journal: Journal, worker: Workers, gathering: Gathering, state: State, recent: int) -> None:
        self.state = state
        self.ended = False
        self.failure: StorageError | None = None
        self._journal = journal
        self._worker = worker
        self._gathering = gathering
        self._keep = recent
        self._recent: OrderedDict[int, Change] = OrderedDict()
        self._readers: set[Subscription] = set()

    def open(self, since: State | None) -> Subscription:
        """A subscription to what comes after `since`, or else after what is published now."""
        reader = Subscription(self, self.state if since is None else since)
        self._readers.add(reader)
        self._gathering.changing = True
        return reader

    def leave(self, reader: Subscription) -> None:
        """`reader` wants no more."""
        self._readers.discard(reader)
        if not self._readers:
            self._recent.clear()
            self._gathering.changing = False

    def publish(self, state: State, made: Sequence[Change]) -> None:
        """`state` is published. `made` are the changes that led to it, as far as they are known."""
        self.state = state
        if not self._readers:
            return
        for change in made:
            self._recent[change.sequence] = change
        while len(self._recent) > self._keep:
            self._recent.popitem(last=False)
        self._wake()

    def end(self, failure: StorageError | None = None) -> None:
        """Nothing more is published."""
        if not self.ended:
            self.ended, self.failure = True, failure
            self._wake()

    def recent(self, sequence: int) -> Change | None:
        """The change `sequence`, where memory has it."""
        return self._recent.get(sequence)

    async def read(self, state: State) -> list[Change] | Reloaded:
        """The next changes after `state`, from the journal. Raises StorageError."""
        try:
            return await self._worker.ask(lambda: list(islice(changes(self._journal, state), _PAGE)))
        except Compacted:
            return Reloaded(self.state.sequence, self.state)

    def _wake(self) -> None:
        for reader in self._readers:
            reader.wake()


class Subscription:
    """An asynchronous iterator over changes, for one task. Leave its `with` block to end it.

    It stops with the ledger; what was not delivered by then comes to the subscription that begins with the `state` of
    the last delivered one. Raises StorageError where storage failed.
    """

    def __init__(self, source: Subscriptions, state: State) -> None:
        self._source = source
        self._state = state
        self._page: deque[Change] = deque()
        self._news = asyncio.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change | Reloaded:
        while not self._page and self._state.sequence >= self._source.state.sequence:
            if self._source.ended:
                raise self._source.failure or StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        change = self._page.popleft() if self._page else self._source.recent(self._state.sequence + 1)
        found = change or await self._read_on()
        self._state = found.state
        return found

    def wake(self) -> None:
        """There is news."""
        self._news.set()

    def close(self) -> None:
        """Want no more changes. Idempotent."""
        self._source.leave(self)

    async def _read_on(self) -> Change | Reloaded:
        if self._source.ended:
            raise self._source.failure or StopAsyncIteration
        found = await self._source.read(self._state)
        if isinstance(found, Reloaded):
            return found
        self._page.extend(found)
        return self._page.popleft()
