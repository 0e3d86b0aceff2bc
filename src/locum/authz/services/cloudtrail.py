"""AWS CloudTrail: trails, channels and event data stores by names, ids and ARNs, and as tables of queries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call
from locum.authz.functions import Functions, Values, own_arn
from locum.core.arn import Arn
from locum.core.lake_statements import stores_named
from locum.core.resources import ResourceFacts
from locum.state import Channel, EventDataStore, EventDataStoreQuery, State
from locum.state.autoscaling import regional
from locum.state.delegate_policies import delegate_policy, with_default
from locum.state.organizations import delegator_of
from locum.state.seen_stores import store_owner
from locum.state.seen_trails import named
from locum.state.trails import CLOUDTRAIL, Trail

_CHANNEL: Final = "channel"
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
    name, statement, query, owner = values
    if name:
        return (name,) if name.startswith("arn:") else (_store(state, call, name, owner),)
    if not query:
        return [_store(state, call, it, owner) for it in stores_named(statement or "") or ("",)]
    found = _query(state, call, query, owner)
    if found is None and call.params.get("EventDataStore"):
        return ()
    return [_store(state, call, it, found.account) for it in found.stores] if found else [_store(state, call, "", "")]


def _query(state: State, call: Call, name: str, owner: str | None) -> EventDataStoreQuery | None:
    """The query with an id: of the account that the call names, also by the ARN of a store, or of what it sees."""
    caller, store = call.caller.account, Arn.find(call.params.get("EventDataStore") or "")
    places = (owner, store.account if store else None, caller, delegator_of(state, caller, CLOUDTRAIL))
    found = (state.get(EventDataStoreQuery, it, regional(call.region, name)) for it in places if it)
    return next((query for query in found if query is not None), None)


def _store(state: State, call: Call, name: str, owner: str | None) -> str:
    """The ARN of the event data store with an id, of the account `owner` or of the one that the caller's sees."""
    account = owner or store_owner(state, call.caller.account, call.region, name)
    return own_arn(call, "cloudtrail", f"{_STORE}/", name, account=account)


def _facts(state: State, arn: str) -> ResourceFacts | None:
    """The account, the policy and the tags of a trail, an event data store or a channel."""
    parsed = Arn.find(arn)
    if parsed is None:
        return None
    kind, _, name = parsed.resource.partition("/")
    key = regional(parsed.region, name)
    found: Trail | EventDataStore | Channel | None = None
    if kind == _TRAIL:
        found = state.get(Trail, parsed.account, key)
    elif kind == _STORE:
        found = state.get(EventDataStore, parsed.account, key)
    elif kind == _CHANNEL:
        found = state.get(Channel, parsed.account, key)
    if found is None or found.arn != arn:
        return None
    own = "" if isinstance(found, Trail) else found.policy
    default = "" if isinstance(found, Channel) else delegate_policy(state, found)
    return ResourceFacts(found.account, with_default(own, default), found.tags)


def _channel(state: State, call: Call, values: Values) -> Iterable[str]:
    """A channel by its ARN, or by its id, which is the end of that; another resource by its ARN."""
    name = values[0] or ""
    return (name,) if name.startswith("arn:") else (own_arn(call, "cloudtrail", f"{_CHANNEL}/", name),)


FUNCTIONS: Final = Functions(
    resolvers={"cloudtrail_trail": _trail, "cloudtrail_store": _stores, "cloudtrail_channel": _channel},
    facts=_facts,
    unshared_actions=frozenset({"cloudtrail:DeleteResourcePolicy", "cloudtrail:PutResourcePolicy"}),
    caller_only_actions=frozenset(f"cloudtrail:{action}" for action in _OF_TRAILS.split()),
)
