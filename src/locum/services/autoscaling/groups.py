"""Groups: CreateAutoScalingGroup, UpdateAutoScalingGroup, DeleteAutoScalingGroup, and how they are described.

A verb says how many instances there have to be; `progress` and the reconciler (`agents.scaling`) see to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from locum.core.calls import Effect
from locum.core.identifiers import request_id
from locum.services.asking import Asking, asking
from locum.services.autoscaling.activities import at, expired
from locum.services.autoscaling.faults import (
    activity_in_progress,
    already_exists,
    limit_exceeded,
    resource_in_use,
    validation_error,
)
from locum.services.autoscaling.hooks import new_hook
from locum.services.autoscaling.lookup import belonging, group_named, groups_in, page_of
from locum.services.autoscaling.notices import hook_test
from locum.services.autoscaling.service_role import service_role
from locum.services.autoscaling.settings import changed_settings, check_sizes
from locum.services.autoscaling.shapes import group_shape
from locum.services.autoscaling.sources import Places, places_of, required, source_of
from locum.services.autoscaling.tags import read_tags, with_tags
from locum.services.autoscaling.targets import checked_targets, with_targets
from locum.services.verbs import Context, Operation, Outcome, Params, asks_and_writes, reads, writes
from locum.state import (
    AutoScalingGroup,
    Event,
    InstanceRefresh,
    LifecycleHook,
    ScalingPolicy,
    ScheduledAction,
    State,
    put,
    remove,
)
from locum.state.autoscaling import regional

_CREATED: Final = "a user request created an AutoScalingGroup"

MOST: Final = 500
"""User Guide, "Quotas": Auto Scaling groups per Region."""


def create_auto_scaling_group(ctx: Context, params: Params) -> Asking:
    """autoscaling:CreateAutoScalingGroup."""
    name, least, most = params["AutoScalingGroupName"], int(params["MinSize"]), int(params["MaxSize"])
    _check_name(ctx, name)
    desired = int(params.get("DesiredCapacity", least))
    check_sizes(least, most, desired)
    tags = read_tags(params.get("Tags") or ())
    places = _somewhere((yield from places_of(ctx, params)))
    source = required((yield from source_of(ctx, params, list(places.subnets))))
    targets = yield from checked_targets(ctx, params)
    role = yield from service_role(ctx, params.get("ServiceLinkedRoleARN", ""))
    made = AutoScalingGroup(
        account=ctx.account,
        region=ctx.region,
        name=name,
        id=request_id(ctx.entropy),
        created=int(ctx.now),
        min_size=least,
        max_size=most,
        desired=desired,
        service_role=role.arn,
        **source.fields(),
        **places._asdict(),
        reason=f"{at(ctx.now)} {_CREATED} changing the desired capacity from 0 to {desired}.",
    )
    made = with_targets(with_tags(changed_settings(made, params), tags), targets)
    hooks = [new_hook(made, given) for given in params.get("LifecycleHookSpecificationList") or ()]
    tests: list[Effect] = []
    for hook in hooks:
        tests += yield from hook_test(ctx, made, hook)
    return Outcome({}, (*expired(ctx), *role.events, put(made), *map(put, hooks)), tuple(tests))


def update_auto_scaling_group(ctx: Context, params: Params) -> Asking:
    """autoscaling:UpdateAutoScalingGroup. What is not in the request stays as it is."""
    group = group_named(ctx, params["AutoScalingGroupName"])
    places = yield from places_of(ctx, params)
    source = yield from source_of(ctx, params, list((places or group).subnets))
    role = yield from service_role(ctx, params.get("ServiceLinkedRoleARN") or group.service_role)
    least, most = int(params.get("MinSize", group.min_size)), int(params.get("MaxSize", group.max_size))
    given = params.get("DesiredCapacity")
    desired = max(least, min(most, group.desired)) if given is None else int(given)
    check_sizes(least, most, desired)
    changed = changed_settings(replace(group, min_size=least, max_size=most, service_role=role.arn), params)
    if source is not None:
        changed = replace(changed, **source.fields())
    if places is not None:
        changed = replace(changed, **places._asdict())
    if desired != group.desired:
        why = f"update of AutoScalingGroup constraints to min: {least}, max: {most}, desired: {desired}"
        changed = with_desired(changed, ctx.now, f"a user request {why}", desired)
    return Outcome({}, (*role.events, put(replace(changed, failures=0, retry_at=0))))


def set_desired_capacity(ctx: Context, params: Params) -> Outcome:
    """autoscaling:SetDesiredCapacity."""
    group, desired = group_named(ctx, params["AutoScalingGroupName"]), int(params["DesiredCapacity"])
    if desired < group.min_size:
        raise validation_error(
            f"New SetDesiredCapacity value {desired} is below min value {group.min_size} for the AutoScalingGroup."
        )
    if desired > group.max_size:
        raise validation_error(
            f"New SetDesiredCapacity value {desired} is above max value {group.max_size} for the AutoScalingGroup."
        )
    if params.get("HonorCooldown") and ctx.now < group.scaled + group.cooldown:
        raise activity_in_progress(f"The Auto Scaling group '{group.name}' is in its cooldown period.")
    changed = with_desired(group, ctx.now, "a user request explicitly set group desired capacity", desired)
    return Outcome({}, (put(replace(changed, failures=0, retry_at=0)),))


def with_desired(group: AutoScalingGroup, now: float, why: str, desired: int) -> AutoScalingGroup:
    """`group` with another desired capacity; `why` is the beginning of the sentence that tells the reason."""
    reason = f"{at(now)} {why} changing the desired capacity from {group.desired} to {desired}."
    return replace(group, desired=desired, reason=reason)


def delete_auto_scaling_group(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DeleteAutoScalingGroup. "ForceDelete: Specifies that the group is to be deleted along with all
    instances associated with the group, without waiting for all instances to be terminated." """
    group, forced = group_named(ctx, params["AutoScalingGroupName"], going=True), bool(params.get("ForceDelete"))
    protection = group.settings.get("DeletionProtection", "none")
    if protection == "prevent-all-deletion" or (forced and protection == "prevent-force-deletion"):
        raise validation_error(f"AutoScalingGroup '{group.name}' has deletion protection: {protection}.")
    if group.members and not forced:
        raise resource_in_use(
            "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still "
            "in the group."
        )
    if group.launches and not forced:
        raise activity_in_progress(
            "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group."
        )
    if group.members or group.launches:
        going = replace(group, min_size=0, desired=0, deleting=True)
        return Outcome({}, (put(going),))
    return Outcome({}, tuple(removal(ctx.state, group)))


