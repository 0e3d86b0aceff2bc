"""The transitions of a group's instances: into service, out of it, and the activities that tell of them."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec.structs import replace

from locum.core.clock import Entropy
from locum.services.autoscaling.activities import begun, ended
from locum.services.autoscaling.hooks import LAUNCHING, TERMINATING, pending_hooks, with_member
from locum.state import AutoScalingGroup, GroupInstance, ScalingActivity, State
from locum.state.autoscaling import regional

FIRST_RETRY = 60
LONGEST_RETRY = 3600
"""Seconds after a launch that failed; the time doubles with each one that follows."""


class Moment(NamedTuple):
    """The state that a transition is made on, and when."""

    state: State
    now: float
    entropy: Entropy


class Step(NamedTuple):
    """A group after a transition, and the activities that it began or ended."""

    group: AutoScalingGroup
    activities: tuple[ScalingActivity, ...] = ()


def into_service(moment: Moment, group: AutoScalingGroup, it: GroupInstance, activity: ScalingActivity) -> Step:
    """`it`, which is in no group or in this one, waits for the hooks of launches, or is in service.

    `activity` is the one under way for it; it ends when the instance is in service.
    """
    hooks: tuple[Any, ...] = ()
    if it.lifecycle == "Pending":
        hooks = pending_hooks(moment.state, group, LAUNCHING, moment.now, moment.entropy)
    if hooks:
        changed = replace(it, lifecycle="Pending:Wait", hooks=hooks, activity=activity.id)
        after = replace(activity, status="MidLifecycleAction", progress=60)
    else:
        changed = replace(it, lifecycle="InService", since=int(moment.now), activity="")
        after = ended(activity, moment.now)
        group = replace(group, scaled=int(moment.now))
    there = any(member.id == it.id for member in group.members)
    group = with_member(group, changed) if there else replace(group, members=(*group.members, changed))
    return Step(group, (after,))


def out_of_service(
    moment: Moment, group: AutoScalingGroup, it: GroupInstance, cause: str, *, at_once: bool = False
) -> Step:
    """`it` is to be terminated, once the hooks of terminations are done; `at_once`: without them."""
    earlier = activity_of(moment.state, group, it)
    over = (
        ()
        if earlier is None
        else (ended(earlier, moment.now, "The instance was terminated before it was in service."),)
    )
    hooks = () if at_once else pending_hooks(moment.state, group, TERMINATING, moment.now, moment.entropy)
    group, activity = begun(
        group, moment.now, moment.entropy, f"Terminating EC2 instance: {it.id}", cause, zone=it.zone, instance=it.id
    )
    if hooks:
        activity = replace(activity, status="MidLifecycleAction", progress=60)
    lifecycle: Any = "Terminating:Wait" if hooks else "Terminating"
    changed = replace(it, lifecycle=lifecycle, hooks=hooks, activity=activity.id)
    return Step(with_member(group, changed), (*over, activity))


def launched(
    moment: Moment, group: AutoScalingGroup, activity: ScalingActivity, it: GroupInstance, subnet: str
) -> Step:
    """The launch `activity` has brought the instance `it`; nothing where that is known already."""
    if activity.id not in group.launches:
        return Step(group)
    group = replace(group, launches=without(group.launches, activity.id), failures=0, retry_at=0)
    text = f"Launching a new EC2 instance: {it.id}"
    told = replace(activity, description=text, zone=it.zone, subnet=subnet, instance=it.id)
    return into_service(moment, group, it, told)


def launch_failed(moment: Moment, group: AutoScalingGroup, activity: ScalingActivity, message: str) -> Step:
    """The launch `activity` has failed; the next is tried later, ever later the more have failed."""
    if activity.id not in group.launches:
        return Step(group)
    group = replace(group, launches=without(group.launches, activity.id))
    if group.retry_at <= moment.now:
        wait = min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(group.failures, 10))
        group = replace(group, failures=group.failures + 1, retry_at=int(moment.now) + wait)
    return Step(group, (ended(activity, moment.now, f"{message} Launching EC2 instance failed."),))


def terminated(moment: Moment, group: AutoScalingGroup, it: GroupInstance) -> Step:
    """`it` is gone: EC2 has terminated it."""
    members = tuple(member for member in group.members if member.id != it.id)
    group = replace(group, members=members, scaled=int(moment.now))
    activity = activity_of(moment.state, group, it)
    return Step(group, () if activity is None else (ended(activity, moment.now),))


def activity_of(state: State, group: AutoScalingGroup, it: GroupInstance) -> ScalingActivity | None:
    """The activity that is under way for an instance."""
    key = regional(group.region, group.name, it.activity)
    return state.get(ScalingActivity, group.account, key) if it.activity else None


def without(ids: tuple[str, ...], gone: str) -> tuple[str, ...]:
    """`ids` but for `gone`."""
    return tuple(it for it in ids if it != gone)
