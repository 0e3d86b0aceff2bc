"""Scaling activities: how a group's size and its instances changed, with AWS's texts.

A group keeps its latest `KEPT` activities. API Reference, DescribeScalingActivities: "When scaling
events occur, you see a record of the scaling activity in the scaling activities." Those of deleted groups are there for
six weeks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from msgspec.structs import replace

from locum.core.clock import DAY, Entropy
from locum.core.identifiers import request_id
from locum.services.autoscaling.lookup import LARGEST_PAGE, belonging, group_named, page_of
from locum.services.verbs import Context, Operation, Outcome, Params, reads
from locum.state import AutoScalingGroup, Event, ScalingActivity, State, remove

KEPT: Final = 100
"""The activities of a group that are kept."""

_MESSAGE: Final = 255
_CAUSE: Final = 1023
_SIX_WEEKS: Final = 42 * DAY


def at(now: float) -> str:
    """The beginning of a sentence of a cause: `At 2026-11-29T08:00:00Z`."""
    return datetime.fromtimestamp(int(now), UTC).strftime("At %Y-%m-%dT%H:%M:%SZ")


def begun(
    group: AutoScalingGroup,
    now: float,
    entropy: Entropy,
    description: str,
    cause: str,
    subnet: str = "",
    zone: str = "",
    instance: str = "",
) -> tuple[AutoScalingGroup, ScalingActivity]:
    """A new activity of `group`, in progress, and the group that has counted it."""
    activity = ScalingActivity(
        account=group.account,
        region=group.region,
        group=group.name,
        group_arn=group.arn,
        id=request_id(entropy),
        number=group.activities + 1,
        description=description,
        cause=cause[:_CAUSE],
        started=int(now),
        subnet=subnet,
        zone=zone,
        instance=instance,
    )
    return replace(group, activities=activity.number), activity


def ended(activity: ScalingActivity, now: float, failure: str = "") -> ScalingActivity:
    """`activity` once it was successful, or failed with the message `failure`."""
    status = "Failed" if failure else "Successful"
    return replace(activity, status=status, message=failure[:_MESSAGE], ended=int(now), progress=100)


def forgotten(state: State, group: AutoScalingGroup) -> Iterator[Event]:
    """The events that remove the activities of a group beyond those that are kept."""
    kept = sorted(belonging(state, group, ScalingActivity), key=_order, reverse=True)
    yield from (remove(it) for it in kept[KEPT:] if it.ended)


def expired(ctx: Context) -> Iterator[Event]:
    """The events that remove the activities of the account that are older than six weeks."""
    for it in ctx.state.table(ScalingActivity, ctx.account).values():
        if it.ended and ctx.now - it.started > _SIX_WEEKS:
            yield remove(it)


def describe_scaling_activities(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DescribeScalingActivities: the newest first."""
    name, deleted = params.get("AutoScalingGroupName", ""), bool(params.get("IncludeDeletedGroups"))
    there = {group.arn for group in ctx.state.table(AutoScalingGroup, ctx.account).values()}
    if name and not deleted:
        name = group_named(ctx, name, going=True).name
    found = [
        it
        for it in ctx.state.table(ScalingActivity, ctx.account).values()
        if it.region == ctx.region and (not name or it.group == name) and (deleted or it.group_arn in there)
    ]
    if wanted := params.get("ActivityIds"):
        found = [it for it in found if it.id in wanted]
    page = page_of(params, found, _newest_first, default=LARGEST_PAGE)
    return page.outcome("Activities", lambda it: shown(it, deleted=it.group_arn not in there))


def shown(activity: ScalingActivity, *, deleted: bool = False) -> dict[str, Any]:
    """An `Activity`. `deleted`: its group is not there any more."""
    shape: dict[str, Any] = {
        "ActivityId": activity.id,
        "AutoScalingGroupName": activity.group,
        "AutoScalingGroupARN": activity.group_arn,
        "Description": activity.description,
        "Cause": activity.cause,
        "StartTime": activity.started,
        "StatusCode": activity.status,
        "Progress": activity.progress,
        "Details": json.dumps(details(activity), separators=(",", ":")),
    }
    if activity.ended:
        shape["EndTime"] = activity.ended
    if activity.message:
        shape["StatusMessage"] = activity.message
    if deleted:
        shape["AutoScalingGroupState"] = "Deleted"
    return shape


def details(activity: ScalingActivity) -> dict[str, str]:
    """The subnet and the zone of an activity, by the names that AWS tells them with."""
    found = {"Subnet ID": activity.subnet, "Availability Zone": activity.zone}
    return {name: value for name, value in found.items() if value}


def _order(activity: ScalingActivity) -> tuple[int, int]:
    return activity.started, activity.number


def _newest_first(activity: ScalingActivity) -> str:
    """A key that sorts the newest activity first."""
    return f"{10**11 - activity.started:011d} {10**9 - activity.number:09d} {activity.id}"


OPERATIONS: Final[dict[str, Operation]] = {"DescribeScalingActivities": reads(describe_scaling_activities)}
