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


def _stores(state: State, call: Call, values: Values) -> Iterable[str]:
    """An event data store by its ARN, or by its id, which is the end of that; all that a statement, or a query, reads.

    One of which nothing is known where a statement names none. Where there is no such query, which no call can have
    results of, the store that the call names as well is enough.
    """
    name, statement, query = values
    if name:
        return (name,) if name.startswith("arn:") else (own_arn(call, "cloudtrail", _KIND, name),)
    names: Iterable[str] = stores_named(statement or "")
    if query:
        found = state.get(EventDataStoreQuery, call.caller.account, regional(call.region, query))
        if found is None and call.params.get("EventDataStore"):
            return ()
        names = found.stores if found else ()
    return [own_arn(call, "cloudtrail", _KIND, it) for it in names or ("",)]


def _facts(state: State, arn: str) -> ResourceFacts | None:
    """The account and the tags of an event data store."""
    parsed = Arn.find(arn)
    if parsed is None or not parsed.resource.startswith(_KIND):
        return None
    key = regional(parsed.region, parsed.resource.removeprefix(_KIND))
    found = state.get(EventDataStore, parsed.account, key)
    return None if found is None else ResourceFacts(found.account, None, found.tags)


FUNCTIONS: Final = Functions(
    resolvers={"cloudtrail_store": _stores},
    facts=_facts,
)
