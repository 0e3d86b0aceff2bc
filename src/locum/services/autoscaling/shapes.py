"""The shapes of groups and of their instances in answers."""

from __future__ import annotations

from typing import Any, Final

from locum.services.autoscaling.tags import tag_shape
from locum.services.autoscaling.targets import source_shape, target_groups
from locum.state import AutoScalingGroup, GroupInstance

_DEFAULTS: Final[dict[str, Any]] = {
    "LoadBalancerNames": [],
    "TargetGroupARNs": [],
    "HealthCheckType": "EC2",
    "CapacityRebalance": False,
}


def group_shape(group: AutoScalingGroup, *, instances: bool = True) -> dict[str, Any]:
    """An `AutoScalingGroup`."""
    shape: dict[str, Any] = {
        **_DEFAULTS,
        **{name: value for name, value in group.settings.items() if value != -1},
        "TrafficSources": [source_shape(arn) for arn in target_groups(group)],
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn,
        "MinSize": group.min_size,
        "MaxSize": group.max_size,
        "DesiredCapacity": group.desired,
        "DefaultCooldown": group.cooldown,
        "AvailabilityZones": list(group.zones),
        "HealthCheckGracePeriod": group.grace,
        "Instances": [_instance(it) for it in group.members] if instances else [],
        "CreatedTime": group.created,
        "SuspendedProcesses": [
            {"ProcessName": name, "SuspensionReason": reason} for name, reason in sorted(group.suspended.items())
        ],
        "VPCZoneIdentifier": ",".join(group.subnets),
        "EnabledMetrics": [
            {"Metric": name, "Granularity": "1Minute"} for name in group.settings.get("EnabledMetrics", ())
        ],
        "Tags": [tag_shape(group, tag) for tag in sorted(group.tags, key=lambda tag: tag.key)],
        "TerminationPolicies": list(group.termination_policies),
        "NewInstancesProtectedFromScaleIn": group.protects_new,
        "ServiceLinkedRoleARN": group.service_role,
    }
    if group.configuration:
        shape["LaunchConfigurationName"] = group.configuration
    if group.template:
        shape["LaunchTemplate"] = dict(group.template)
    if group.mixed:
        shape["MixedInstancesPolicy"] = group.mixed
    if group.deleting:
        shape["Status"] = "Delete in progress"
    return shape


def instance_details(group: AutoScalingGroup, it: GroupInstance) -> dict[str, Any]:
    """An `AutoScalingInstanceDetails`, whose health is in capitals."""
    return {**_instance(it), "AutoScalingGroupName": group.name, "HealthStatus": _health(it).upper()}


def _instance(it: GroupInstance) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "InstanceId": it.id,
        "InstanceType": it.type,
        "AvailabilityZone": it.zone,
        "LifecycleState": it.lifecycle,
        "HealthStatus": _health(it),
        "ProtectedFromScaleIn": it.protected,
    }
    if it.configuration:
        shape["LaunchConfigurationName"] = it.configuration
    if it.template:
        shape["LaunchTemplate"] = dict(it.template)
    if it.image:
        shape["ImageId"] = it.image
    return shape


def _health(it: GroupInstance) -> str:
    return "Unhealthy" if it.unhealthy else "Healthy"
