"""ExecutePolicy: by a caller, and by an alarm of CloudWatch among whose actions the policy is.

User Guide, "Step and simple scaling policies": a simple policy waits for the cooldown; a step policy acts by how far
the metric is from the threshold of its alarm, and not again to add capacity while what it added is warming up. A target
tracking policy brings the capacity to what would bring the metric to its target.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from locum.core.arn import Arn
from locum.core.principal import PrincipalKind
from locum.services.autoscaling.faults import activity_in_progress, validation_error
from locum.services.autoscaling.groups import with_desired
from locum.services.autoscaling.lookup import group_named
from locum.services.autoscaling.tracking import LOW, TRACKING
from locum.services.verbs import Context, Outcome, Params
from locum.state import AutoScalingGroup, ScalingPolicy, put

_ALARM_PROCESS: Final = "AlarmNotification"


class _Breach(NamedTuple):
    """The breach that executes a policy: the name of the alarm (empty: a caller), the metric and its threshold."""

    alarm: str
    value: float | None
    threshold: float | None


def executed(ctx: Context, policy: ScalingPolicy, params: Params) -> Outcome:
    """The outcome of executing `policy`. Raises Fault: ValidationError, ScalingActivityInProgress."""
    group = group_named(ctx, policy.group)
    breach = _Breach(_alarm_of(ctx), params.get("MetricValue"), params.get("BreachThreshold"))
    if not policy.settings.get("Enabled", True):
        raise validation_error(f"The policy {policy.name} is disabled.")
    if breach.alarm and _ALARM_PROCESS in group.suspended:
        return Outcome({})
    kinds = ("SimpleScaling", "StepScaling", *((TRACKING,) if breach.alarm else ()))
    if policy.type not in kinds:
        raise validation_error(f"ExecutePolicy is not supported for policies of type {policy.type}.")
    cooldown = int(policy.settings.get("Cooldown", group.cooldown))
    honors = bool(params.get("HonorCooldown")) or bool(breach.alarm)
    if honors and policy.type == "SimpleScaling" and ctx.now < group.scaled + cooldown:
        raise activity_in_progress(f"The Auto Scaling group '{group.name}' is in its cooldown period.")
    change = _change(policy, group, breach)
    if breach.alarm and change > 0 and ctx.now < policy.executed + _warmup(policy, group):
        return Outcome({})
    desired = max(group.min_size, min(group.max_size, group.desired + change))
    if desired == group.desired:
        return Outcome({})
    alarmed = f"a monitor alarm {breach.alarm} in state ALARM triggered policy {policy.name}"
    why = alarmed if breach.alarm else f"a user request executed policy {policy.name}"
    changed = replace(with_desired(group, ctx.now, why, desired), failures=0, retry_at=0)
    acted = (put(replace(policy, executed=int(ctx.now))),) if breach.alarm and change > 0 else ()
    return Outcome({}, (put(changed), *acted))


def _alarm_of(ctx: Context) -> str:
    """The name of the alarm that executes a policy; empty where a caller does."""
    principal, source = ctx.caller.principal, ctx.caller.source
    arn = None if source is None or principal.kind is not PrincipalKind.SERVICE else Arn.find(source.arn)
    return "" if arn is None or arn.service != "cloudwatch" else arn.resource.removeprefix("alarm:")


def _warmup(policy: ScalingPolicy, group: AutoScalingGroup) -> int:
    """Seconds. "If not specified: the default instance warmup", or else the default cooldown."""
    if policy.type == "SimpleScaling":
        return 0
    given = policy.settings.get("EstimatedInstanceWarmup")
    default = int(group.settings.get("DefaultInstanceWarmup", -1))
    return int(given) if given is not None else (group.cooldown if default == -1 else default)


def _change(policy: ScalingPolicy, group: AutoScalingGroup, breach: _Breach) -> int:
    """By how much a policy changes the desired capacity, which may go beyond the bounds of the group."""
    settings = policy.settings
    if policy.type == TRACKING:
        return _tracked(settings["TargetTrackingConfiguration"], group, breach)
    if policy.type == "SimpleScaling":
        adjustment = int(settings["ScalingAdjustment"])
    elif breach.value is None or breach.threshold is None:
        raise validation_error("MetricValue and BreachThreshold are required for policies of type StepScaling.")
    else:
        adjustment = _step(settings["StepAdjustments"], breach.value - breach.threshold)
    if settings["AdjustmentType"] == "ExactCapacity":
        return adjustment - group.desired
    if settings["AdjustmentType"] == "ChangeInCapacity":
        return adjustment
    # User Guide, "Scaling adjustment types": values over 1 are rounded down, those between 0 and 1 to 1.
    exact = group.desired * adjustment / 100
    rounded = math.copysign(max(1, math.floor(abs(exact))), exact) if exact else 0
    least = int(settings.get("MinAdjustmentMagnitude") or settings.get("MinAdjustmentStep") or 0)
    return int(math.copysign(max(abs(rounded), least), adjustment)) if adjustment else 0


def _tracked(configuration: Mapping[str, Any], group: AutoScalingGroup, breach: _Breach) -> int:
    """The change that brings the metric to the target, if it is in proportion to the capacity: by one at least."""
    target, shrinks = float(configuration["TargetValue"]), f"-{LOW}-" in breach.alarm
    wanted = group.desired
    if breach.value is not None and target > 0:
        wanted = math.ceil(group.desired * breach.value / target)
    return min(-1, wanted - group.desired) if shrinks else max(1, wanted - group.desired)


def _step(steps: Sequence[Mapping[str, Any]], difference: float) -> int:
    """The adjustment of the step that `difference`, between the metric and its threshold, is in. Raises Fault."""
    for step in steps:
        low = step.get("MetricIntervalLowerBound", -math.inf)
        high = step.get("MetricIntervalUpperBound", math.inf)
        inside = low <= difference < high if difference >= 0 else low < difference <= high
        if inside:
            return int(step["ScalingAdjustment"])
    raise validation_error("No step adjustment found for the metric value and the breach threshold.")
