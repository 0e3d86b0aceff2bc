"""The steps of an instance refresh: instances are taken out of service, and the group replaces them.

User Guide, "How an instance refresh works": no more than what `MinHealthyPercentage` leaves of the desired capacity is
out of service at once, but for one instance; a new one counts once it is in service and warm. Instances that are
protected or in standby are replaced, left alone, or waited for: "Amazon EC2 Auto Scaling waits one hour [...].
Otherwise, the instance refresh will fail."
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from locum.services.autoscaling.activities import at
from locum.services.autoscaling.refresh import CHOICES, MIN_HEALTHY, active_refresh
from locum.services.autoscaling.transitions import Moment, Step, out_of_service
from locum.state import AutoScalingGroup, Event, GroupInstance, InstanceRefresh, put

PATIENCE: Final = 3600
"""Seconds for which a refresh waits for instances that it may not replace."""

_LEAVING: Final = ("Terminating", "Terminating:Wait", "Terminating:Proceed")
_IMPATIENT: Final = "The instances that are protected from scale-in or in standby were not released within an hour."


def refreshed(moment: Moment, group: AutoScalingGroup, also: Callable[[Event], None]) -> Step:
    """`group` after the next step of its refresh, if one is under way; `also` takes the event of the refresh."""
    refresh = active_refresh(moment.state, group)
    if refresh is None:
        return Step(group)
    left = [it for it in group.members if it.id in refresh.left and it.lifecycle not in _LEAVING]
    left = [it for it in left if _choice(refresh, it) != "Ignore"]
    changed = replace(refresh, status="InProgress", left=tuple(it.id for it in left))
    ready = sum(_is_ready(group, refresh, it, moment.now) for it in group.members)
    step = Step(group)
    if not left and ready >= group.desired and not group.launches:
        changed = replace(changed, status="Successful", ended=int(moment.now))
        step = Step(_with_configuration(group, refresh))
    elif left and all(_choice(refresh, it) == "Wait" for it in left):
        since = refresh.waiting or int(moment.now)
        changed = replace(changed, waiting=since)
        if moment.now >= since + PATIENCE:
            changed = replace(changed, status="Failed", ended=int(moment.now), reason=_IMPATIENT)
    else:
        changed = replace(changed, waiting=0)
        able = [it for it in left if _choice(refresh, it) == "Refresh"][: _number_at_once(group, refresh, ready)]
        step = _taken_out(moment, group, able)
        changed = replace(changed, left=tuple(it.id for it in left if it not in able))
    if changed != refresh:
        also(put(changed))
    return step


def next_step_at(moment: Moment, group: AutoScalingGroup) -> list[float]:
    """The instants at which the instances that a refresh waits for are warm, and its patience is over."""
    refresh = active_refresh(moment.state, group)
    if refresh is None:
        return []
    times = [it.since + _warmup(group, refresh) for it in group.members if it.lifecycle == "InService"]
    over = [refresh.waiting + PATIENCE] if refresh.waiting else []
    return [time for time in (*times, *over) if time > moment.now]


def _choice(refresh: InstanceRefresh, it: GroupInstance) -> str:
    """The choice for an instance: `Refresh`, `Ignore` or `Wait`."""
    if it.lifecycle == "Standby":
        wanted = _preference(refresh, "StandbyInstances")
    elif it.protected:
        wanted = _preference(refresh, "ScaleInProtectedInstances")
    else:
        wanted = "Refresh"
    return "Refresh" if wanted == "Terminate" else wanted


def _preference(refresh: InstanceRefresh, member: str) -> str:
    return str(refresh.preferences.get(member) or CHOICES[member][0])


def _taken_out(moment: Moment, group: AutoScalingGroup, chosen: list[GroupInstance]) -> Step:
    step = Step(group)
    cause = f"{at(moment.now)} an instance was taken out of service in response to an instance refresh."
    for it in chosen:
        taken = out_of_service(moment, step.group, it, cause)
        step = Step(taken.group, (*step.activities, *taken.activities))
    return step


def _warmup(group: AutoScalingGroup, refresh: InstanceRefresh) -> int:
    """Seconds. "By default": the default instance warmup of the group, or else its health check grace period."""
    given = refresh.preferences.get("InstanceWarmup")
    if given is not None:
        return int(given)
    default = int(group.settings.get("DefaultInstanceWarmup", -1))
    return group.grace if default == -1 else default


def _is_ready(group: AutoScalingGroup, refresh: InstanceRefresh, it: GroupInstance, now: float) -> bool:
    """Whether an instance is in service, healthy and warm. Those from before the refresh are."""
    if it.lifecycle != "InService" or it.unhealthy:
        return False
    return it.id in refresh.left or it.since < refresh.started or now >= it.since + _warmup(group, refresh)


def _number_at_once(group: AutoScalingGroup, refresh: InstanceRefresh, ready: int) -> int:
    """The number of instances that may be taken out of service now."""
    least = math.ceil(group.desired * int(refresh.preferences.get("MinHealthyPercentage", MIN_HEALTHY)) / 100)
    return max(ready - least, 1 if ready >= group.desired else 0)


def _with_configuration(group: AutoScalingGroup, refresh: InstanceRefresh) -> AutoScalingGroup:
    """`group` with the desired configuration of a refresh that succeeded."""
    wanted = refresh.configuration
    if not wanted:
        return group
    template, mixed = wanted.get("LaunchTemplate", {}), wanted.get("MixedInstancesPolicy", {})
    return replace(group, configuration="", template=template, mixed=mixed)
