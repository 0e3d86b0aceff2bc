"""Scaling policies: kept, described, and with the alarms of target tracking (`tracking`); `executing` carries them out.

A policy of predictive scaling changes nothing (docs/differences.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from locum.core.calls import Effect
from locum.core.identifiers import request_id
from locum.services.autoscaling.executing import executed
from locum.services.autoscaling.faults import limit_exceeded, validation_error
from locum.services.autoscaling.lookup import belonging, group_named, page_of
from locum.services.autoscaling.tracking import alarm_names, delete_alarms, put_alarms, shown_alarms
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import ScalingPolicy, put, remove
from locum.state.autoscaling import regional

MOST: Final = 50
"""User Guide, "Quotas": scaling policies per Auto Scaling group."""

_TYPES: Final = ("SimpleScaling", "StepScaling", "TargetTrackingScaling", "PredictiveScaling")
_ADJUSTMENTS: Final = ("ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity")
_SETTINGS: Final = (
    "AdjustmentType",
    "MinAdjustmentStep",
    "MinAdjustmentMagnitude",
    "ScalingAdjustment",
    "Cooldown",
    "StepAdjustments",
    "MetricAggregationType",
    "EstimatedInstanceWarmup",
    "TargetTrackingConfiguration",
    "PredictiveScalingConfiguration",
    "Enabled",
)
_REQUIRED: Final[Mapping[str, Sequence[str]]] = {
    "SimpleScaling": ("AdjustmentType", "ScalingAdjustment"),
    "StepScaling": ("AdjustmentType", "StepAdjustments"),
    "TargetTrackingScaling": ("TargetTrackingConfiguration",),
    "PredictiveScaling": ("PredictiveScalingConfiguration",),
}


def put_scaling_policy(ctx: Context, params: Params) -> Outcome:
    """autoscaling:PutScalingPolicy."""
    group, name, kind = group_named(ctx, params["AutoScalingGroupName"]), params["PolicyName"], _type(params)
    before = ctx.state.get(ScalingPolicy, ctx.account, regional(ctx.region, group.name, name))
    if before is None and len(belonging(ctx.state, group, ScalingPolicy)) >= MOST:
        raise limit_exceeded(f"Limit on scaling policies per Auto Scaling group exceeded: {MOST}")
    made = ScalingPolicy(
        account=ctx.account,
        region=ctx.region,
        group=group.name,
        name=name,
        id=before.id if before else request_id(ctx.entropy),
        type=kind,
        settings={member: params[member] for member in _SETTINGS if params.get(member) is not None},
    )
    had = before.alarms if before else ()
    made = replace(made, alarms=alarm_names(group, made.settings, had, ctx.entropy))
    gone = [alarm for alarm in had if alarm not in made.alarms]
    calls = (*put_alarms(group, made), *delete_alarms(group, gone))
    effects = tuple(Effect(request_id(ctx.entropy), call, f"{made.arn} alarms", awaited=True) for call in calls)
    return Outcome({"PolicyARN": made.arn, "Alarms": shown_alarms(made)}, (put(made),), effects)


def delete_policy(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DeletePolicy."""
    return Outcome({}, (remove(_named(ctx, params)),))


def describe_policies(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DescribePolicies."""
    found = [it for it in ctx.state.table(ScalingPolicy, ctx.account).values() if it.region == ctx.region]
    if name := params.get("AutoScalingGroupName"):
        group = group_named(ctx, name, going=True).name
        found = [it for it in found if it.group == group]
    if wanted := params.get("PolicyNames"):
        found = [it for it in found if it.name in wanted or it.arn in wanted]
    if types := params.get("PolicyTypes"):
        found = [it for it in found if it.type in types]
    page = page_of(params, found, lambda it: it.key)
    return page.outcome("ScalingPolicies", _shown)


def execute_policy(ctx: Context, params: Params) -> Outcome:
    """autoscaling:ExecutePolicy."""
    return executed(ctx, _named(ctx, params), params)


def _type(params: Params) -> str:
    """The type of the policy in `params`, whose parameters are there. Raises Fault: ValidationError."""
    kind = params.get("PolicyType") or "SimpleScaling"
    if kind not in _TYPES:
        raise validation_error(f"PolicyType must be one of {', '.join(_TYPES)}")
    for member in _REQUIRED[kind]:
        if params.get(member) in (None, []):
            raise validation_error(f"{member} is required for policies of type {kind}")
    adjustment = params.get("AdjustmentType")
    if adjustment is not None and adjustment not in _ADJUSTMENTS:
        raise validation_error(f"AdjustmentType must be one of {', '.join(_ADJUSTMENTS)}")
    return str(kind)


def _named(ctx: Context, params: Params) -> ScalingPolicy:
    """The policy that is named by its name and its group, by its name alone, or by its ARN."""
    name, group = params["PolicyName"], params.get("AutoScalingGroupName")
    for it in sorted(ctx.state.table(ScalingPolicy, ctx.account).values(), key=lambda it: it.key):
        if it.region == ctx.region and name in (it.name, it.arn) and group in (None, "", it.group):
            return it
    raise validation_error(
        "Policy name not found" if not group else f"No scaling policy {name} found for group {group}"
    )


def _shown(it: ScalingPolicy) -> dict[str, Any]:
    return {
        "AutoScalingGroupName": it.group,
        "PolicyName": it.name,
        "PolicyARN": it.arn,
        "PolicyType": it.type,
        "StepAdjustments": [],
        "Enabled": True,
        **it.settings,
        "Alarms": shown_alarms(it),
    }


OPERATIONS: Final[dict[str, Operation]] = {
    "DeletePolicy": writes(delete_policy),
    "DescribePolicies": reads(describe_policies),
    "ExecutePolicy": writes(execute_policy),
    "PutScalingPolicy": writes(put_scaling_policy),
}
