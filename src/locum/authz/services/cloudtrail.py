"""AWS CloudTrail: trails and event data stores by names, ids and ARNs, and as tables of queries, and their tags."""

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
from locum.state.seen_trails import named
from locum.state.trails import Trail

_STORE: Final = "eventdatastore"
_TRAIL: Final = "trail"
_OF_TRAILS: Final = (
    "DeleteTrail GetEventSelectors GetInsightSelectors GetTrail GetTrailStatus PutEventSelectors PutInsightSelectors "
    "StartLogging StopLogging UpdateTrail"
)
"""The actions on trails, which have no policies of their own. What a member sees of the trails of its organization, and
that it changes none, is the operations' own affair."""


def _trail(state: State, call: Call, values: Values) -> Iterable[str]:
    """A trail by ARN, or by name: in its home region, where it is a shadow trail in the region of the call."""
    name = values[0] or ""
    if name.startswith("arn:"):
        yield name
        return
    found = None if call.operation == "CreateTrail" else named(state, call.caller.account, call.region, name)
    yield own_arn(call, "cloudtrail", f"{_TRAIL}/", name) if found is None else found.arn


def _stores(state: State, call: Call, values: Values) -> Iterable[str]:
    """An event data store by its ARN, or by its id, which is the end of that; all that a statement, or a query, reads.

    One of which nothing is known where a statement names none. Where there is no such query, which no call can have
    results of, the store that the call names as well is enough.
    """
    name, statement, query = values
    if name:
        return (name,) if name.startswith("arn:") else (own_arn(call, "cloudtrail", f"{_STORE}/", name),)
    names: Iterable[str] = stores_named(statement or "")
    if query:
        found = state.get(EventDataStoreQuery, call.caller.account, regional(call.region, query))
        if found is None and call.params.get("EventDataStore"):
            return ()
        names = found.stores if found else ()
    return [own_arn(call, "cloudtrail", f"{_STORE}/", it) for it in names or ("",)]


def _facts(state: State, arn: str) -> ResourceFacts | None:
    """The account and the tags of a trail or an event data store."""
    parsed = Arn.find(arn)
    if parsed is None:
        return None
    kind, _, name = parsed.resource.partition("/")
    key = regional(parsed.region, name)
    found: Trail | EventDataStore | None = None
    if kind == _TRAIL:
        found = state.get(Trail, parsed.account, key)
    elif kind == _STORE:
        found = state.get(EventDataStore, parsed.account, key)
    return None if found is None else ResourceFacts(found.account, None, found.tags)


FUNCTIONS: Final = Functions(
    resolvers={"cloudtrail_trail": _trail, "cloudtrail_store": _stores},
    facts=_facts,
    caller_only_actions=frozenset(f"cloudtrail:{action}" for action in _OF_TRAILS.split()),
)
