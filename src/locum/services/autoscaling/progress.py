"""The next steps of a group towards its desired capacity, as a pure function of the state.

`progress` makes all the changes that take no call. What takes one is then in the group, for the reconciler:
`launches` are to be made, and instances that are `Terminating` or `Terminating:Proceed` are to be terminated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from locum.services.autoscaling.activities import at, begun, forgotten
from locum.services.autoscaling.announcements import announced
from locum.services.autoscaling.groups import removal
from locum.services.autoscaling.hooks import timed_out, with_member
from locum.services.autoscaling.rolling import next_step_at, refreshed
from locum.services.autoscaling.scheduled import next_due, scheduled
from locum.services.autoscaling.termination import capacity_of, victims
from locum.services.autoscaling.transitions import Moment, activity_of, into_service, out_of_service
from locum.state import AutoScalingGroup, Event, GroupInstance, Instance, ScalingActivity, put
from locum.state.autoscaling import regional

TERMINATE: Final = ("Terminating", "Terminating:Proceed")
"""The lifecycle states of instances that are to be terminated now."""

_CHECKED: Final = ("Pending:Wait", "Pending:Proceed", "InService")
_RUNS: Final = ("pending", "running")
_ENDED_CHECK: Final = "an EC2 health check indicating it has been terminated or stopped"


class _Progress:
    """A group on its way, with the events so far."""

    def __init__(self, moment: Moment, group: AutoScalingGroup) -> None:
        self.moment = moment
        self.group = group
        self.others: list[Event] = []
        self.activities: dict[str, ScalingActivity] = {}

    def take(self, step: tuple[AutoScalingGroup, tuple[ScalingActivity, ...]]) -> None:
        """Go on with the group of `step`."""
        self.group, activities = step
        self.activities |= {it.id: it for it in activities}

    def suspended(self, *processes: str) -> bool:
        """Whether any of these processes is suspended."""
        return any(name in self.group.suspended for name in processes)


def progress(moment: Moment, group: AutoScalingGroup) -> tuple[Event, ...]:
    """The events by which `group` goes on; none where it has nothing to do but wait."""
    going = _Progress(moment, group)
    if group.deleting:
        if not group.members and not group.launches:
            return tuple(removal(moment.state, group))
        _give_up(going)
    else:
        if not going.suspended("ScheduledActions"):
            going.group, events = scheduled(moment, going.group)
            going.others += events
        _check_health(going)
        _go_on(going)
        _replace_unhealthy(going)
        if not going.suspended("Launch", "Terminate"):
            going.take(refreshed(moment, going.group, going.others.append))
        _match_capacity(going)
    going.others += announced(moment.state, going.group)
    if going.group is group and not going.activities and not going.others:
        return ()
    changed = () if going.group == group else (put(going.group),)
    old = forgotten(moment.state, group) if going.activities else ()
    return (*changed, *map(put, going.activities.values()), *going.others, *old)


def due(moment: Moment, group: AutoScalingGroup) -> float | None:
    """The instant at which `group` has something to do next, if nothing else changes; None where it has not."""
    times: list[float] = [hook.until for it in group.members for hook in it.hooks]
    if group.retry_at > moment.now:
        times.append(group.retry_at)
    times += next_step_at(moment, group)
    if "ScheduledActions" not in group.suspended:
        times += next_due(moment.state, group)
    return min(times, default=None)


def _check_health(going: _Progress) -> None:
    """Mark instances that run no more, and end the waits for hooks that took too long."""
    moment = going.moment
    for it in going.group.members:
        changed = timed_out(moment.state, going.group, it, moment.now) if it.hooks else it
        if changed.lifecycle in _CHECKED and not changed.unhealthy and not going.suspended("HealthCheck"):
            found = moment.state.get(Instance, going.group.account, it.id)
            if found is None or found.state not in _RUNS:
                changed = replace(changed, unhealthy=_ENDED_CHECK)
        if changed is not it:
            going.group = with_member(going.group, changed)


def _go_on(going: _Progress) -> None:
    """Instances that were waiting for hooks go into service."""
    for it in going.group.members:
        if it.lifecycle == "Pending:Proceed" and not it.unhealthy:
            activity = activity_of(going.moment.state, going.group, it)
            if activity is not None:
                going.take(into_service(going.moment, going.group, it, activity))


def _replace_unhealthy(going: _Progress) -> None:
    if going.suspended("ReplaceUnhealthy", "Terminate"):
        return
    for it in going.group.members:
        if it.unhealthy and it.lifecycle in _CHECKED:
            why = f"an instance was taken out of service in response to {it.unhealthy}."
            if it.unhealthy == "abandoned":
                why = f"instance {it.id} was taken out of service because its launch was abandoned by a lifecycle hook."
            going.take(out_of_service(going.moment, going.group, it, f"{at(going.moment.now)} {why}"))


def _give_up(going: _Progress) -> None:
    """Terminate all of a group that is being deleted, without its hooks."""
    for it in going.group.members:
        if it.lifecycle not in TERMINATE:
            cause = f"{at(going.moment.now)} instance {it.id} was taken out of service in response to a user request."
            going.take(out_of_service(going.moment, going.group, it, cause, at_once=True))


def _match_capacity(going: _Progress) -> None:
    """Begin the launches and terminations that bring the group to its desired capacity."""
    group, now = going.group, going.moment.now
    number = len(capacity_of(group)) + len(group.launches)
    if number < group.desired and not going.suspended("Launch") and group.retry_at <= now:
        causes = list(_launch_causes(group, number, now))
        for cause, (subnet, zone) in zip(causes, _places(group, len(causes)), strict=True):
            begun_one = begun(
                going.group, now, going.moment.entropy, "Launching a new EC2 instance.", cause, subnet, zone
            )
            going.take((replace(begun_one[0], launches=(*begun_one[0].launches, begun_one[1].id)), (begun_one[1],)))
        going.group = replace(going.group, reason="")
    elif number > group.desired and not going.suspended("Terminate"):
        _scale_in(going, number)
    elif group.reason and number == group.desired:
        going.group = replace(group, reason="")


def _scale_in(going: _Progress, number: int) -> None:
    group, now = going.group, going.moment.now
    chosen = victims(going.moment.state, group, number - group.desired, now)
    for it in chosen:
        why = "an instance was taken out of service in response to a difference between desired and actual capacity"
        shrinking = f"shrinking the capacity from {number} to {number - len(chosen)}"
        first = f"{group.reason}  " if group.reason else ""
        cause = f"{first}{at(now)} {why}, {shrinking}.  {at(now)} instance {it.id} was selected for termination."
        going.take(out_of_service(going.moment, going.group, it, cause))
    if chosen:
        going.group = replace(going.group, reason="")


def _launch_causes(group: AutoScalingGroup, number: int, now: float) -> Iterator[str]:
    for _ in range(group.desired - number):
        if group.reason or group.failures:
            first = f"{group.reason}  " if group.reason else ""
            increasing = f"increasing the capacity from {number} to {group.desired}"
            why = "an instance was started in response to a difference between desired and actual capacity"
            yield f"{first}{at(now)} {why}, {increasing}."
        else:
            yield f"{at(now)} an instance was launched in response to an unhealthy instance needing to be replaced."


def _places(group: AutoScalingGroup, number: int) -> Iterator[tuple[str, str]]:
    """Subnet and zone of each of `number` launches: where the group has the fewest instances, in turn."""
    numbers = Counter(it.zone for it in capacity_of(group))
    turns: Counter[str] = Counter()
    for _ in range(number):
        zone = min(group.zones, key=lambda each: numbers[each])
        numbers[zone] += 1
        subnets = [subnet for subnet, of in group.subnets.items() if of == zone]
        yield (subnets[turns[zone] % len(subnets)] if subnets else "", zone)
        turns[zone] += 1


def launch_of(moment: Moment, group: AutoScalingGroup, activity_id: str) -> ScalingActivity | None:
    """The activity of a launch of `group` that is under way."""
    return moment.state.get(ScalingActivity, group.account, regional(group.region, group.name, activity_id))


def to_terminate(group: AutoScalingGroup) -> list[GroupInstance]:
    """The instances of `group` that are to be terminated now."""
    return [it for it in group.members if it.lifecycle in TERMINATE]
