"""The capacity pools of an EC2 Fleet, in the order in which they are tried, and its capacity of each kind.

EC2 User Guide, "Allocation strategies": by priority where the strategy says so. Nothing here has a price or runs out
of capacity, so that all other strategies take the pools in the order of the request.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from locum.core.errors import Fault
from locum.services.ec2.faults import invalid_value, missing_parameter
from locum.services.verbs import Params

Lifecycle = Literal["on-demand", "spot"]

MOST_CAPACITY: Final = 1000

_SHOWN: Final = (
    "InstanceType",
    "MaxPrice",
    "SubnetId",
    "AvailabilityZone",
    "WeightedCapacity",
    "Priority",
    "ImageId",
    "BlockDeviceMappings",
)
"""The members of an override that answers have; of its placement they have the name of the group."""
_AS_GIVEN: Final = (
    "InstanceType",
    "SubnetId",
    "ImageId",
    "KeyName",
    "BlockDeviceMappings",
    "IamInstanceProfile",
    "MetadataOptions",
)
"""The members of an override that are parameters of RunInstances under the same name."""
_OPTIONS: Final = {"on-demand": "OnDemandOptions", "spot": "SpotOptions"}
_BY_PRIORITY: Final = ("prioritized", "capacity-optimized-prioritized", "capacityOptimizedPrioritized")
_UNSUPPORTED: Final = ("InstanceRequirements", "AvailabilityZoneId")


class Pool(NamedTuple):
    """A launch template, in the version `version` (a `LaunchTemplateVersion`), with one override of it.

    `user_data` replaces that of the template where it is not empty.
    """

    version: Mapping[str, Any]
    override: Mapping[str, Any]
    user_data: str = ""

    def number(self, capacity: int) -> int:
        """The number of instances that have `capacity` together."""
        return math.ceil(capacity / (self.override.get("WeightedCapacity") or 1))

    def shape(self) -> dict[str, Any]:
        """A `LaunchTemplateAndOverridesResponse`."""
        named = {"LaunchTemplateId": self.version["LaunchTemplateId"], "Version": str(self.version["VersionNumber"])}
        return {"LaunchTemplateSpecification": named, "Overrides": shown_override(self.override)}

    def launch(self, number: int, lifecycle: Lifecycle) -> dict[str, Any]:
        """The parameters of RunInstances for `number` instances.

        The subnet of an override takes the place of that in the template's network interfaces.
        """
        override, data = self.override, self.version.get("LaunchTemplateData", {})
        params = {name: override[name] for name in _AS_GIVEN if override.get(name)}
        if "SubnetId" in params and data.get("NetworkInterfaces"):
            subnet = params.pop("SubnetId")
            params["NetworkInterfaces"] = [{**each, "SubnetId": subnet} for each in data["NetworkInterfaces"]]
        placement = dict(override.get("Placement") or {})
        if override.get("AvailabilityZone"):
            placement["AvailabilityZone"] = override["AvailabilityZone"]
        if placement:
            params["Placement"] = {**(data.get("Placement") or {}), **placement}
        if self.user_data:
            params["UserData"] = self.user_data
        if lifecycle == "spot":
            params["InstanceMarketOptions"] = {"MarketType": "spot"}
        template = self.shape()["LaunchTemplateSpecification"]
        return {**params, "LaunchTemplate": template, "MinCount": number, "MaxCount": number}


def shown_override(override: Mapping[str, Any]) -> dict[str, Any]:
    """A `FleetLaunchTemplateOverrides`."""
    shown = {name: override[name] for name in _SHOWN if override.get(name) is not None}
    group = (override.get("Placement") or {}).get("GroupName")
    return shown | ({"Placement": {"GroupName": group}} if group else {})


def shown_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """A `FleetLaunchTemplateConfig`: without user data, which nobody is shown."""
    members = ("LaunchTemplateId", "LaunchTemplateName", "Version")
    given = config.get("LaunchTemplateSpecification") or {}
    return {
        "LaunchTemplateSpecification": {name: given[name] for name in members if name in given},
        "Overrides": [shown_override(each) for each in config.get("Overrides") or ()],
    }


def overrides_of(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The overrides of a `FleetLaunchTemplateConfigRequest`; an empty one where it has none.

    Raises Fault UnsupportedOperation.
    """
    overrides = list(config.get("Overrides") or ({},))
    for override in overrides:
        for name in _UNSUPPORTED:
            if override.get(name):
                raise Fault("UnsupportedOperation", f"{name} in the overrides of a fleet is not supported here.")
    return overrides


def in_order(pools: list[Pool], params: Params, lifecycle: Lifecycle) -> list[Pool]:
    """The pools in the order in which they are tried; those without a priority come last where it counts."""
    strategy = (params.get(_OPTIONS[lifecycle]) or {}).get("AllocationStrategy")
    if strategy not in _BY_PRIORITY:
        return pools
    return sorted(pools, key=lambda pool: pool.override.get("Priority", math.inf))


def capacities(params: Params) -> Iterator[tuple[Lifecycle, int]]:
    """The capacity of each kind that a fleet is to have, where it is to have any. Raises Fault for what cannot be."""
    target = params.get("TargetCapacitySpecification") or {}
    if target.get("TotalTargetCapacity") is None:
        raise missing_parameter("TargetCapacitySpecification.TotalTargetCapacity")
    total, default = int(target["TotalTargetCapacity"]), target.get("DefaultTargetCapacityType") or "on-demand"
    if not 1 <= total <= MOST_CAPACITY:
        raise invalid_value(f"TotalTargetCapacity must be between 1 and {MOST_CAPACITY}.")
    if default not in _OPTIONS or target.get("TargetCapacityUnitType", "units") != "units":
        raise Fault("UnsupportedOperation", "A fleet has units of on-demand and spot capacity, and no other, here.")
    wanted = {
        "on-demand": int(target.get("OnDemandTargetCapacity") or 0),
        "spot": int(target.get("SpotTargetCapacity") or 0),
    }
    rest = total - sum(wanted.values())
    if rest < 0 or min(wanted.values()) < 0:
        raise invalid_value("TotalTargetCapacity must be the sum of OnDemandTargetCapacity and SpotTargetCapacity.")
    wanted[default] += rest
    if wanted["on-demand"]:
        yield "on-demand", wanted["on-demand"]
    if wanted["spot"]:
        yield "spot", wanted["spot"]
