"""What is to be done for CloudTrail Lake now and then: taking in events before the history drops them, and forgetting.

Queries and their results are forgotten after seven days, and event data stores seven days after they were deleted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from locum.agents.lake.column_store import ColumnStore
from locum.agents.lake.results import MOST_IN_ALL, Results
from locum.agents.lake.running import committed
from locum.agents.lake.selections import present
from locum.agents.waiting import cancelled
from locum.calls import Runtime
from locum.core.clock import DAY
from locum.core.errors import LocumError
from locum.state import Event, EventDataStore, EventDataStoreQuery, State, remove

PERIOD: Final = 60.0
MOST_LAG: Final = 20_000
"""Rows of the history that may be waiting to be taken in: far fewer than are kept at least."""
_log: Final = logging.getLogger("locum.agents")


class Upkeep:
    """Keeps `store` and `results` in order, every `PERIOD` seconds, where there is anything."""

    def __init__(self, runtime: Callable[[], Runtime], store: ColumnStore, results: Results) -> None:
        self._runtime = runtime
        self._store = store
        self._results = results
        self._forgotten = 0.0
        self._had_stores = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """End."""
        if self._task is not None:
            await cancelled(self._task)

    async def once(self) -> None:
        """Do all that is to be done now. Raises LocumError."""
        state, now = self._runtime().ledger.state, self._runtime().clock()
        await self._forget_queries()
        has_stores = any(True for _ in present(state, now))
        if has_stores and await self._store.lag() >= MOST_LAG:
            await self._store.catch_up()
        if (has_stores or self._had_stores) and now >= self._forgotten + DAY:
            await self._store.forget()
            self._forgotten = now
        self._had_stores = has_stores
        await self._store.rest()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            try:
                await self.once()
            except LocumError as error:
                _log.warning("the events of event data stores are put in order later: %s", error)

    async def _forget_queries(self) -> None:
        """Remove queries, results and stores whose time is over, and the oldest results where they are too large."""
        runtime = self._runtime()
        state, now = runtime.ledger.state, runtime.clock()
        queries = sorted(state.every(EventDataStoreQuery), key=lambda it: it.started, reverse=True)
        stores = list(state.every(EventDataStore))
        if not queries and not stores:
            return
        sizes = await asyncio.to_thread(self._results.sizes)
        over: list[EventDataStoreQuery | EventDataStore] = [it for it in stores if it.gone(now)]
        octets, kept = 0, set()
        for query in queries:
            octets += sizes.get(query.id, 0)
            if not query.under_way and (now >= query.expires or octets > MOST_IN_ALL):
                over.append(query)
            else:
                kept.add(query.id)
        if over:
            await committed(runtime, lambda state: _removals(state, over))
        for name in sizes.keys() - kept:
            await asyncio.to_thread(self._results.remove, name)


def _removals(state: State, over: list[EventDataStoreQuery | EventDataStore]) -> tuple[Event, ...]:
    """The removal of those that are as they were."""
    return tuple(remove(it) for it in over if state.get(type(it), it.account, it.key) is it)
