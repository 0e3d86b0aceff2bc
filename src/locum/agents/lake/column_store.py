"""The column store of a plane: the events of its event data stores, taken from the event history in steps.

Its file is `lake/events.duckdb` in the data directory. It is caught up before each query, and now and then, before rows
of the history are past their retention. The process that has it is there only while it is used.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from locum.agents.lake.results import make_folder
from locum.agents.lake.selections import earliest, kept, present
from locum.audit.lake.messages import Add, Check, Forget, Ingest, Progress, Query, Reply, Request
from locum.audit.lake.process import Worker
from locum.calls import Runtime
from locum.core.errors import StorageError
from locum.core.lake_statements import stores_named
from locum.state import EventDataStore
from locum.store.journal import AuditQuery, Journal

FOLDER: Final = "lake"
FILE: Final = "events.duckdb"
STEP: Final = 2_000
"""Rows of the history that are taken in at once."""
_UNORDERED: Final = 1_000
"""Rows are nearly in the order of their times: where to begin, so many are looked at again."""

CHECKING, OPENING, TAKING, FORGETTING = 10.0, 120.0, 120.0, 900.0
"""The longest that requests to the process may take, in seconds."""


class ColumnStore:
    """The column store of the plane with the data directory `data`. `lag` is what it lacked when it was last seen."""

    def __init__(self, data: Path, runtime: Callable[[], Runtime], journal: Callable[[], Journal]) -> None:
        self._folder = data / FOLDER
        self._runtime = runtime
        self._journal = journal
        self._worker = Worker(self._folder / FILE)
        self._checker = Worker()
        self._turn = asyncio.Lock()
        self._checks = asyncio.Lock()
        self._position = 0

    async def check(self, statement: str) -> Reply:
        """Whether a statement can be run, and on which stores. Raises WorkerEnded, ConfigurationError."""
        named = set(stores_named(statement))
        every = self._runtime().ledger.state.every(EventDataStore)
        activity = [store.id for store in every if store.id in named and store.activity]
        async with self._checks:
            return await asyncio.to_thread(self._checker.ask, Check(statement, activity), CHECKING)

    async def add(self, rows: list[tuple[str, str, float, str]]) -> int:
        """Give events to stores, durably (`messages.Add`): how many they had not. Raises WorkerEnded, LocumError."""
        async with self._turn:
            await self._opened(await self._newest())
            return _done(await self._ask(Add(rows), TAKING)).rows

    async def query(self, query: Query, seconds: float, over: threading.Event) -> Reply:
        """Run a query on all that has happened before, until `over` is set. Raises WorkerEnded, LocumError."""
        async with self._turn:
            await self._catch_up()
            return await self._ask(query, seconds, over)

    async def lag(self) -> int:
        """How many rows of the history are not yet taken in, at most."""
        return await self._newest() - self._position

    async def catch_up(self) -> None:
        """Take in the rows of the history that have come since. Raises WorkerEnded, LocumError."""
        async with self._turn:
            await self._catch_up()

    async def forget(self) -> None:
        """Delete the events that no store has any more, or all, where there is no store. Raises WorkerEnded."""
        async with self._turn:
            state, now = self._runtime().ledger.state, self._runtime().clock()
            if any(True for _ in present(state, now)):
                _done(await self._ask(Forget(kept(state, now)), FORGETTING))
            else:
                await asyncio.to_thread(self._remove)

    async def rest(self) -> None:
        """End the processes that nobody is using."""
        for turn, worker in ((self._turn, self._worker), (self._checks, self._checker)):
            if worker.running and not turn.locked():
                async with turn:
                    await asyncio.to_thread(worker.close)

    async def close(self) -> None:
        """End the processes, whatever they do."""
        for worker in (self._worker, self._checker):
            worker.kill()
            await asyncio.to_thread(worker.close)

    async def _catch_up(self) -> None:
        runtime, journal = self._runtime(), self._journal()
        newest = await self._newest()
        position = await self._opened(newest) or await self._start()
        while position < newest:
            after = position
            rows = await runtime.ledger.read(lambda: journal.scan(after, STEP))  # noqa: B023 - awaited at once
            if not rows:
                break
            position = rows[-1].position
            # The state of now, after the rows were read: it has every store that one of them can be for.
            selections = kept(runtime.ledger.state, runtime.clock())
            found = [(row.position, row.data) for row in rows]
            _done(await self._ask(Ingest(found, position, selections), TAKING))
        self._position = position

    async def _opened(self, newest: int) -> int:
        """The position up to which rows are taken in, of this installation; 0 where none is."""
        return _done(await self._ask(Progress(self._journal().installation, newest), OPENING)).position

    async def _start(self) -> int:
        """The position from which on rows are taken in, where none was: of the last row before any store had events."""
        runtime, journal = self._runtime(), self._journal()
        since = earliest(kept(runtime.ledger.state, runtime.clock()))
        query = AuditQuery(limit=1, end=runtime.clock() if since is None else since)
        found = await runtime.ledger.read(lambda: journal.find(query))
        return max(0, found[0].position - _UNORDERED) if found else 0

    async def _newest(self) -> int:
        """The position of the last row of the history; 0 where it is empty."""
        found = await self._runtime().ledger.read(lambda: self._journal().find(AuditQuery(limit=1)))
        return found[0].position if found else 0

    async def _ask(self, request: Request, seconds: float, over: threading.Event | None = None) -> Reply:
        make_folder(self._folder)
        return await asyncio.to_thread(self._worker.ask, request, seconds, over)

    def _remove(self) -> None:
        self._worker.close()
        for path in (self._folder / FILE, self._folder / f"{FILE}.wal"):
            path.unlink(missing_ok=True)


def _done(reply: Reply) -> Reply:
    """A reply without an error. Raises StorageError for one with an error."""
    if reply.error:
        raise StorageError(f"the column store: {reply.error}")
    return reply
