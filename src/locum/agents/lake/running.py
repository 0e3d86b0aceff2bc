"""The queries of CloudTrail Lake: one after another, each with what it came to in the state of the plane.

A query that the end of the process interrupts has failed: its status is FAILED after the next start.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from locum.agents.lake.column_store import ColumnStore
from locum.agents.lake.results import MOST_OCTETS, Results
from locum.agents.lake.selections import selection_of
from locum.agents.waiting import cancelled
from locum.audit.lake.messages import Query
from locum.audit.lake.process import WorkerEnded
from locum.calls import Runtime
from locum.core.errors import LocumError
from locum.services.verbs import Outcome
from locum.state import Event, EventDataStore, EventDataStoreQuery, State, put
from locum.state.autoscaling import regional

SECONDS: Final = 300.0
"""The longest that a query may run, before its status is TIMED_OUT. It is an hour at AWS."""
_INTERRUPTED: Final = "The query was interrupted by the end of the process."
_log: Final = logging.getLogger("locum.agents")

Key = tuple[str, str]
"""The account and the key of a query."""


async def committed(runtime: Runtime, change: Callable[[State], tuple[Event, ...]]) -> None:
    """Commit what `change` makes of the state, durably. Raises Fault where the storage does not work."""
    await runtime.ledger.transact(lambda state: Outcome({}, change(state)), lambda _outcome: ())


class Runner:
    """Runs queries on `store`. `seconds` is the longest that one may take, also of those that are waiting."""

    def __init__(self, runtime: Callable[[], Runtime], store: ColumnStore, results: Results, seconds: float) -> None:
        self._runtime = runtime
        self._store = store
        self._results = results
        self.seconds = seconds
        self._waiting: asyncio.Queue[Key] = asyncio.Queue()
        self._over: dict[Key, threading.Event] = {}
        self._task: asyncio.Task[None] | None = None

    async def recover(self) -> None:
        """Take the queries that an earlier process has not ended for failed."""

        def change(state: State) -> tuple[Event, ...]:
            found = [it for it in state.every(EventDataStoreQuery) if it.under_way]
            return tuple(put(replace(it, status="FAILED", error=_INTERRUPTED)) for it in found)

        if any(it.under_way for it in self._runtime().ledger.state.every(EventDataStoreQuery)):
            await committed(self._runtime(), change)

    def add(self, query: EventDataStoreQuery) -> None:
        """Run a query, which is in the state, when those before it have ended."""
        self._waiting.put_nowait((query.account, query.key))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def interrupt(self, query: EventDataStoreQuery) -> None:
        """End a query, which has the status CANCELLED by now, if it runs."""
        over = self._over.get((query.account, query.key))
        if over is not None:
            over.set()

    async def settled(self) -> None:
        """Wait until no query is waiting or running."""
        await self._waiting.join()

    async def close(self) -> None:
        """Run no more queries."""
        for over in self._over.values():
            over.set()
        if self._task is not None:
            await cancelled(self._task)

    async def _run(self) -> None:
        while True:
            key = await self._waiting.get()
            self._over[key] = threading.Event()
            try:
                await self._run_one(key)
            except LocumError as error:
                _log.warning("a query of CloudTrail Lake has no end in the journal: %s", error)
            finally:
                del self._over[key]
                self._waiting.task_done()

    async def _run_one(self, key: Key) -> None:
        runtime = self._runtime()
        query = runtime.ledger.state.get(EventDataStoreQuery, *key)
        if query is None or not query.under_way:
            return
        await self._change(key, status="RUNNING")
        query = runtime.ledger.state.get(EventDataStoreQuery, *key)
        if query is None or not query.under_way:
            return
        clock = asyncio.get_running_loop().time
        begun = clock()
        try:
            ended = await self._answered(query)
        except WorkerEnded as end:
            ended = {"status": "TIMED_OUT" if end.late else "FAILED", "error": str(end)}
        except (LocumError, OSError) as error:
            ended = {"status": "FAILED", "error": str(error)}
        await self._change(key, milliseconds=int(1000 * (clock() - begun)), **ended)
        after = runtime.ledger.state.get(EventDataStoreQuery, *key)
        if after is None or after.status != "FINISHED":
            await asyncio.to_thread(self._results.remove, query.id)

    async def _answered(self, query: EventDataStoreQuery) -> dict[str, object]:
        """Run a query; the fields that it then has."""
        runtime = self._runtime()
        state, now = runtime.ledger.state, runtime.clock()
        found = [state.get(EventDataStore, query.account, regional(query.region, name)) for name in query.stores]
        selections = [selection_of(state, store, now) for store in found if store is not None]
        if len(selections) < len(query.stores):
            return {"status": "FAILED", "error": "The event data store is no longer there."}
        path = await asyncio.to_thread(self._results.path, query.id)
        asked = Query(query.statement, selections, now, str(path), MOST_OCTETS)
        over = self._over[query.account, query.key]
        reply = await self._store.query(asked, self.seconds, over)
        if reply.error:
            return {"status": "FAILED", "error": reply.error}
        return {"status": "FINISHED", "rows": reply.rows, "scanned": reply.scanned, "octets": reply.octets}

    async def _change(self, key: Key, **fields: object) -> None:
        """Change a query that has not ended."""

        def change(state: State) -> tuple[Event, ...]:
            query = state.get(EventDataStoreQuery, *key)
            return (put(replace(query, **fields)),) if query is not None and query.under_way else ()

        await committed(self._runtime(), change)