def removal(state: State, group: AutoScalingGroup) -> Iterable[Event]:
    """The events that remove a group without instances, and what belongs to it. Its activities stay."""
    yield remove(group)
    for kind in (ScalingPolicy, ScheduledAction, LifecycleHook, InstanceRefresh):
        yield from map(remove, belonging(state, group, kind))


def describe_auto_scaling_groups(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DescribeAutoScalingGroups. Names that there are not are left out."""
    found = groups_in(ctx)
    if wanted := params.get("AutoScalingGroupNames"):
        found = [it for it in found if it.name in wanted]
    for entry in params.get("Filters") or ():
        has = _filter(entry.get("Name", ""))
        values = set(entry.get("Values") or ())
        found = [it for it in found if values & set(has(it))]
    page = page_of(params, found, lambda it: it.name)
    instances = params.get("IncludeInstances", True)
    return page.outcome("AutoScalingGroups", lambda it: group_shape(it, instances=instances))


def _filter(name: str) -> Callable[[AutoScalingGroup], Iterable[str]]:
    if name in ("tag-key", "tag-value"):
        part = name.removeprefix("tag-")
        return lambda group: (str(getattr(tag, part)) for tag in group.tags)
    if name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return lambda group: (tag.value for tag in group.tags if tag.key == key)
    raise validation_error(f"Filter type {name} is not correct. Allowed Filter types are: tag-key tag-value tag:key")


def _check_name(ctx: Context, name: str) -> None:
    table: Mapping[str, AutoScalingGroup] = ctx.state.table(AutoScalingGroup, ctx.account)
    if ":" in name:
        raise validation_error("Group name must not contain a colon.")
    if regional(ctx.region, name) in table:
        text = f"A group with the name {name} already exists"
        raise already_exists(f"AutoScalingGroup by this name already exists - {text}")
    if len(groups_in(ctx)) >= MOST:
        raise limit_exceeded(f"Limit on Auto Scaling groups exceeded: {MOST}")


def _somewhere(places: Places | None) -> Places:
    if places is None:
        raise validation_error("At least one Availability Zone or VPC Subnet is required.")
    return places


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateAutoScalingGroup": asks_and_writes(asking(create_auto_scaling_group)),
    "DeleteAutoScalingGroup": writes(delete_auto_scaling_group),
    "DescribeAutoScalingGroups": reads(describe_auto_scaling_groups),
    "SetDesiredCapacity": writes(set_desired_capacity),
    "UpdateAutoScalingGroup": asks_and_writes(asking(update_auto_scaling_group)),
}
