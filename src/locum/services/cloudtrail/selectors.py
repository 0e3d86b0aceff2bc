"""Event selectors and Insights selectors of trails.

CloudTrail API Reference, PutEventSelectors, GetEventSelectors, PutInsightSelectors, GetInsightSelectors. Insights
selectors are kept and shown: unusual activity is not analysed.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from locum.core import event_selectors
from locum.core.errors import Fault
from locum.services.cloudtrail import selecting
from locum.services.cloudtrail.faults import invalid_combination, invalid_selectors
from locum.services.cloudtrail.finding import changeable, trail_of
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import put
from locum.state.trails import Trail


def put_event_selectors(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:PutEventSelectors. They replace all others."""
    trail = changeable(ctx, params["TrailName"])
    basic, advanced = params.get("EventSelectors") or (), params.get("AdvancedEventSelectors") or ()
    if bool(basic) == bool(advanced):
        raise invalid_selectors("Specify either EventSelectors or AdvancedEventSelectors, and at least one of them.")
    if advanced:
        event_selectors.check(advanced)
    made = replace(trail, selectors=selecting.check(basic), advanced=tuple(advanced))
    return Outcome(_told(made), (put(made),))


def get_event_selectors(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:GetEventSelectors."""
    return Outcome(_told(trail_of(ctx, params["TrailName"])))


def _told(trail: Trail) -> dict[str, Any]:
    if trail.advanced:
        return {"TrailARN": trail.arn, "AdvancedEventSelectors": list(trail.advanced)}
    return {"TrailARN": trail.arn, "EventSelectors": list(trail.selectors or (selecting.DEFAULT,))}


def put_insight_selectors(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:PutInsightSelectors. An empty list takes them away."""
    trail = changeable(ctx, _trail_name(params))
    kinds = [selector.get("InsightType") for selector in params["InsightSelectors"]]
    if len(kinds) != len(set(kinds)) or None in kinds:
        raise Fault("InvalidInsightSelectorsException", "Each Insights selector has an InsightType of its own.", 400)
    made = replace(trail, insights=tuple(params["InsightSelectors"]))
    return Outcome({"TrailARN": trail.arn, "InsightSelectors": list(made.insights)}, (put(made),))


def get_insight_selectors(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:GetInsightSelectors."""
    trail = trail_of(ctx, _trail_name(params))
    if not trail.insights:
        message = f"Trail {trail.arn} does not have Insights enabled. Edit the trail settings to enable Insights."
        raise Fault("InsightNotEnabledException", message, 400)
    return Outcome({"TrailARN": trail.arn, "InsightSelectors": list(trail.insights)})


def _trail_name(params: Params) -> str:
    if params.get("EventDataStore") or params.get("InsightsDestination"):
        raise Fault("UnsupportedOperationException", "Insights of event data stores are not supported.", 400)
    if not params.get("TrailName"):
        raise invalid_combination("Specify a TrailName or an EventDataStore.")
    return str(params["TrailName"])


OPERATIONS: Final[dict[str, Operation]] = {
    "GetEventSelectors": reads(get_event_selectors),
    "GetInsightSelectors": reads(get_insight_selectors),
    "PutEventSelectors": writes(put_event_selectors),
    "PutInsightSelectors": writes(put_insight_selectors),
}
