"""Scaling policies: kept, described, and carried out by ExecutePolicy.

No alarm of the backend calls them, so that a policy of target tracking or predictive scaling changes nothing
(docs/differences.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from locum.core.identifiers import request_id
from locum.services.autoscaling.faults import activity_in_progress, limit_exceeded, validation_error
from locum.services.autoscaling.groups import with_desired
from locum.services.autoscaling.lookup import LARGEST_PAGE, LISTS, belonging, group_named
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import AutoScalingGroup, ScalingPolicy, put, remove
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
    return Outcome({"PolicyARN": made.arn, "Alarms": []}, (put(made),))


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
    size = min(int(params.get("MaxRecords", LISTS.default)), LARGEST_PAGE)
    page = LISTS.page({**params, "MaxRecords": size}, found, lambda it: it.key)
    return page.outcome("ScalingPolicies", _shown)


def execute_policy(ctx: Context, params: Params) -> Outcome:
    """autoscaling:ExecutePolicy."""
    policy = _named(ctx, params)
    group = group_named(ctx, policy.group)
    if policy.type not in ("SimpleScaling", "StepScaling"):
        raise validation_error(f"ExecutePolicy is not supported for policies of type {policy.type}.")
    if not policy.settings.get("Enabled", True):
        raise validation_error(f"The policy {policy.name} is disabled.")
    cooldown = int(policy.settings.get("Cooldown", group.cooldown))
    if params.get("HonorCooldown") and policy.type == "SimpleScaling" and ctx.now < group.scaled + cooldown:
        raise activity_in_progress(f"The Auto Scaling group '{group.name}' is in its cooldown period.")
    desired = max(group.min_size, min(group.max_size, group.desired + _change(policy, group, params)))
    if desired == group.desired:
        return Outcome({})
    changed = with_desired(group, ctx.now, f"a user request executed policy {policy.name}", desired)
    return Outcome({}, (put(replace(changed, failures=0, retry_at=0)),))


def _change(policy: ScalingPolicy, group: AutoScalingGroup, params: Params) -> int:
    """By how much a policy changes the desired capacity, which may go beyond the bounds of the group."""
    settings = policy.settings
    if policy.type == "SimpleScaling":
        adjustment = int(settings["ScalingAdjustment"])
    else:
        if "MetricValue" not in params or "BreachThreshold" not in params:
            raise validation_error("MetricValue and BreachThreshold are required for policies of type StepScaling.")
        adjustment = _step(settings["StepAdjustments"], params["MetricValue"] - params["BreachThreshold"])
    if settings["AdjustmentType"] == "ExactCapacity":
        return adjustment - group.desired
    if settings["AdjustmentType"] == "ChangeInCapacity":
        return adjustment
    # User Guide, "Scaling adjustment types": values over 1 are rounded down, those between 0 and 1 to 1.
    exact = group.desired * adjustment / 100
    rounded = math.copysign(max(1, math.floor(abs(exact))), exact) if exact else 0
    least = int(settings.get("MinAdjustmentMagnitude") or settings.get("MinAdjustmentStep") or 0)
    return int(math.copysign(max(abs(rounded), least), adjustment)) if adjustment else 0


def _step(steps: Sequence[Mapping[str, Any]], difference: float) -> int:
    """The adjustment of the step that `difference`, between the metric and its threshold, is in. Raises Fault."""
    for step in steps:
        low = step.get("MetricIntervalLowerBound", -math.inf)
        high = step.get("MetricIntervalUpperBound", math.inf)
        inside = low <= difference < high if difference >= 0 else low < difference <= high
        if inside:
            return int(step["ScalingAdjustment"])
    raise validation_error("No step adjustment found for the metric value and the breach threshold.")


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
        "Alarms": [],
    }


OPERATIONS: Final[dict[str, Operation]] = {
    "DeletePolicy": writes(delete_policy),
    "DescribePolicies": reads(describe_policies),
    "ExecutePolicy": writes(execute_policy),
    "PutScalingPolicy": writes(put_scaling_policy),
}
