"""The alarms of target tracking policies: the group's service-linked role makes them in CloudWatch, and deletes them.

EC2 Auto Scaling User Guide, "Target tracking scaling policies": "Amazon EC2 Auto Scaling creates and manages the
CloudWatch alarms that invoke the scaling policy." One is for more capacity, above the target for three minutes; one for
less, below 90 % of it for fifteen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from locum.core.actors import ServiceRole
from locum.core.arn import PARTITION
from locum.core.calls import ServiceCall
from locum.core.clock import Entropy
from locum.core.identifiers import request_id
from locum.core.principal import Source
from locum.services.autoscaling.notices import SESSION
from locum.services.autoscaling.sources import SERVICE
from locum.state import AutoScalingGroup, ScalingPolicy

HIGH, LOW = "AlarmHigh", "AlarmLow"
TRACKING: Final = "TargetTrackingScaling"

_NAMESPACE: Final = "AWS/EC2"
_PREDEFINED: Final = {
    "ASGAverageCPUUtilization": "CPUUtilization",
    "ASGAverageNetworkIn": "NetworkIn",
    "ASGAverageNetworkOut": "NetworkOut",
}
_LOW_PART: Final = 0.9
_PERIODS: Final = {HIGH: 3, LOW: 15}
_SAME: Final = ("MetricName", "Namespace", "Dimensions", "Statistic", "Unit")


def alarm_names(
    group: AutoScalingGroup, settings: Mapping[str, Any], before: Sequence[str], entropy: Entropy
) -> tuple[str, ...]:
    """The names of the alarms of a policy with these settings: those that it had `before`, or new ones."""
    configuration = settings.get("TargetTrackingConfiguration")
    if not configuration or _metric(group, configuration) is None:
        return ()
    kinds = (HIGH,) if configuration.get("DisableScaleIn") else (HIGH, LOW)
    return tuple(
        next(
            (name for name in before if f"-{kind}-" in name),
            f"TargetTracking-{group.name}-{kind}-{request_id(entropy)}",
        )
        for kind in kinds
    )


def shown_alarms(policy: ScalingPolicy) -> list[dict[str, str]]:
    """The `Alarms` of a policy."""
    owner = f"arn:{PARTITION}:cloudwatch:{policy.region}:{policy.account}:alarm"
    return [{"AlarmName": name, "AlarmARN": f"{owner}:{name}"} for name in policy.alarms]


def put_alarms(group: AutoScalingGroup, policy: ScalingPolicy) -> Iterator[ServiceCall]:
    """The calls that make the alarms of `policy`, or make them anew."""
    configuration = policy.settings.get("TargetTrackingConfiguration") or {}
    metric, target = _metric(group, configuration), float(configuration.get("TargetValue", 0))
    for name in policy.alarms:
        kind = LOW if f"-{LOW}-" in name else HIGH
        params = {
            "AlarmName": name,
            "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy.arn}.",
            "ActionsEnabled": True,
            "AlarmActions": [policy.arn],
            **(metric or {}),
            "Period": 60,
            "EvaluationPeriods": _PERIODS[kind],
            "Threshold": target if kind == HIGH else target * _LOW_PART,
            "ComparisonOperator": "GreaterThanThreshold" if kind == HIGH else "LessThanThreshold",
        }
        yield _call(group, "PutMetricAlarm", params)


def delete_alarms(group: AutoScalingGroup, names: Sequence[str]) -> Iterator[ServiceCall]:
    """The call that deletes alarms; none where there are none."""
    if names:
        yield _call(group, "DeleteAlarms", {"AlarmNames": list(names)})


def _metric(group: AutoScalingGroup, configuration: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The members of PutMetricAlarm that name the metric; None where it is none of a kind that is watched here."""
    custom = configuration.get("CustomizedMetricSpecification")
    if custom:
        if not custom.get("MetricName"):
            return None  # made of several, by an expression
        return {"Statistic": "Average", **{name: custom[name] for name in _SAME if custom.get(name)}}
    kind = (configuration.get("PredefinedMetricSpecification") or {}).get("PredefinedMetricType", "")
    if kind not in _PREDEFINED:
        return None
    return {
        "MetricName": _PREDEFINED[kind],
        "Namespace": _NAMESPACE,
        "Dimensions": [{"Name": "AutoScalingGroupName", "Value": group.name}],
        "Statistic": "Average",
    }


def _call(group: AutoScalingGroup, operation: str, params: Mapping[str, Any]) -> ServiceCall:
    role = ServiceRole(SERVICE, group.service_role, SESSION, Source(group.account, group.arn))
    return ServiceCall(role, "cloudwatch", operation, params, group.region)
