"""The instances of groups: how they are taken out, put in, set aside, protected and described."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from locum.services.autoscaling.activities import at, begun, ended, shown
from locum.services.autoscaling.announcements import released
from locum.services.autoscaling.faults import validation_error
from locum.services.autoscaling.hooks import with_member
from locum.services.autoscaling.lookup import group_named, group_of_instance, groups_in, members_of, page_of
from locum.services.autoscaling.shapes import instance_details
from locum.services.autoscaling.transitions import Moment, into_service, out_of_service
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import AutoScalingGroup, Event, GroupInstance, Instance, put
from locum.state.indexes import GROUP_OF_INSTANCE, scoped

_UNDER_MIN: Final = (
    "Currently, desiredSize equals minSize ({least}). Terminating instance without replacement will violate group's "
    "min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size."
)
_SIZES: Final = (
    "AutoScalingGroup {name} has min-size={least}, max-size={most}, and desired-size={desired}. To {what} {number} "
    "instance(s), please update the AutoScalingGroup sizes appropriately."
)
_LEAVING: Final = ("Terminating", "Terminating:Wait", "Terminating:Proceed")


def terminate_instance_in_auto_scaling_group(ctx: Context, params: Params) -> Outcome:
    """autoscaling:TerminateInstanceInAutoScalingGroup, of one instance or of several of a group: of all or of none."""
    group, going = _to_terminate(ctx, params)
    events, activities = list[Event](), list[dict[str, Any]]()
    for it in going:
        if it.lifecycle in _LEAVING:
            raise validation_error(f"The instance {it.id} is already being terminated.")
        cause = f"{at(ctx.now)} instance {it.id} was taken out of service in response to a user request"
        if params["ShouldDecrementDesiredCapacity"]:
            if group.desired <= group.min_size:
                raise validation_error(_UNDER_MIN.format(least=group.min_size))
            if it.lifecycle != "Standby":
                cause += f", shrinking the capacity from {group.desired} to {group.desired - 1}"
                group = replace(group, desired=group.desired - 1)
        group, made = out_of_service(Moment(ctx.state, ctx.now, ctx.entropy), group, it, f"{cause}.")
        events += map(put, made)
        activities.append(shown(made[-1]))
    answer: dict[str, Any] = {"Activities": activities} if params.get("InstanceIds") else {"Activity": activities[0]}
    return Outcome(answer, (put(group), *events))


def attach_instances(ctx: Context, params: Params) -> Outcome:
    """autoscaling:AttachInstances: "Amazon EC2 Auto Scaling increases the desired capacity of the group by the number
    of instances being attached." """
    group, ids = group_named(ctx, params["AutoScalingGroupName"]), list(dict.fromkeys(params.get("InstanceIds") or ()))
    found = [_attachable(ctx, group, instance) for instance in ids]
    after = group.desired + len(found)
    if after > group.max_size:
        raise _wrong_sizes(group, "attach", len(found))
    moment, events = Moment(ctx.state, ctx.now, ctx.entropy), list[Event]()
    why = f"increasing the capacity from {group.desired} to {after}"
    cause = f"{at(ctx.now)} an instance was attached in response to a user request, {why}."
    group = replace(group, desired=after)
    for it in found:
        text = f"Attaching an existing EC2 instance: {it.id}"
        group, activity = begun(group, ctx.now, ctx.entropy, text, cause, zone=it.zone, instance=it.id)
        member = GroupInstance(
            id=it.id,
            zone=it.zone,
            type=it.instance_type,
            lifecycle="Pending",
            since=int(ctx.now),
            protected=group.protects_new,
            image=it.attributes.get("ImageId", ""),
        )
        group, activities = into_service(moment, group, member, activity)
        events += map(put, activities)
    return Outcome({}, (put(group), *events))


