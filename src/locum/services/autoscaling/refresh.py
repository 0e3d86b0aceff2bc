"""Instance refreshes: a group's instances are replaced, a few at a time, to bring all of them to one configuration.

User Guide, "How an instance refresh works". No more than `MinHealthyPercentage` (90) of the desired capacity is out of
service at once, but for one instance. While it is under way, all launches are from its desired configuration, which is
the group's once it has succeeded.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.services.asking import Asking, asking
from locum.services.autoscaling.activities import at
from locum.services.autoscaling.faults import not_implemented
from locum.services.autoscaling.lookup import LARGEST_PAGE, LISTS, belonging, group_named
from locum.services.autoscaling.sources import source_of
from locum.services.autoscaling.transitions import Moment, Step, out_of_service
from locum.services.verbs import Context, Operation, Outcome, Params, asks_and_writes, reads, writes
from locum.state import AutoScalingGroup, Event, GroupInstance, InstanceRefresh, State, put

ACTIVE: Final = ("Pending", "InProgress")
_MIN_HEALTHY: Final = 90
_LACKING: Final = ("CheckpointPercentages", "AutoRollback", "AlarmSpecification", "BakeTime", "MaxHealthyPercentage")


def active_refresh(state: State, group: AutoScalingGroup) -> InstanceRefresh | None:
    """The refresh of `group` that is under way."""
    return next((it for it in belonging(state, group, InstanceRefresh) if it.status in ACTIVE), None)


def start_instance_refresh(ctx: Context, params: Params) -> Asking:
    """autoscaling:StartInstanceRefresh."""
    group, preferences = group_named(ctx, params["AutoScalingGroupName"]), params.get("Preferences") or {}
    if params.get("Strategy", "Rolling") != "Rolling":
        raise not_implemented(f"instance refreshes by {params['Strategy']}")
    for member in _LACKING:
        if preferences.get(member):
            raise not_implemented(f"{member} of instance refreshes")
    if active_refresh(ctx.state, group) is not None:
        text = "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh."
        raise Fault("InstanceRefreshInProgress", text)
    wanted = params.get("DesiredConfiguration") or {}
    source = yield from source_of(ctx, wanted, list(group.subnets))
    configuration: dict[str, Any] = {}
    if source is not None:
        configuration = (
            {"LaunchTemplate": dict(source.template)}
            if source.template
            else {"MixedInstancesPolicy": dict(source.mixed)}
        )
    left = tuple(
        it.id for it in group.members if not (preferences.get("SkipMatching") and _matches(group, configuration, it))
    )
    made = InstanceRefresh(
        account=ctx.account,
        region=ctx.region,
        group=group.name,
        id=request_id(ctx.entropy),
        status="Pending",
        started=int(ctx.now),
        left=left,
        total=len(left),
        preferences=dict(preferences),
        configuration=configuration,
    )
    return Outcome({"InstanceRefreshId": made.id}, (put(made),))


def cancel_instance_refresh(ctx: Context, params: Params) -> Outcome:
    """autoscaling:CancelInstanceRefresh. What was replaced stays so."""
    found = active_refresh(ctx.state, group_named(ctx, params["AutoScalingGroupName"]))
    if found is None:
        text = "No in progress or pending Instance Refresh found for Auto Scaling group "
        raise Fault("ActiveInstanceRefreshNotFound", text + params["AutoScalingGroupName"])
    over = replace(found, status="Cancelled", ended=int(ctx.now), reason="Cancelled due to user request.")
    return Outcome({"InstanceRefreshId": found.id}, (put(over),))


def describe_instance_refreshes(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DescribeInstanceRefreshes: the newest first."""
    group, wanted = group_named(ctx, params["AutoScalingGroupName"], going=True), params.get("InstanceRefreshIds")
    found = [it for it in belonging(ctx.state, group, InstanceRefresh) if not wanted or it.id in wanted]
    size = min(int(params.get("MaxRecords", LISTS.default)), LARGEST_PAGE)
    page = LISTS.page({**params, "MaxRecords": size}, found, lambda it: f"{10**11 - it.started:011d} {it.id}")
    return page.outcome("InstanceRefreshes", _shown)


