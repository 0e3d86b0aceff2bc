"""Scheduled actions: a group's sizes change at a time, once or again and again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.services.autoscaling.activities import at
from locum.services.autoscaling.faults import already_exists, limit_exceeded, validation_error
from locum.services.autoscaling.lookup import belonging, group_named, page_of
from locum.services.autoscaling.schedules import next_time
from locum.services.autoscaling.transitions import Moment
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import AutoScalingGroup, Event, ScheduledAction, State, put, remove
from locum.state.autoscaling import regional

MOST: Final = 125
"""User Guide, "Quotas": scheduled actions per Auto Scaling group."""

_MOST_OF_BATCH: Final = 50


def put_scheduled_update_group_action(ctx: Context, params: Params) -> Outcome:
    """autoscaling:PutScheduledUpdateGroupAction. What is not in the request of an action that is there is deleted."""
    group = group_named(ctx, params["AutoScalingGroupName"])
    return Outcome({}, (put(_action(ctx, group, params)),))


def batch_put_scheduled_update_group_action(ctx: Context, params: Params) -> Outcome:
    """autoscaling:BatchPutScheduledUpdateGroupAction."""
    group = group_named(ctx, params["AutoScalingGroupName"])
    events, failed = list[Event](), list[dict[str, str]]()
    for given in _batch(params["ScheduledUpdateGroupActions"]):
        try:
            events.append(put(_action(ctx, group, given)))
        except Fault as fault:
            failed.append(_failure(given["ScheduledActionName"], fault))
    return Outcome({"FailedScheduledUpdateGroupActions": failed}, tuple(events))


def delete_scheduled_action(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DeleteScheduledAction."""
    group = group_named(ctx, params["AutoScalingGroupName"])
    return Outcome({}, (remove(_named(ctx, group, params["ScheduledActionName"])),))


def batch_delete_scheduled_action(ctx: Context, params: Params) -> Outcome:
    """autoscaling:BatchDeleteScheduledAction."""
    group = group_named(ctx, params["AutoScalingGroupName"])
    events, failed = list[Event](), list[dict[str, str]]()
    for name in _batch(params["ScheduledActionNames"]):
        try:
            events.append(remove(_named(ctx, group, name)))
        except Fault as fault:
            failed.append(_failure(name, fault))
    return Outcome({"FailedScheduledActions": failed}, tuple(events))


