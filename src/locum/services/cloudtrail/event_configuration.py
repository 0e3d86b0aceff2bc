"""Event configurations: how large the events of a store may be. CloudTrail API, Put- and GetEventConfiguration.

What would enrich or aggregate events is refused: nothing would do it.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.services.cloudtrail.event_data_stores import find, refuse_deleted
from locum.services.cloudtrail.faults import invalid_combination
from locum.services.cloudtrail.finding import changeable, trail_of
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import EventDataStore, put
from locum.state.trails import Trail

_OF_STORES: Final = ("ContextKeySelectors", "MaxEventSize")
_OF_TRAILS: Final = ("AggregationConfigurations",)


def put_event_configuration(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:PutEventConfiguration."""
    _check_one(params)
    foreign = _OF_STORES if params.get("TrailName") else _OF_TRAILS
    if any(name in params for name in foreign):
        raise invalid_combination(f"{' and '.join(foreign)} cannot be specified for the resource.")
    if params.get("TrailName"):
        trail = changeable(ctx, params["TrailName"])
        if params.get("AggregationConfigurations"):
            raise _unsupported("Aggregation of events")
        return Outcome(_of_trail(trail))
    store = refuse_deleted(_store(ctx, params))
    if params.get("ContextKeySelectors"):
        raise _unsupported("Enrichment of events by context keys")
    changed = replace(store, event_size=params.get("MaxEventSize", store.event_size), updated=ctx.now)
    return Outcome(_of_store(changed), (put(changed),))


def get_event_configuration(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:GetEventConfiguration."""
    _check_one(params)
    if params.get("TrailName"):
        return Outcome(_of_trail(trail_of(ctx, params["TrailName"])))
    return Outcome(_of_store(_store(ctx, params)))


def _check_one(params: Params) -> None:
    if bool(params.get("TrailName")) == bool(params.get("EventDataStore")):
        raise invalid_combination("Specify either a TrailName or an EventDataStore.")


def _store(ctx: Context, params: Params) -> EventDataStore:
    """The store of a call, which has events of AWS. Raises Fault."""
    store = find(ctx, params["EventDataStore"])
    if store.activity:
        message = "Event data stores for events from outside of AWS have no event configuration."
        raise Fault("InvalidEventDataStoreCategoryException", message)
    return store


def _of_trail(trail: Trail) -> dict[str, Any]:
    return {"TrailARN": trail.arn, "AggregationConfigurations": []}


def _of_store(store: EventDataStore) -> dict[str, Any]:
    return {"EventDataStoreArn": store.arn, "MaxEventSize": store.event_size, "ContextKeySelectors": []}


def _unsupported(what: str) -> Fault:
    return Fault("UnsupportedOperationException", f"{what} is not supported.")


OPERATIONS: Final[dict[str, Operation]] = {
    "GetEventConfiguration": reads(get_event_configuration),
    "PutEventConfiguration": writes(put_event_configuration),
}