def refreshed(moment: Moment, group: AutoScalingGroup, also: Callable[[Event], None]) -> Step:
    """`group` after the next step of its refresh, if one is under way; `also` takes the event of the refresh."""
    refresh = active_refresh(moment.state, group)
    if refresh is None:
        return Step(group)
    by_id = {it.id: it for it in group.members}
    left = tuple(each for each in refresh.left if each in by_id and by_id[each].lifecycle not in _LEAVING)
    changed = replace(refresh, status="InProgress", left=left)
    step = Step(group)
    ready = [it for it in group.members if _is_ready(group, refresh, it, moment.now)]
    if not left and len(ready) >= group.desired and not group.launches:
        changed = replace(changed, status="Successful", ended=int(moment.now))
        step = Step(_with_configuration(group, refresh))
    else:
        open_to_it = [
            by_id[each] for each in left if by_id[each].lifecycle == "InService" and not by_id[each].protected
        ]
        for it in open_to_it[: _number_at_once(group, refresh, len(ready))]:
            cause = f"{at(moment.now)} an instance was taken out of service in response to an instance refresh."
            taken = out_of_service(moment, step.group, it, cause)
            step = Step(taken.group, (*step.activities, *taken.activities))
            changed = replace(changed, left=tuple(each for each in changed.left if each != it.id))
    if changed != refresh:
        also(put(changed))
    return step


def warm_at(moment: Moment, group: AutoScalingGroup) -> list[float]:
    """When the instances that a refresh waits for are warm."""
    refresh = active_refresh(moment.state, group)
    if refresh is None:
        return []
    times = (it.since + _warmup(group, refresh) for it in group.members if it.lifecycle == "InService")
    return [at_time for at_time in times if at_time > moment.now]


_LEAVING: Final = ("Terminating", "Terminating:Wait", "Terminating:Proceed")


def _warmup(group: AutoScalingGroup, refresh: InstanceRefresh) -> int:
    """ "By default, this is the default instance warmup of the group, or else its health check grace period." """
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
    """How many instances may be taken out of service now."""
    least = math.ceil(group.desired * int(refresh.preferences.get("MinHealthyPercentage", _MIN_HEALTHY)) / 100)
    return max(ready - least, 1 if ready >= group.desired else 0)


def _with_configuration(group: AutoScalingGroup, refresh: InstanceRefresh) -> AutoScalingGroup:
    """`group` with the desired configuration of a refresh that succeeded."""
    wanted = refresh.configuration
    if not wanted:
        return group
    template, mixed = wanted.get("LaunchTemplate", {}), wanted.get("MixedInstancesPolicy", {})
    return replace(group, configuration="", template=template, mixed=mixed)


def _matches(group: AutoScalingGroup, configuration: dict[str, Any], it: GroupInstance) -> bool:
    """Whether an instance has what the refresh would launch, as far as versions are numbers."""
    template = configuration.get("LaunchTemplate") or group.template
    if not template:
        return not configuration and it.configuration == group.configuration
    same = it.template.get("LaunchTemplateId") == template.get("LaunchTemplateId")
    return same and it.template.get("Version") == template.get("Version")


def _shown(it: InstanceRefresh) -> dict[str, Any]:
    done = 100 if it.status == "Successful" else min(99, 100 * (it.total - len(it.left)) // (it.total or 1))
    shape: dict[str, Any] = {
        "InstanceRefreshId": it.id,
        "AutoScalingGroupName": it.group,
        "Status": it.status,
        "StartTime": it.started,
        "PercentageComplete": done,
        "InstancesToUpdate": len(it.left),
        "Preferences": {"MinHealthyPercentage": _MIN_HEALTHY, "SkipMatching": False, **it.preferences},
        "Strategy": "Rolling",
    }
    if it.configuration:
        shape["DesiredConfiguration"] = it.configuration
    if it.ended:
        shape["EndTime"] = it.ended
    if it.reason:
        shape["StatusReason"] = it.reason
    return shape


OPERATIONS: Final[dict[str, Operation]] = {
    "CancelInstanceRefresh": writes(cancel_instance_refresh),
    "DescribeInstanceRefreshes": reads(describe_instance_refreshes),
    "StartInstanceRefresh": asks_and_writes(asking(start_instance_refresh)),
}
