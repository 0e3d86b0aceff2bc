"""Auto Scaling groups, and what belongs to them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from locum.services.cloudformation.providers.base import Properties, Provider, Resource, Work
from locum.services.cloudformation.providers.guards import unread_only
from locum.services.cloudformation.providers.rolling import rolled, rolling_of, sizes_left
from locum.services.cloudformation.providers.steps import lenient, listed, truth, without
from locum.services.cloudformation.providers.table import (
    Call,
    Change,
    Each,
    Listing,
    Name,
    Row,
    Shown,
    Wait,
    provider,
)

_SERVICE: Final = "autoscaling"
_NAMED: Final = {"AutoScalingGroupName": "{id}"}
_OF_GROUP: Final = {"AutoScalingGroupName": "{p.AutoScalingGroupName}"}
_EXISTS: Final = frozenset({"AlreadyExists"})
_GONE: Final = "not found"
"""What Auto Scaling says of anything that is not there, in a ValidationError."""

# -- groups ----------------------------------------------------------------------------------------------

_CHANGED: Final = (
    "AvailabilityZoneDistribution AvailabilityZoneIds AvailabilityZoneImpairmentPolicy AvailabilityZones "
    "CapacityRebalance CapacityReservationSpecification Context DefaultCooldown=Cooldown DefaultInstanceWarmup "
    "DeletionProtection DesiredCapacity DesiredCapacityType HealthCheckGracePeriod HealthCheckType "
    "InstanceLifecyclePolicy InstanceMaintenancePolicy LaunchConfigurationName LaunchTemplate MaxInstanceLifetime "
    "MaxSize MinSize MixedInstancesPolicy NewInstancesProtectedFromScaleIn PlacementGroup ServiceLinkedRoleARN "
    "SkipZonalShiftValidation TerminationPolicies VPCZoneIdentifier"
)
_CREATED: Final = "InstanceId LifecycleHookSpecificationList LoadBalancerNames Tags TargetGroupARNs TrafficSources"
_DEFAULTS: Final[dict[str, Any]] = {
    "CapacityRebalance": False,
    "Context": "",
    "Cooldown": 300,
    "DefaultInstanceWarmup": -1,
    "DeletionProtection": "none",
    "HealthCheckGracePeriod": 0,
    "HealthCheckType": "EC2",
    "MaxInstanceLifetime": 0,
    "NewInstancesProtectedFromScaleIn": False,
    "TerminationPolicies": ["Default"],
}


def _part(name: str, put: str, remove: str, member: str = "") -> Each:
    """A list of a group whose items are attached and detached by their names."""
    given = {**_NAMED, member or name: ["{item}"]}
    return Each(name, Call(put, given), Call(remove, given), apart=False)


_HOOK: Final = (
    "DefaultResult",
    "HeartbeatTimeout",
    "LifecycleHookName",
    "LifecycleTransition",
    "NotificationMetadata",
    "NotificationTargetARN",
    "RoleARN",
)
_TAG: Final = {"ResourceId": "{id}", "ResourceType": "auto-scaling-group", "Key": "{item.Key}"}
_GROUP: Final = Row(
    _SERVICE,
    Call("CreateAutoScalingGroup", takes=f"{_CREATED} {_CHANGED}"),
    "{name}",
    (Call("DeleteAutoScalingGroup", {**_NAMED, "ForceDelete": True}),),
    attributes={"AutoScalingGroupARN": "{r.AutoScalingGroups.0.AutoScalingGroupARN}"},
    name=Name("AutoScalingGroupName", 255),
    read=Call("DescribeAutoScalingGroups", {"AutoScalingGroupNames": ["{id}"]}),
    exists=_EXISTS,
    gone=Wait("AutoScalingGroups.0.AutoScalingGroupName", frozenset({None})),
    settings=(Change(Call("UpdateAutoScalingGroup", _NAMED, _CHANGED), defaults=_DEFAULTS),),
    items=(
        _part("TargetGroupARNs", "AttachLoadBalancerTargetGroups", "DetachLoadBalancerTargetGroups"),
        _part("LoadBalancerNames", "AttachLoadBalancers", "DetachLoadBalancers"),
        _part("TrafficSources", "AttachTrafficSources", "DetachTrafficSources"),
        Each(
            "LifecycleHookSpecificationList",
            Call("PutLifecycleHook", {**_NAMED, **{name: f"{{item.{name}}}" for name in _HOOK}}),
            Call("DeleteLifecycleHook", {**_NAMED, "LifecycleHookName": "{item.LifecycleHookName}"}),
            key="{item.LifecycleHookName}",
            apart=False,
        ),
        Each(
            "Tags",
            Call(
                "CreateOrUpdateTags",
                {"Tags": [{**_TAG, "Value": "{item.Value}", "PropagateAtLaunch": "{item.PropagateAtLaunch}"}]},
            ),
            Call("DeleteTags", {"Tags": [_TAG]}),
            key="{item.Key}",
            apart=False,
        ),
        Each(
            "MetricsCollection",
            Call(
                "EnableMetricsCollection",
                {**_NAMED, "Granularity": "{item.Granularity}", "Metrics": "{item.Metrics}"},
            ),
            Call("DisableMetricsCollection", {**_NAMED, "Metrics": "{item.Metrics}"}),
            removed_first=True,
        ),
        Each(
            "NotificationConfigurations",
            Call(
                "PutNotificationConfiguration",
                {**_NAMED, "TopicARN": "{item.TopicARN}", "NotificationTypes": "{item.NotificationTypes}"},
            ),
            Call("DeleteNotificationConfiguration", {**_NAMED, "TopicARN": "{item.TopicARN}"}),
            key="{item.TopicARN}",
        ),
    ),
    shown=Shown(
        hides="NotificationConfiguration TrafficSources AvailabilityZones",
        members={"VPCZoneIdentifier": "{it.VPCZoneIdentifier}"},
        lists=Listing(Call("DescribeAutoScalingGroups"), "AutoScalingGroups", "{item.AutoScalingGroupName}"),
    ),
)


def _shaped(properties: Properties) -> dict[str, Any]:
    """Properties of a group as Auto Scaling has them."""
    made = without(properties, ("NotificationConfiguration",))
    if "VPCZoneIdentifier" in made:
        made["VPCZoneIdentifier"] = ",".join(listed(made["VPCZoneIdentifier"]))
    notifications = listed(made.get("NotificationConfigurations")) + listed(properties.get("NotificationConfiguration"))
    if notifications:
        made["NotificationConfigurations"] = notifications
    return made


def _tagged(resource: Resource) -> Resource:
    """A group with its properties as Auto Scaling has them, and the tags of its stack, which its instances have too."""
    properties = _shaped(resource.properties)
    own = {tag["Key"]: dict(tag) for tag in listed(properties.get("Tags"))}
    tags = {key: {"Key": key, "Value": value, "PropagateAtLaunch": True} for key, value in resource.tags.items()}
    if kept := {**tags, **own}:
        properties["Tags"] = [{"PropagateAtLaunch": False, **tags.get(key, {}), **own.get(key, {})} for key in kept]
    return replace(resource, properties=properties)


def _create_group(resource: Resource) -> Work:
    return (yield from provider(_GROUP).create(_tagged(resource)))


def _update_group(resource: Resource, before: Properties) -> Work:
    update = provider(_GROUP).update
    assert update is not None
    left = sizes_left(resource, before)
    tagged, former = _tagged(resource), without(_shaped(before), left)
    settings = update(replace(tagged, properties=without(tagged.properties, left)), former)
    rolling = rolling_of(resource)
    return (yield from settings if rolling is None else rolled(resource, rolling, before, settings))


_LAUNCH: Final = Row(
    _SERVICE,
    Call(
        "CreateLaunchConfiguration",
        takes="AssociatePublicIpAddress BlockDeviceMappings ClassicLinkVPCId ClassicLinkVPCSecurityGroups EbsOptimized "
        "IamInstanceProfile ImageId InstanceId InstanceMonitoring InstanceType KernelId KeyName MetadataOptions "
        "PlacementTenancy RamDiskId SecurityGroups SpotPrice UserData",
    ),
    "{name}",
    (Call("DeleteLaunchConfiguration", {"LaunchConfigurationName": "{id}"}),),
    name=Name("LaunchConfigurationName", 255),
    exists=_EXISTS,
    shown=Shown(
        Call("DescribeLaunchConfigurations", {"LaunchConfigurationNames": ["{id}"]}),
        "LaunchConfigurations.0",
        members={"InstanceMonitoring": "{it.InstanceMonitoring.Enabled}"},
        hides="UserData",
        lists=Listing(Call("DescribeLaunchConfigurations"), "LaunchConfigurations", "{item.LaunchConfigurationName}"),
    ),
    shaped=lambda properties: (
        {**properties, "InstanceMonitoring": {"Enabled": truth(properties["InstanceMonitoring"])}}
        if "InstanceMonitoring" in properties
        else properties
    ),
)

# -- what belongs to groups ------------------------------------------------------------------------------

_SCALED: Final = (
    "AdjustmentType Cooldown EstimatedInstanceWarmup MetricAggregationType MinAdjustmentMagnitude PolicyType "
    "PredictiveScalingConfiguration ScalingAdjustment StepAdjustments TargetTrackingConfiguration"
)
_POLICY: Final = Row(
    _SERVICE,
    Call("PutScalingPolicy", takes=f"AutoScalingGroupName {_SCALED}"),
    "{c.PolicyARN}",
    (Call("DeletePolicy", {**_OF_GROUP, "PolicyName": "{attr.PolicyName|id}"}),),
    attributes={"Arn": "{id}", "PolicyName": "{attr.PolicyName|name}"},
    name=Name("PolicyName", 255),
    settings=(Change(Call("PutScalingPolicy", {**_OF_GROUP, "PolicyName": "{attr.PolicyName}"}, _SCALED)),),
    shown=Shown(
        Call("DescribePolicies", {"PolicyNames": ["{id}"]}),
        "ScalingPolicies.0",
        lists=Listing(Call("DescribePolicies"), "ScalingPolicies", "{item.PolicyARN}"),
    ),
)

_AT: Final = "DesiredCapacity EndTime MaxSize MinSize Recurrence StartTime TimeZone"
_SCHEDULED: Final = Row(
    _SERVICE,
    Call("PutScheduledUpdateGroupAction", takes=f"AutoScalingGroupName {_AT}"),
    "{name}",
    (Call("DeleteScheduledAction", {**_OF_GROUP, "ScheduledActionName": "{id}"}),),
    attributes={"ScheduledActionName": "{id}"},
    name=Name("ScheduledActionName", 255),
    settings=(Change(Call("PutScheduledUpdateGroupAction", {**_OF_GROUP, "ScheduledActionName": "{id}"}, _AT)),),
    shown=Shown(
        Call("DescribeScheduledActions", {**_OF_GROUP, "ScheduledActionNames": ["{id}"]}),
        "ScheduledUpdateGroupActions.0",
        hides="EndTime StartTime",
    ),
)

_WAITS: Final = "DefaultResult HeartbeatTimeout LifecycleTransition NotificationMetadata NotificationTargetARN RoleARN"
_LIFECYCLE: Final = Row(
    _SERVICE,
    Call("PutLifecycleHook", takes=f"AutoScalingGroupName {_WAITS}"),
    "{name}",
    (Call("DeleteLifecycleHook", {**_OF_GROUP, "LifecycleHookName": "{id}"}),),
    name=Name("LifecycleHookName", 255),
    settings=(Change(Call("PutLifecycleHook", {**_OF_GROUP, "LifecycleHookName": "{id}"}, _WAITS)),),
    shown=Shown(
        Call("DescribeLifecycleHooks", {**_OF_GROUP, "LifecycleHookNames": ["{id}"]}),
        "LifecycleHooks.0",
    ),
)

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::AutoScaling::AutoScalingGroup": lenient(
        provider(_GROUP)._replace(create=_create_group, update=_update_group), _GONE
    ),
    "AWS::AutoScaling::LaunchConfiguration": lenient(provider(_LAUNCH), _GONE),
    "AWS::AutoScaling::LifecycleHook": unread_only(
        lenient(provider(_LIFECYCLE), _GONE, "No Lifecycle Hook found"), "LifecycleHookName", "AutoScalingGroupName"
    ),
    "AWS::AutoScaling::ScalingPolicy": lenient(provider(_POLICY), _GONE, "No scaling policy"),
    "AWS::AutoScaling::ScheduledAction": lenient(provider(_SCHEDULED), _GONE),
}
