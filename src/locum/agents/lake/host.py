"""The backend of queries of CloudTrail Lake, and what goes on beside it while the plane runs.

The operations are in `agents.lake.queries`, which is loaded with the first call of one.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from locum.agents.lake.column_store import FOLDER, ColumnStore
from locum.agents.lake.results import Results
from locum.agents.lake.running import SECONDS, Runner
from locum.agents.lake.upkeep import Upkeep
from locum.backends import Backend, BackendCall, Carried
from locum.calls import Runtime
from locum.store.journal import Journal

OPERATIONS: Final = ("StartQuery", "DescribeQuery", "GetQueryResults", "CancelQuery", "ListQueries")


class LakeHost(Backend):
    """The backend of queries. `runtime` and `journal` are the plane's, once they are there.

    A query that runs for more than `seconds` is ended.
    """

    forgets = False

    def __init__(
        self, data: Path, runtime: Callable[[], Runtime], journal: Callable[[], Journal], seconds: float = SECONDS
    ) -> None:
        self._runtime = runtime
        self._results = Results(data / FOLDER)
        self.store = ColumnStore(data, runtime, journal)
        self.runner = Runner(runtime, self.store, self._results, seconds)
        self.upkeep = Upkeep(runtime, self.store, self._results)
        self._queries: Any = None

    async def start(self) -> None:
        """Begin, with the queries that an earlier process has not ended. Raises Fault."""
        await self.runner.recover()
        self.upkeep.start()

    async def call(self, call: BackendCall) -> Carried:
        call.codec.check(call.params)
        if self._queries is None:
            queries = import_module("locum.agents.lake.queries").Queries
            self._queries = queries(self._runtime, self.store, self._results, self.runner)
        answer = await self._queries.call(call)
        return Carried(call.codec.serialize(answer, call.origin.request_id))

    async def close(self) -> None:
        await self.upkeep.close()
        await self.runner.close()
        await self.store.close()
