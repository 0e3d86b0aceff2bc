"""Which events a trail has: those of its places and times that its event selectors select.

CloudTrail API Reference, EventSelector: "If the event matches any event selector, the trail processes and logs the
event." User Guide, "Understanding multi-Region trails and opt-in Regions", "Global service events".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from locum.core import event_selectors
from locum.services.cloudtrail.faults import invalid_selectors
from locum.state import State
from locum.state.organizations import managed_since, organization_of
from locum.state.trails import Trail

MOST: Final = 5
"""EventSelector: "You can configure up to five event selectors for a trail"."""
MOST_RESOURCES: Final = 250
"""EventSelector: "the total number of data resources cannot exceed 250 across all event selectors in a trail"."""
DEFAULT: Final[dict[str, Any]] = {
    "ReadWriteType": "All",
    "IncludeManagementEvents": True,
    "DataResources": [],
    "ExcludeManagementEventSources": [],
}
"""The event selector of a trail without others."""

_DATA_RESOURCES: Final = {
    "AWS::S3::Object": "arn:aws:s3",
    "AWS::Lambda::Function": "arn:aws:lambda",
    "AWS::DynamoDB::Table": "arn:aws:dynamodb",
}
"""The types of basic event selectors, with the value that is for all resources of the type."""
_GLOBAL_SOURCES: Final = frozenset(
    {"iam.amazonaws.com", "sts.amazonaws.com", "cloudfront.amazonaws.com", "organizations.amazonaws.com"}
)
_GLOBAL_REGION: Final = "us-east-1"


def check(selectors: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Basic event selectors as they are kept. Raises Fault InvalidEventSelectorsException."""
    if len(selectors) > MOST:
        raise invalid_selectors(f"The number of event selectors cannot exceed {MOST}.")
    kept = tuple({**DEFAULT, **selector} for selector in selectors)
    resources = [it for selector in kept for it in selector["DataResources"]]
    for resource in resources:
        _check_resource(resource)
    named = [value for it in resources for value in it.get("Values") or () if value not in _DATA_RESOURCES.values()]
    if len(named) > MOST_RESOURCES:
        raise invalid_selectors(f"The number of data resources cannot exceed {MOST_RESOURCES} in a trail.")
    for selector in kept:
        unknown = set(selector["ExcludeManagementEventSources"]) - event_selectors.EXCLUDABLE
        if unknown:
            raise invalid_selectors(f"Management events of {', '.join(sorted(unknown))} cannot be excluded.")
        if not selector["IncludeManagementEvents"] and not selector["DataResources"]:
            raise invalid_selectors("An event selector must include management events or data resources.")
    return kept


def _check_resource(resource: Mapping[str, Any]) -> None:
    kind, values = resource.get("Type", ""), resource.get("Values") or ()
    if kind not in _DATA_RESOURCES:
        raise invalid_selectors(f"The data resource type {kind} is not valid for basic event selectors.")
    for value in values:
        if not (value == _DATA_RESOURCES[kind] or value.startswith(f"{_DATA_RESOURCES[kind]}:")):
            raise invalid_selectors(f"{value} is not a valid ARN of {kind}.")
        if (
            kind == "AWS::S3::Object"
            and value.startswith("arn:aws:s3:::")
            and "/" not in value.removeprefix("arn:aws:s3:::")
        ):
            raise invalid_selectors(f"{value} must end with a slash to be for the objects of a bucket.")


class Part(NamedTuple):
    """An account of a trail: the id of the organization that it is in by the trail, and the time it joined that."""

    organization: str = ""
    joined: float = 0.0


def accounts_of(state: State, trail: Trail) -> dict[str, Part]:
    """The accounts whose events a trail has. What a member did before it joined is no affair of the organization."""
    organization = organization_of(state, trail.account) if trail.organization else None
    if organization is None or organization.account != trail.account:
        return {trail.account: Part()}
    return {name: Part(organization.id, joined) for name, joined in managed_since(state, trail.account).items()}


def covers(trail: Trail, accounts: Mapping[str, Part], account: str, region: str, source: str, at: float) -> bool:
    """Whether what an account did at a time, in a region and by a service, is of a trail with these `accounts`.

    Its event selectors are not asked.
    """
    of_account = account in accounts and at >= accounts[account].joined
    return of_account and _is_time_of(trail, at) and _is_place_of(trail, region, source)


def _is_time_of(trail: Trail, at: float) -> bool:
    """Whether a trail logs, or has logged, what happened at a time that it has not got to yet."""
    return (trail.logging and at >= trail.started) or 0 < at <= trail.stopped


def _is_place_of(trail: Trail, region: str, source: str) -> bool:
    """Whether events of a service in a region are those of a trail."""
    if source in _GLOBAL_SOURCES and region == _GLOBAL_REGION and not trail.global_events:
        return False
    return trail.multi_region or region == trail.region


def selects(trail: Trail, event: Mapping[str, Any]) -> bool:
    """Whether the event selectors of a trail select a CloudTrail event."""
    if trail.advanced:
        return event_selectors.selected(trail.advanced, event)
    return any(_matches(selector, event) for selector in trail.selectors or (DEFAULT,))


def _matches(selector: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    wanted = selector["ReadWriteType"]
    if wanted != "All" and (wanted == "ReadOnly") is not event["readOnly"]:
        return False
    if event["eventCategory"] == "Management":
        return selector["IncludeManagementEvents"] and (
            event["eventSource"] not in selector["ExcludeManagementEventSources"]
        )
    return any(_is_of(resource, event) for resource in selector["DataResources"])


def _is_of(resource: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether an event is of a data resource: of its type, with an ARN that begins with one of the values.

    The value for a bucket or a prefix ends where the key goes on; that of a function or a table is its whole ARN.
    """
    kind, values = resource["Type"], resource.get("Values") or ()
    for told in event.get("resources") or ():
        if told.get("type") != kind:
            continue
        arn = told.get("ARN", "")
        if any(value == _DATA_RESOURCES[kind] or _covers(kind, value, arn) for value in values):
            return True
    return False


def _covers(kind: str, value: str, arn: str) -> bool:
    return arn.startswith(value) if kind == "AWS::S3::Object" else arn == value
