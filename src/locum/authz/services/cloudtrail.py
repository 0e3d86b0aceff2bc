"""AWS CloudTrail: trails by name or ARN, and their tags."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call
from locum.authz.functions import Functions, Values, own_arn
from locum.core.arn import Arn
from locum.core.resources import ResourceFacts
from locum.state import State
from locum.state.autoscaling import regional
from locum.state.trails import Trail

_OF_TRAILS: Final = (
    "AddTags DeleteTrail GetEventSelectors GetInsightSelectors GetTrail GetTrailStatus ListTags PutEventSelectors "
    "PutInsightSelectors RemoveTags StartLogging StopLogging UpdateTrail"
)
"""The actions on trails, which have no policies of their own. What a member sees of the trails of its organization, and
that it changes none, is the operations' own affair."""


def _trail(state: State, call: Call, values: Values) -> Iterable[str]:
    """A trail by ARN, or by name: in its home region, where it is a shadow trail in the region of the call."""
    name = values[0] or ""
    if name.startswith("arn:"):
        yield name
        return
    here = own_arn(call, "cloudtrail", "trail/", name)
    shadows = [
        trail.arn
        for trail in state.table(Trail, call.caller.account).values()
        if trail.name == name and (trail.multi_region or trail.region == call.region)
    ]
    yield here if here in shadows or not shadows or call.operation == "CreateTrail" else min(shadows)


def _facts(state: State, arn: str) -> ResourceFacts | None:
    """The account and the tags of a trail."""
    parsed = Arn.find(arn)
    if parsed is None or not parsed.resource.startswith("trail/"):
        return None
    found = state.get(Trail, parsed.account, regional(parsed.region, parsed.resource.removeprefix("trail/")))
    return None if found is None else ResourceFacts(found.account, None, found.tags)


FUNCTIONS: Final = Functions(
    resolvers={"cloudtrail_trail": _trail},
    facts=_facts,
    caller_only_actions=frozenset(f"cloudtrail:{action}" for action in _OF_TRAILS.split()),
)
