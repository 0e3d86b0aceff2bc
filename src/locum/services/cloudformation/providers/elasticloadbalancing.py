"""Classic load balancers."""

from __future__ import annotations

from typing import Any, Final

from locum.services.cloudformation.providers.base import Provider
from locum.services.cloudformation.providers.table import Call, Change, Each, Name, Row, Shown, Tags, provider

_NAMED: Final = {"LoadBalancerName": "{id}"}
_ALL_NAMED: Final = {"LoadBalancerNames": ["{id}"]}
_FOUND: Final = "r.LoadBalancerDescriptions.0"


def _attributes(member: str, template: Any, name: str) -> Change:
    """The attributes `member`, which the property `name` has."""
    call = Call("ModifyLoadBalancerAttributes", {**_NAMED, "LoadBalancerAttributes": {member: template}})
    return Change(call, on=name, at_creation=True)


def _of_places(name: str, put: str, remove: str) -> Each:
    """Zones or subnets, which the creation takes too."""
    return Each(name, Call(put, {**_NAMED, name: ["{item}"]}), Call(remove, {**_NAMED, name: ["{item}"]}), apart=False)


_INSTANCE: Final = {**_NAMED, "Instances": [{"InstanceId": "{item}"}]}
_BALANCER: Final = Row(
    "elb",
    Call("CreateLoadBalancer", takes="AvailabilityZones Listeners Scheme SecurityGroups Subnets"),
    "{name}",
    (Call("DeleteLoadBalancer", _NAMED),),
    attributes={
        "DNSName": "{c.DNSName}",
        "CanonicalHostedZoneName": f"{{{_FOUND}.CanonicalHostedZoneName}}",
        "CanonicalHostedZoneNameID": f"{{{_FOUND}.CanonicalHostedZoneNameID}}",
        "SourceSecurityGroup.GroupName": f"{{{_FOUND}.SourceSecurityGroup.GroupName}}",
        "SourceSecurityGroup.OwnerAlias": f"{{{_FOUND}.SourceSecurityGroup.OwnerAlias}}",
    },
    name=Name("LoadBalancerName", 32),
    tags=Tags(
        Call("AddTags", {**_ALL_NAMED, "Tags": "{tags}"}),
        Call("RemoveTags", {**_ALL_NAMED, "Tags": "{tags}"}),
    ),
    read=Call("DescribeLoadBalancers", {"LoadBalancerNames": ["{id|name}"]}),
    settings=(
        Change(Call("ConfigureHealthCheck", _NAMED, "HealthCheck"), at_creation=True),
        Change(Call("ApplySecurityGroupsToLoadBalancer", _NAMED, "SecurityGroups")),
        _attributes("AccessLog", "{p.AccessLoggingPolicy}", "AccessLoggingPolicy"),
        _attributes("ConnectionDraining", "{p.ConnectionDrainingPolicy}", "ConnectionDrainingPolicy"),
        _attributes("ConnectionSettings", "{p.ConnectionSettings}", "ConnectionSettings"),
        _attributes("CrossZoneLoadBalancing", {"Enabled": "{p.CrossZone}"}, "CrossZone"),
    ),
    items=(
        Each(
            "Listeners",
            Call("CreateLoadBalancerListeners", {**_NAMED, "Listeners": ["{item}"]}),
            Call("DeleteLoadBalancerListeners", {**_NAMED, "LoadBalancerPorts": ["{item.LoadBalancerPort}"]}),
            key="{item.LoadBalancerPort}",
            apart=False,
            replaced=True,
        ),
        _of_places(
            "AvailabilityZones", "EnableAvailabilityZonesForLoadBalancer", "DisableAvailabilityZonesForLoadBalancer"
        ),
        _of_places("Subnets", "AttachLoadBalancerToSubnets", "DetachLoadBalancerFromSubnets"),
        Each(
            "Instances",
            Call("RegisterInstancesWithLoadBalancer", _INSTANCE),
            Call("DeregisterInstancesFromLoadBalancer", _INSTANCE),
            goes=True,
        ),
    ),
    shown=Shown(hides="Instances"),
)

PROVIDERS: Final[dict[str, Provider]] = {"AWS::ElasticLoadBalancing::LoadBalancer": provider(_BALANCER)}