def detach_instances(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DetachInstances: they run on, in no group."""
    group, going = _chosen(ctx, params)
    gone = {it.id for it in going}
    changed = replace(group, members=tuple(it for it in group.members if it.id not in gone))
    done = _moved(ctx, group, changed, going, params, ("Detaching EC2 instance: {}", "detached", "detach"))
    return Outcome(done.answer, (*done.events, *released(ctx.state, group, going)))


def enter_standby(ctx: Context, params: Params) -> Outcome:
    """autoscaling:EnterStandby: they stay in the group, and count no more."""
    group, going = _chosen(ctx, params)
    changed = group
    for it in going:
        if it.lifecycle != "InService":
            raise validation_error(f"The instance {it.id} is not in InService.")
        changed = with_member(changed, replace(it, lifecycle="Standby"))
    texts = ("Moving EC2 instance to Standby: {}", "moved to standby", "place into standby")
    return _moved(ctx, group, changed, going, params, texts)


def exit_standby(ctx: Context, params: Params) -> Outcome:
    """autoscaling:ExitStandby: the desired capacity grows by the instances that are back."""
    group, back = _chosen(ctx, params)
    after = group.desired + len(back)
    if after > group.max_size:
        raise _wrong_sizes(group, "move out of standby", len(back))
    cause = f"{at(ctx.now)} instance {{}} was moved out of standby in response to a user request, "
    cause += f"increasing the capacity from {group.desired} to {after}."
    changed, events, activities = replace(group, desired=after), list[Event](), []
    for it in back:
        if it.lifecycle != "Standby":
            raise validation_error(f"The instance {it.id} is not in Standby.")
        text = f"Moving EC2 instance out of Standby: {it.id}"
        changed, activity = begun(changed, ctx.now, ctx.entropy, text, cause.format(it.id), zone=it.zone)
        changed = with_member(changed, replace(it, lifecycle="InService", since=int(ctx.now)))
        activities.append(ended(activity, ctx.now))
        events.append(put(activities[-1]))
    return Outcome({"Activities": [shown(it) for it in activities]}, (put(changed), *events))


def set_instance_health(ctx: Context, params: Params) -> Outcome:
    """autoscaling:SetInstanceHealth. "ShouldRespectGracePeriod: [...] By default, this call respects the grace
    period." """
    group, it = group_of_instance(ctx, params["InstanceId"])
    status = params["HealthStatus"]
    if status not in ("Healthy", "Unhealthy"):
        raise validation_error("Valid instance health states are: [Healthy, Unhealthy].")
    if status == "Healthy":
        return Outcome({}, (put(with_member(group, replace(it, unhealthy=""))),))
    if params.get("ShouldRespectGracePeriod", True) and ctx.now < it.since + group.grace:
        return Outcome({})
    return Outcome({}, (put(with_member(group, replace(it, unhealthy="a user health-check"))),))


def set_instance_protection(ctx: Context, params: Params) -> Outcome:
    """autoscaling:SetInstanceProtection."""
    group, chosen = _chosen(ctx, params)
    for it in chosen:
        if it.lifecycle in _LEAVING:
            raise validation_error(f"The instance {it.id} is not in InService or EnteringStandby or Standby.")
        group = with_member(group, replace(it, protected=bool(params["ProtectedFromScaleIn"])))
    return Outcome({}, (put(group),))


def describe_auto_scaling_instances(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DescribeAutoScalingInstances. Ids that are in no group are left out."""
    rows = [(group, it) for group in groups_in(ctx) for it in group.members]
    if wanted := params.get("InstanceIds"):
        rows = [row for row in rows if row[1].id in wanted]
    page = page_of(params, rows, lambda row: row[1].id, most=50)
    return page.outcome("AutoScalingInstances", lambda row: instance_details(*row))


def _to_terminate(ctx: Context, params: Params) -> tuple[AutoScalingGroup, list[GroupInstance]]:
    one, several = params.get("InstanceId"), params.get("InstanceIds")
    if bool(one) == bool(several):
        raise validation_error("Valid requests must contain either InstanceId or InstanceIds.")
    if one:
        group, it = group_of_instance(ctx, one)
        return group, [it]
    if not params.get("AutoScalingGroupName"):
        raise validation_error("AutoScalingGroupName is required when using InstanceIds.")
    return _chosen(ctx, params)


def _chosen(ctx: Context, params: Params) -> tuple[AutoScalingGroup, list[GroupInstance]]:
    group = group_named(ctx, params["AutoScalingGroupName"])
    return group, members_of(group, dict.fromkeys(params.get("InstanceIds") or ()))


def _moved(
    ctx: Context,
    group: AutoScalingGroup,
    changed: AutoScalingGroup,
    moved: Sequence[GroupInstance],
    params: Params,
    texts: tuple[str, str, str],
) -> Outcome:
    """The outcome of instances that count no more. `texts`: the activity's, what happened (in its cause), the verb."""
    description, happened, verb = texts
    shrinking = ""
    if params["ShouldDecrementDesiredCapacity"]:
        after = group.desired - sum(it.lifecycle != "Standby" for it in moved)
        if after < group.min_size:
            raise _wrong_sizes(group, verb, len(moved))
        shrinking = f", shrinking the capacity from {group.desired} to {after}"
        changed = replace(changed, desired=after)
    events, activities = list[Event](), list[dict[str, Any]]()
    for it in moved:
        cause = f"{at(ctx.now)} instance {it.id} was {happened} in response to a user request{shrinking}."
        told = description.format(it.id)
        changed, activity = begun(changed, ctx.now, ctx.entropy, told, cause, zone=it.zone, instance=it.id)
        done = ended(activity, ctx.now)
        events.append(put(done))
        activities.append(shown(done))
    return Outcome({"Activities": activities}, (put(changed), *events))


def _attachable(ctx: Context, group: AutoScalingGroup, instance: str) -> Instance:
    found = ctx.state.get(Instance, ctx.account, instance)
    if found is None or found.region != ctx.region:
        raise validation_error(f"Invalid Instance ID(s): [{instance}] specified")
    if found.state != "running":
        raise validation_error(f"Instance {instance} is not in running state.")
    other = ctx.state.first(AutoScalingGroup, GROUP_OF_INSTANCE, scoped(ctx.account, instance))
    if other is not None:
        raise validation_error(f"Instance {instance} is already part of AutoScalingGroup: {other.name}")
    if found.zone not in group.zones:
        text = f"The availability zone of the instance, {found.zone}, is not one of those of the Auto Scaling group"
        raise validation_error(f"{text}: {', '.join(group.zones)}")
    return found


def _wrong_sizes(group: AutoScalingGroup, what: str, number: int) -> Exception:
    sizes = {"least": group.min_size, "most": group.max_size, "desired": group.desired}
    return validation_error(_SIZES.format(name=group.name, what=what, number=number, **sizes))


OPERATIONS: Final[dict[str, Operation]] = {
    "AttachInstances": writes(attach_instances),
    "DescribeAutoScalingInstances": reads(describe_auto_scaling_instances),
    "DetachInstances": writes(detach_instances),
    "EnterStandby": writes(enter_standby),
    "ExitStandby": writes(exit_standby),
    "SetInstanceHealth": writes(set_instance_health),
    "SetInstanceProtection": writes(set_instance_protection),
    "TerminateInstanceInAutoScalingGroup": writes(terminate_instance_in_auto_scaling_group),
}
