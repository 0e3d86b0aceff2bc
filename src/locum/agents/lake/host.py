"""The backend of CloudTrail Lake: of queries, and of events from outside of AWS; and what goes on beside it.

The operations are in `agents.lake.queries` and `agents.lake.audit_events`, which are loaded with the first call of one.
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

OPERATIONS: Final = (
    *(("cloudtrail", it) for it in ("StartQuery", "DescribeQuery", "GetQueryResults", "CancelQuery", "ListQueries")),
    ("cloudtrail-data", "PutAuditEvents"),
)
"""The services and names of the operations."""


class LakeHost(Backend):
    """The backend of CloudTrail Lake. `runtime` and `journal` are the plane's, once they are there.

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
        self._events: Any = None

    async def start(self) -> None:
        """Begin, with the queries that an earlier process has not ended. Raises Fault."""
        await self.runner.recover()
        self.upkeep.start()

    async def call(self, call: BackendCall) -> Carried:
        call.codec.check(call.params)
        answer = await self._carrier(call).call(call)
        return Carried(call.codec.serialize(answer, call.origin.request_id))

    def _carrier(self, call: BackendCall) -> Any:
        """What carries out a call, loaded with the first one."""
        if call.service == "cloudtrail-data":
            if self._events is None:
                self._events = import_module("locum.agents.lake.audit_events").AuditEvents(self._runtime, self.store)
            return self._events
        if self._queries is None:
            queries = import_module("locum.agents.lake.queries").Queries
            self._queries = queries(self._runtime, self.store, self._results, self.runner)
        return self._queries

    async def close(self) -> None:
        await self.upkeep.close()
        await self.runner.close()
        await self.store.close()