def describe_scheduled_actions(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DescribeScheduledActions, in the order of their times."""
    found = [it for it in ctx.state.table(ScheduledAction, ctx.account).values() if it.region == ctx.region and it.due]
    if name := params.get("AutoScalingGroupName"):
        group = group_named(ctx, name, going=True).name
        found = [it for it in found if it.group == group]
    if wanted := params.get("ScheduledActionNames"):
        found = [it for it in found if it.name in wanted or it.arn in wanted]
    found = [it for it in found if params.get("StartTime", 0) <= it.due <= params.get("EndTime", it.due)]
    page = page_of(params, found, lambda it: f"{it.due:011d} {it.key}")
    return page.outcome("ScheduledUpdateGroupActions", _shown)


def scheduled(moment: Moment, group: AutoScalingGroup) -> tuple[AutoScalingGroup, list[Event]]:
    """`group` after its actions that are due, in their order, and the events of the actions themselves.

    An action that was due while the plane did not run is made up for once.
    """
    events: list[Event] = []
    for it in sorted(belonging(moment.state, group, ScheduledAction), key=lambda it: it.due):
        if not 0 < it.due <= moment.now:
            continue
        if not it.end or it.due <= it.end:
            group = _resized(group, it, moment.now)
        following = next_time(it.recurrence, moment.now, it.time_zone) if it.recurrence else 0
        over = not following or (it.end and following > it.end)
        events.append(remove(it) if over else put(replace(it, due=following)))
    return group, events


def next_due(state: State, group: AutoScalingGroup) -> list[int]:
    """The instants at which the actions of `group` are due."""
    return [it.due for it in belonging(state, group, ScheduledAction) if it.due]


def _resized(group: AutoScalingGroup, it: ScheduledAction, now: float) -> AutoScalingGroup:
    least = group.min_size if it.min_size is None else it.min_size
    most = group.max_size if it.max_size is None else it.max_size
    wanted = group.desired if it.desired is None else it.desired
    desired = max(least, min(most, wanted))
    why = f"a scheduled action update of AutoScalingGroup constraints to min: {least}, max: {most}, desired: {desired}"
    changed = replace(group, min_size=least, max_size=most, desired=desired)
    if desired != group.desired:
        reason = f"{at(now)} {why} changing the desired capacity from {group.desired} to {desired}."
        changed = replace(changed, reason=reason)
    return changed


def _action(ctx: Context, group: AutoScalingGroup, params: Mapping[str, Any]) -> ScheduledAction:
    """The action that `params` describe. Raises Fault."""
    name, recurrence, zone = params["ScheduledActionName"], params.get("Recurrence", ""), params.get("TimeZone", "")
    sizes = {field: params.get(member) for member, field in _SIZES.items()}
    if all(value is None for value in sizes.values()):
        raise validation_error("At least one of MinSize, MaxSize, or DesiredCapacity must be provided.")
    least, most = sizes["min_size"], sizes["max_size"]
    if least is not None and most is not None and least > most:
        raise validation_error("MinSize must be less than or equal to MaxSize.")
    start, end = int(params.get("StartTime") or params.get("Time") or 0), int(params.get("EndTime") or 0)
    if start and start <= ctx.now:
        raise validation_error("Given start time is in the past")
    if not start and not recurrence:
        raise validation_error("Start time or recurrence must be provided.")
    if end and end <= max(start, ctx.now):
        raise validation_error("End time must be after the start time.")
    try:
        due = start or next_time(recurrence, ctx.now, zone)
        if recurrence:
            next_time(recurrence, ctx.now, zone)
    except ValueError:
        raise validation_error("Given recurrence string is not valid") from None
    others = belonging(ctx.state, group, ScheduledAction)
    before = next((it for it in others if it.name == name), None)
    if before is None and len(others) >= MOST:
        raise limit_exceeded(f"Limit on scheduled actions per Auto Scaling group exceeded: {MOST}")
    if any(it.due == due for it in others if it.name != name):
        raise already_exists("Scheduled action with the same time already exists")
    return ScheduledAction(
        account=ctx.account,
        region=ctx.region,
        group=group.name,
        name=name,
        id=before.id if before else request_id(ctx.entropy),
        due=due,
        start=start,
        end=end,
        recurrence=recurrence,
        time_zone=zone,
        **sizes,
    )


def _named(ctx: Context, group: AutoScalingGroup, name: str) -> ScheduledAction:
    found = ctx.state.get(ScheduledAction, ctx.account, regional(ctx.region, group.name, name))
    if found is None:
        raise validation_error("Scheduled action name not found")
    return found


def _batch(given: list[Any]) -> list[Any]:
    if len(given) > _MOST_OF_BATCH:
        raise validation_error(f"At most {_MOST_OF_BATCH} scheduled actions are allowed in a request.")
    return given


def _failure(name: str, fault: Fault) -> dict[str, str]:
    return {"ScheduledActionName": name, "ErrorCode": fault.code, "ErrorMessage": fault.message}


_SIZES: Final = {"MinSize": "min_size", "MaxSize": "max_size", "DesiredCapacity": "desired"}


def _shown(it: ScheduledAction) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "AutoScalingGroupName": it.group,
        "ScheduledActionName": it.name,
        "ScheduledActionARN": it.arn,
        "StartTime": it.due,
        "Time": it.due,
    }
    optional = {"EndTime": it.end, "Recurrence": it.recurrence, "TimeZone": it.time_zone}
    shape |= {member: value for member, value in optional.items() if value}
    sizes = {member: getattr(it, field) for member, field in _SIZES.items()}
    return shape | {member: value for member, value in sizes.items() if value is not None}


OPERATIONS: Final[dict[str, Operation]] = {
    "BatchDeleteScheduledAction": writes(batch_delete_scheduled_action),
    "BatchPutScheduledUpdateGroupAction": writes(batch_put_scheduled_update_group_action),
    "DeleteScheduledAction": writes(delete_scheduled_action),
    "DescribeScheduledActions": reads(describe_scheduled_actions),
    "PutScheduledUpdateGroupAction": writes(put_scheduled_update_group_action),
}
