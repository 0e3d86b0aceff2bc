"""Processes that can be suspended, metrics that are asked for, and the lists of what there is."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from locum.services.autoscaling.activities import at
from locum.services.autoscaling.faults import validation_error
from locum.services.autoscaling.groups import MOST as MOST_GROUPS
from locum.services.autoscaling.launch_configurations import MOST as MOST_CONFIGURATIONS
from locum.services.autoscaling.lookup import group_named, groups_in
from locum.services.autoscaling.notices import TYPES
from locum.services.autoscaling.settings import TERMINATION_POLICIES
from locum.services.verbs import Context, Operation, Outcome, Params, Verb, reads, writes
from locum.state import LaunchConfiguration, put

PROCESSES: Final = (
    "AZRebalance",
    "AddToLoadBalancer",
    "AlarmNotification",
    "HealthCheck",
    "InstanceRefresh",
    "Launch",
    "ReplaceUnhealthy",
    "ScheduledActions",
    "Terminate",
)
_METRICS: Final = (
    "GroupMinSize",
    "GroupMaxSize",
    "GroupDesiredCapacity",
    "GroupInServiceInstances",
    "GroupInServiceCapacity",
    "GroupPendingInstances",
    "GroupPendingCapacity",
    "GroupTerminatingInstances",
    "GroupTerminatingCapacity",
    "GroupStandbyInstances",
    "GroupStandbyCapacity",
    "GroupTotalInstances",
    "GroupTotalCapacity",
)
_ENABLED: Final = "EnabledMetrics"
_ADJUSTMENTS: Final = ("ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity")


def suspend_processes(ctx: Context, params: Params) -> Outcome:
    """autoscaling:SuspendProcesses: those that are named, or all."""
    group = group_named(ctx, params["AutoScalingGroupName"])
    reason = f"User suspended at {at(ctx.now).removeprefix('At ')}"
    suspended = {**dict.fromkeys(_named(params), reason), **group.suspended}
    return Outcome({}, (put(replace(group, suspended=suspended)),))


def resume_processes(ctx: Context, params: Params) -> Outcome:
    """autoscaling:ResumeProcesses: those that are named, or all."""
    group, gone = group_named(ctx, params["AutoScalingGroupName"]), _named(params)
    suspended = {name: reason for name, reason in group.suspended.items() if name not in gone}
    return Outcome({}, (put(replace(group, suspended=suspended, failures=0, retry_at=0)),))


def enable_metrics_collection(ctx: Context, params: Params) -> Outcome:
    """autoscaling:EnableMetricsCollection: of the metrics that are named, or of all. Nothing is collected."""
    if params["Granularity"] != "1Minute":
        raise validation_error("The only valid value for Granularity is 1Minute.")
    group = group_named(ctx, params["AutoScalingGroupName"])
    enabled = {*_metrics(params), *group.settings.get(_ENABLED, ())}
    return Outcome({}, (put(replace(group, settings={**group.settings, _ENABLED: sorted(enabled)})),))


def disable_metrics_collection(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DisableMetricsCollection: of the metrics that are named, or of all."""
    group, gone = group_named(ctx, params["AutoScalingGroupName"]), _metrics(params)
    enabled = [name for name in group.settings.get(_ENABLED, ()) if name not in gone]
    return Outcome({}, (put(replace(group, settings={**group.settings, _ENABLED: enabled})),))


def describe_account_limits(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DescribeAccountLimits."""
    configurations = ctx.state.table(LaunchConfiguration, ctx.account).values()
    return Outcome(
        {
            "MaxNumberOfAutoScalingGroups": MOST_GROUPS,
            "MaxNumberOfLaunchConfigurations": MOST_CONFIGURATIONS,
            "NumberOfAutoScalingGroups": len(groups_in(ctx)),
            "NumberOfLaunchConfigurations": sum(it.region == ctx.region for it in configurations),
        }
    )


def _metrics(params: Params) -> tuple[str, ...]:
    given = tuple(params.get("Metrics") or ()) or _METRICS
    for name in given:
        if name not in _METRICS:
            raise validation_error(f"{name} is not a valid metric.")
    return given


def _named(params: Params) -> tuple[str, ...]:
    given = tuple(params.get("ScalingProcesses") or ()) or PROCESSES
    for name in given:
        if name not in PROCESSES:
            raise validation_error(f"{name} is not a valid scaling process.")
    return given


def _always(answer: dict[str, Any]) -> Verb:
    """A verb with the same answer for everybody."""
    return lambda _ctx, _params: Outcome(answer)


OPERATIONS: Final[dict[str, Operation]] = {
    "DescribeAccountLimits": reads(describe_account_limits),
    "DescribeAdjustmentTypes": reads(_always({"AdjustmentTypes": [{"AdjustmentType": name} for name in _ADJUSTMENTS]})),
    "DescribeAutoScalingNotificationTypes": reads(_always({"AutoScalingNotificationTypes": list(TYPES)})),
    "DescribeMetricCollectionTypes": reads(
        _always({"Metrics": [{"Metric": name} for name in _METRICS], "Granularities": [{"Granularity": "1Minute"}]})
    ),
    "DescribeScalingProcessTypes": reads(_always({"Processes": [{"ProcessName": name} for name in PROCESSES]})),
    "DescribeTerminationPolicyTypes": reads(_always({"TerminationPolicyTypes": list(TERMINATION_POLICIES)})),
    "DisableMetricsCollection": writes(disable_metrics_collection),
    "EnableMetricsCollection": writes(enable_metrics_collection),
    "ResumeProcesses": writes(resume_processes),
    "SuspendProcesses": writes(suspend_processes),
}
