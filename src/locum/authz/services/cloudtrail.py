"""AWS CloudTrail: event data stores, also by their ids and as tables of queries, and their tags."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call
from locum.authz.functions import Functions, Values, own_arn
from locum.core.arn import Arn
from locum.core.lake_statements import stores_named
from locum.core.resources import ResourceFacts
from locum.state import EventDataStore, EventDataStoreQuery, State
from locum.state.autoscaling import regional

_KIND: Final = "eventdatastore/"


def _store(state: State, call: Call, values: Values) -> Iterable[str]:
    """An event data store by its ARN, or by its id, which is the end of that."""
    name = values[0] or ""
    return (name,) if name.startswith("arn:") else (own_arn(call, "cloudtrail", _KIND, name),)


def _queried(state: State, call: Call, values: Values) -> Iterable[str]:
    """The event data stores that a statement may read; one of which nothing is known where it names none."""
    names = stores_named(values[0] or "")
    return [own_arn(call, "cloudtrail", _KIND, name) for name in names or ("",)]


def _of_query(state: State, call: Call, values: Values) -> Iterable[str]:
    """The event data stores that a query reads; one of which nothing is known where there is no such query."""
    found = state.get(EventDataStoreQuery, call.caller.account, regional(call.region, values[0] or ""))
    return [own_arn(call, "cloudtrail", _KIND, name) for name in (found.stores if found else ("",))]


def _facts(state: State, arn: str) -> ResourceFacts | None:
    """The account and the tags of an event data store."""
    parsed = Arn.find(arn)
    if parsed is None or not parsed.resource.startswith(_KIND):
        return None
    key = regional(parsed.region, parsed.resource.removeprefix(_KIND))
    found = state.get(EventDataStore, parsed.account, key)
    return None if found is None else ResourceFacts(found.account, None, found.tags)


FUNCTIONS: Final = Functions(
    resolvers={
        "cloudtrail_store": _store,
        "cloudtrail_queried": _queried,
        "cloudtrail_of_query": _of_query,
    },
    facts=_facts,
)
