"""The parameters of RunInstances for the launches of a group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.services.autoscaling.refresh import active_refresh
from locum.state import AutoScalingGroup, LaunchConfiguration, ScalingActivity, State
from locum.state.autoscaling import regional

NAME_TAG: Final = "aws:autoscaling:groupName"

_SAME: Final = (
    "ImageId",
    "KeyName",
    "UserData",
    "InstanceType",
    "KernelId",
    "RamdiskId",
    "BlockDeviceMappings",
    "EbsOptimized",
    "MetadataOptions",
)


def template_of(state: State, group: AutoScalingGroup) -> Mapping[str, str]:
    """The `LaunchTemplateSpecification` of the next launch; empty where it is from a launch configuration.

    While an instance refresh with a desired configuration is under way, that is what is launched from.
    """
    refresh = active_refresh(state, group)
    wanted = refresh.configuration if refresh is not None and refresh.configuration else {}
    if wanted.get("LaunchTemplate"):
        return dict(wanted["LaunchTemplate"])
    mixed = wanted.get("MixedInstancesPolicy") or group.mixed
    if mixed:
        return dict(mixed["LaunchTemplate"]["LaunchTemplateSpecification"])
    return group.template


def launch_parameters(
    state: State, group: AutoScalingGroup, activity: ScalingActivity, version: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The parameters of the launch `activity`, whose id is its client token.

    `version` is the `LaunchTemplateVersion` that it is from; None where it is from the group's launch configuration.
    """
    params = _from_configuration(state, group) if version is None else _from_template(group, version)
    if activity.subnet:
        if params.get("NetworkInterfaces"):
            first, *others = params["NetworkInterfaces"]
            params["NetworkInterfaces"] = [{**first, "SubnetId": activity.subnet}, *others]
        else:
            params["SubnetId"] = activity.subnet
    else:
        params["Placement"] = {**params.get("Placement", {}), "AvailabilityZone": activity.zone}
    tags = {tag.key: tag.value for tag in group.tags if tag.propagates} | {NAME_TAG: group.name}
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    params["TagSpecifications"] = [{"ResourceType": "instance", "Tags": listed}]
    return {**params, "MinCount": 1, "MaxCount": 1, "ClientToken": activity.id}


def _from_template(group: AutoScalingGroup, version: Mapping[str, Any]) -> dict[str, Any]:
    """The template, and what a launch of a group overrides of it: interfaces, into which its subnet comes."""
    number = str(version["VersionNumber"])
    params: dict[str, Any] = {"LaunchTemplate": {"LaunchTemplateId": version["LaunchTemplateId"], "Version": number}}
    data = version.get("LaunchTemplateData", {})
    if data.get("NetworkInterfaces") and group.subnets:
        params["NetworkInterfaces"] = data["NetworkInterfaces"]
    if data.get("Placement") and not group.subnets:
        params["Placement"] = dict(data["Placement"])
    overrides = (group.mixed.get("LaunchTemplate") or {}).get("Overrides") or ()
    if overrides and overrides[0].get("InstanceType"):
        params["InstanceType"] = overrides[0]["InstanceType"]
    return params


def _from_configuration(state: State, group: AutoScalingGroup) -> dict[str, Any]:
    found = state.get(LaunchConfiguration, group.account, regional(group.region, group.configuration))
    launch = {} if found is None else found.launch
    params: dict[str, Any] = {member: launch[member] for member in _SAME if member in launch}
    params["Monitoring"] = {"Enabled": bool((launch.get("InstanceMonitoring") or {}).get("Enabled", True))}
    if profile := launch.get("IamInstanceProfile"):
        params["IamInstanceProfile"] = {"Arn" if profile.startswith("arn:") else "Name": profile}
    if tenancy := launch.get("PlacementTenancy"):
        params["Placement"] = {"Tenancy": tenancy}
    groups = launch.get("SecurityGroups") or []
    ids = [group for group in groups if group.startswith("sg-")]
    if "AssociatePublicIpAddress" in launch and group.subnets:
        public = launch["AssociatePublicIpAddress"]
        interface = {"DeviceIndex": 0, "AssociatePublicIpAddress": public, **({"Groups": ids} if ids else {})}
        return {**params, "NetworkInterfaces": [interface]}
    if ids:
        params["SecurityGroupIds"] = ids
    if names := [group for group in groups if group not in ids]:
        params["SecurityGroups"] = names
    return params
