"""The operations on queries of CloudTrail Lake: StartQuery, DescribeQuery, GetQueryResults, CancelQuery, ListQueries.

CloudTrail User Guide, "CloudTrail Lake queries". A caller is decided on for each event data store that the statement
names (`authz.services.cloudtrail`), and later for each one that the query reads. `call.account` is their owner, which
need not be the caller's account.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.agents.lake.column_store import ColumnStore
from locum.agents.lake.results import Results
from locum.agents.lake.running import Runner, committed
from locum.audit.lake.process import WorkerEnded
from locum.backends import BackendCall
from locum.calls import Runtime
from locum.core.errors import ConfigurationError, Fault
from locum.core.identifiers import request_id
from locum.core.markers import key_in, marker_of
from locum.services.cloudtrail.event_data_stores import PAGES, store_named
from locum.services.pagination import newest_first
from locum.state import Event, EventDataStoreQuery, State, put, remove
from locum.state.autoscaling import regional
from locum.state.event_data_stores import arn_of

MOST_AT_ONCE: Final = 10
"""CloudTrail User Guide, "Quotas": concurrent queries, in an account and region here."""
MOST_KEPT: Final = 1_000
"""Queries of an account that are kept: of more, the oldest that have ended are forgotten."""
_UNSUPPORTED: Final = ("DeliveryS3Uri", "QueryAlias", "QueryParameters", "RefreshId")


class Queries:
    """Carries out the operations. `runtime` is the plane's."""

    def __init__(self, runtime: Callable[[], Runtime], store: ColumnStore, results: Results, runner: Runner) -> None:
        self._runtime = runtime
        self._store = store
        self._results = results
        self._runner = runner
        self._operations: Mapping[str, Callable[[BackendCall], Awaitable[dict[str, Any]]]] = {
            "StartQuery": self._start,
            "DescribeQuery": self._describe,
            "GetQueryResults": self._page,
            "CancelQuery": self._cancel,
            "ListQueries": self._list,
        }

    async def call(self, call: BackendCall) -> dict[str, Any]:
        """The answer to a call. Raises Fault."""
        for member in _UNSUPPORTED:
            if member in call.params:
                raise Fault("UnsupportedOperationException", f"{member} is not supported.")
        return await self._operations[call.operation](call)

    async def _start(self, call: BackendCall) -> dict[str, Any]:
        statement = call.params.get("QueryStatement")
        if statement is None:
            raise Fault("InvalidParameterException", "QueryStatement is required.")
        stores = await self._checked(statement)
        runtime = self._runtime()
        query = EventDataStoreQuery(
            account=call.account,
            region=call.region,
            id=request_id(runtime.entropy),
            statement=statement,
            stores=tuple(stores),
            started=runtime.clock(),
        )
        dropped: list[EventDataStoreQuery] = []

        def change(state: State) -> tuple[Event, ...]:
            for name in query.stores:
                self._check_store(state, call, arn_of(call.account, call.region, name))
            queries = state.table(EventDataStoreQuery, call.account).values()
            if sum(1 for it in queries if it.under_way and it.region == call.region) >= MOST_AT_ONCE:
                message = "You have too many queries running. Wait until one has ended, and try again."
                raise Fault("MaxConcurrentQueriesException", message)
            ended = sorted((it for it in queries if not it.under_way), key=lambda it: it.started)
            dropped[:] = ended[: max(0, len(queries) + 1 - MOST_KEPT)]
            return (*(remove(it) for it in dropped), put(query))

        await committed(runtime, change)
        for it in dropped:
            await asyncio.to_thread(self._results.remove, it.id)
        self._runner.add(query)
        return {"QueryId": query.id, "EventDataStoreOwnerAccountId": call.account}

    async def _checked(self, statement: str) -> list[str]:
        """The event data stores that a statement reads. Raises Fault."""
        try:
            reply = await self._store.check(statement)
        except ConfigurationError as missing:
            raise Fault("UnsupportedOperationException", str(missing)) from missing
        except WorkerEnded as end:
            raise _invalid_statement("The statement is too complex.") from end
        if reply.error:
            raise _invalid_statement(reply.error)
        return reply.stores

    async def _describe(self, call: BackendCall) -> dict[str, Any]:
        query = self._query(call)
        shown: dict[str, Any] = {
            "QueryId": query.id,
            "QueryString": query.statement,
            "QueryStatus": query.status,
            "QueryStatistics": {
                "EventsMatched": query.rows,
                "EventsScanned": query.scanned,
                "BytesScanned": query.octets,
                "ExecutionTimeInMillis": query.milliseconds,
                "CreationTime": query.started,
            },
            "EventDataStoreOwnerAccountId": query.account,
        }
        return shown | ({"ErrorMessage": query.error} if query.error else {})

    async def _page(self, call: BackendCall) -> dict[str, Any]:
        query = self._query(call)
        answer: dict[str, Any] = {"QueryStatus": query.status}
        if query.status != "FINISHED":
            return answer | ({"ErrorMessage": query.error} if query.error else {})
        start, most = _position(call.params.get("NextToken"), query), call.params.get("MaxQueryResults", 1000)
        try:
            page = await asyncio.to_thread(self._results.page, query.id, start, most)
        except ValueError as error:
            raise PAGES.invalid() from error
        if page is None:
            raise _not_found(query.id)
        answer["QueryStatistics"] = {
            "ResultsCount": len(page.rows),
            "TotalResultsCount": query.rows,
            "BytesScanned": query.octets,
        }
        answer["QueryResultRows"] = page.rows
        following = {} if page.following is None else {"NextToken": marker_of(f"{query.id}:{page.following}")}
        return answer | following

    async def _cancel(self, call: BackendCall) -> dict[str, Any]:
        query = self._query(call)

        def change(state: State) -> tuple[Event, ...]:
            found = state.get(EventDataStoreQuery, query.account, query.key)
            if found is None or not found.under_way:
                message = "The query cannot be cancelled: it is not running."
                raise Fault("InactiveQueryException", message)
            return (put(replace(found, status="CANCELLED")),)

        await committed(self._runtime(), change)
        self._runner.interrupt(query)
        return {"QueryId": query.id, "QueryStatus": "CANCELLED", "EventDataStoreOwnerAccountId": query.account}

    async def _list(self, call: BackendCall) -> dict[str, Any]:
        params, state, now = call.params, self._runtime().ledger.state, self._runtime().clock()
        name = self._check_store(state, call, params["EventDataStore"])
        start, end = params.get("StartTime", 0.0), params.get("EndTime", now)
        if start > end:
            raise Fault("InvalidDateRangeException", "The start time must not be after the end time.")
        found = [
            it
            for it in state.table(EventDataStoreQuery, call.account).values()
            if it.region == call.region
            and name in it.stores
            and start <= it.started <= end
            and now < it.expires
            and it.status == params.get("QueryStatus", it.status)
        ]
        page = PAGES.page(params, found, lambda it: newest_first(it.started, it.id))
        return page.outcome("Queries", _listed).answer

    def _query(self, call: BackendCall) -> EventDataStoreQuery:
        """The query of a call, all of whose event data stores are active. Raises Fault."""
        ident = call.params.get("QueryId")
        if ident is None:
            raise Fault("InvalidParameterException", "QueryId is required.")
        state, now = self._runtime().ledger.state, self._runtime().clock()
        query = state.get(EventDataStoreQuery, call.account, regional(call.region, ident))
        if query is None or now >= query.expires:
            raise _not_found(ident)
        given = call.params.get("EventDataStore")
        if given is not None and self._check_store(state, call, given) not in query.stores:
            raise _not_found(ident)
        for name in query.stores:
            self._check_store(state, call, arn_of(call.account, call.region, name))
        return query

    def _check_store(self, state: State, call: BackendCall, name: str) -> str:
        """The id of the event data store `name`, which is in the account and region of the call, and active.

        In the region for which it was signed: what an ARN says is no way around a denial of regions.

        Raises Fault.
        """
        store = store_named(state, call.account, call.origin.region, name, self._runtime().clock())
        if store.deleted:
            raise Fault("InactiveEventDataStoreException", f"The event data store {name} is pending deletion.")
        return store.id


def _listed(query: EventDataStoreQuery) -> dict[str, Any]:
    return {"QueryId": query.id, "QueryStatus": query.status, "CreationTime": query.started}


def _position(token: str | None, query: EventDataStoreQuery) -> int:
    """The octet in the result of `query` at which the page of a token begins. Raises Fault."""
    if token is None:
        return 0
    name, _, position = (key_in(token) or "").partition(":")
    if name != query.id or not position.isascii() or not position.isdigit() or len(position) > 12:
        raise PAGES.invalid()
    return int(position)


def _invalid_statement(why: str) -> Fault:
    message = "The query that was submitted has validation errors, or uses incorrect syntax or unsupported keywords."
    return Fault("InvalidQueryStatementException", f"{message} {why}")


def _not_found(query: str) -> Fault:
    return Fault("QueryIdNotFoundException", f"The query ID {query} was not found.")
