"""LookupEvents.

CloudTrail API: "Looks up management events or CloudTrail Insights events that are captured by CloudTrail."
The events are those of the caller's account. The event history validates attributes, ranges, page sizes and tokens, and
raises the errors of this operation.
"""

from __future__ import annotations

from typing import Any, Final

from locum.core.errors import Fault
from locum.services.verbs import Context, Outcome, Params

DEFAULT_RESULTS: Final = 50
RATE: Final = 2.0
"""API Reference: "The rate of lookup requests is limited to two per second, per account, per Region"."""
_INSIGHTS: Final = "insight"


def lookup_events(ctx: Context, params: Params) -> Outcome:
    """LookupEvents. It blocks while the history is read."""
    category = params.get("EventCategory")
    if category is not None:
        return _insights(category)
    if ctx.history is None:
        raise Fault("UnsupportedOperationException", "There is no event history: this plane records no events.")
    found = ctx.history.lookup(
        ctx.account,
        [_pair(attribute) for attribute in params.get("LookupAttributes") or ()],
        params.get("StartTime"),
        params.get("EndTime"),
        params.get("MaxResults", DEFAULT_RESULTS),
        params.get("NextToken") or None,
    )
    return Outcome(found.answer)


def _insights(category: str) -> Outcome:
    """The answer for Insights events: always empty, as unusual activity is not analysed."""
    if category != _INSIGHTS:
        raise Fault("InvalidEventCategoryException", f"Event category {category} is invalid. Use {_INSIGHTS}.")
    return Outcome({"Events": []})


def _pair(attribute: Any) -> tuple[str, str]:
    key, value = attribute.get("AttributeKey"), attribute.get("AttributeValue")
    if not key or value is None:
        raise Fault("InvalidLookupAttributesException", "A lookup attribute has an AttributeKey and an AttributeValue.")
    return key, value
