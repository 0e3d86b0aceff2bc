"""Instance refreshes: a group's instances are replaced, to bring all of them to one configuration.

`rolling` does it, a few instances at a time. While a refresh is under way, all launches are from its desired
configuration, which is the group's once it has succeeded.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.services.asking import Asking, asking
from locum.services.autoscaling.faults import not_implemented, validation_error
from locum.services.autoscaling.lookup import belonging, group_named, page_of
from locum.services.autoscaling.sources import source_of
from locum.services.verbs import Context, Operation, Outcome, Params, asks_and_writes, reads, writes
from locum.state import AutoScalingGroup, GroupInstance, InstanceRefresh, State, put

ACTIVE: Final = ("Pending", "InProgress")
MIN_HEALTHY: Final = 90
"""The default of MinHealthyPercentage."""

CHOICES: Final = {
    "ScaleInProtectedInstances": ("Wait", "Refresh", "Ignore"),
    "StandbyInstances": ("Wait", "Terminate", "Ignore"),
}
"""The choices for instances that are protected from scale-in or in standby; the first is the default."""

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
    for member, values in CHOICES.items():
        if preferences.get(member, values[0]) not in values:
            raise validation_error(f"{member} must be one of {', '.join(values)}")
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
    page = page_of(params, found, lambda it: f"{10**11 - it.started:011d} {it.id}")
    return page.outcome("InstanceRefreshes", _shown)


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
        "Preferences": {"MinHealthyPercentage": MIN_HEALTHY, "SkipMatching": False, **it.preferences},
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
