"""The settings of a group, as Create- and UpdateAutoScalingGroup take them."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from locum.services.autoscaling.faults import not_implemented, validation_error
from locum.services.verbs import Params
from locum.state import AutoScalingGroup

SETTINGS: Final = (
    "AvailabilityZoneDistribution",
    "AvailabilityZoneImpairmentPolicy",
    "CapacityRebalance",
    "CapacityReservationSpecification",
    "Context",
    "DefaultInstanceWarmup",
    "DeletionProtection",
    "DesiredCapacityType",
    "HealthCheckType",
    "InstanceLifecyclePolicy",
    "InstanceMaintenancePolicy",
    "LoadBalancerNames",
    "MaxInstanceLifetime",
    "Operator",
    "PlacementGroup",
)
"""Members that are stored as given, for Describe."""

TERMINATION_POLICIES: Final = (
    "AllocationStrategy",
    "ClosestToNextInstanceHour",
    "Default",
    "NewestInstance",
    "OldestInstance",
    "OldestLaunchConfiguration",
    "OldestLaunchTemplate",
)


def check_sizes(least: int, most: int, desired: int) -> None:
    """Raise Fault where the sizes of a group do not go together."""
    if least < 0 or most < 0 or desired < 0:
        raise validation_error("Group sizes must not be negative.")
    if most < least:
        raise validation_error(f"Max bound, {most}, must be greater than or equal to min bound, {least}")
    if not least <= desired <= most:
        raise validation_error(
            f"Desired capacity:{desired} must be between the specified min size:{least} and max size:{most}"
        )


def changed_settings(group: AutoScalingGroup, params: Params) -> AutoScalingGroup:
    """`group` with the settings in `params`; the others stay. Raises Fault: ValidationError."""
    fields: dict[str, Any] = {}
    for member, field in (
        ("DefaultCooldown", "cooldown"),
        ("HealthCheckGracePeriod", "grace"),
        ("NewInstancesProtectedFromScaleIn", "protects_new"),
    ):
        if member in params:
            fields[field] = params[member]
    if policies := params.get("TerminationPolicies"):
        fields["termination_policies"] = _checked_policies(policies)
    given = {member: params[member] for member in SETTINGS if member in params}
    return replace(group, settings={**group.settings, **given}, **fields)


def _checked_policies(policies: list[str]) -> tuple[str, ...]:
    for policy in policies:
        if policy.startswith("arn:"):
            raise not_implemented("termination policies of Lambda functions")
        if policy not in TERMINATION_POLICIES:
            raise validation_error(f"{policy} is not a valid termination policy.")
    return tuple(policies)
