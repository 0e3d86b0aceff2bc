"""Load balancers of Elastic Load Balancing: Application, Network and Gateway Load Balancers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from locum.services.cloudformation.providers.base import Provider, Request, Resource
from locum.services.cloudformation.providers.steps import Steps, adopting, attempted, telling
from locum.services.cloudformation.providers.table import (
    Call,
    Change,
    Each,
    Listing,
    Name,
    Part,
    Row,
    Shown,
    Tags,
    Wait,
    provider,
)

_SERVICE: Final = "elbv2"
_TAGS: Final = Tags(
    Call("AddTags", {"ResourceArns": ["{id}"], "Tags": "{tags}"}),
    Call("RemoveTags", {"ResourceArns": ["{id}"], "TagKeys": "{keys}"}),
)


def _attributes(owner: str, name: str) -> Change:
    """The change of the attributes of a load balancer, target group or listener."""
    return Change(Call(f"Modify{name}", {owner: "{id}"}, f"Attributes={name}"), at_creation=True)


def _full_name(name: str, beginning: str) -> Callable[[Resource, str], Steps[Mapping[str, Any]]]:
    """Tells the end of an ARN as CloudWatch has it in dimensions: `app/name/id`, or `targetgroup/name/id`."""

    def tell(_resource: Resource, arn: str) -> Steps[Mapping[str, Any]]:
        yield from ()
        return {name: f"{beginning}{arn.partition('/')[2]}"}

    return tell


_TOLD_TAGS: Final = (Part("Tags", Call("DescribeTags", {"ResourceArns": ["{id}"]}), "TagDescriptions.0.Tags"),)
_LOAD_BALANCER: Final = Row(
    _SERVICE,
    Call(
        "CreateLoadBalancer",
        {"IpamPools": {"Ipv4IpamPoolId": "{p.Ipv4IpamPoolId}"}},
        "EnablePrefixForIpv6SourceNat IpAddressType Scheme SecurityGroups SubnetMappings Subnets Type",
    ),
    "{c.LoadBalancers.0.LoadBalancerArn|r.LoadBalancers.0.LoadBalancerArn}",
    (Call("DeleteLoadBalancer", {"LoadBalancerArn": "{id}"}),),
    attributes={
        "LoadBalancerArn": "{id}",
        "LoadBalancerName": "{r.LoadBalancers.0.LoadBalancerName}",
        "CanonicalHostedZoneID": "{r.LoadBalancers.0.CanonicalHostedZoneId}",
        "DNSName": "{r.LoadBalancers.0.DNSName}",
    },
    name=Name("Name", 32),
    tags=_TAGS,
    read=Call("DescribeLoadBalancers", {"Names": ["{attr.LoadBalancerName|name}"]}),
    exists=frozenset({"DuplicateLoadBalancerName"}),
    ready=Wait("LoadBalancers.0.State.Code", frozenset({"active", "active_impaired"}), frozenset({"failed"})),
    settings=(
        Change(Call("SetSubnets", {"LoadBalancerArn": "{id}"}, "EnablePrefixForIpv6SourceNat SubnetMappings Subnets")),
        Change(Call("SetSecurityGroups", {"LoadBalancerArn": "{id}"}, "SecurityGroups")),
        Change(Call("SetIpAddressType", {"LoadBalancerArn": "{id}"}, "IpAddressType")),
        Change(
            Call(
                "SetSecurityGroups",
                {"LoadBalancerArn": "{id}", "SecurityGroups": "{p.SecurityGroups}"},
                "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
            ),
            at_creation=True,
        ),
        Change(
            Call("ModifyCapacityReservation", {"LoadBalancerArn": "{id}"}, "MinimumLoadBalancerCapacity"),
            removed=Call("ModifyCapacityReservation", {"LoadBalancerArn": "{id}", "ResetCapacityReservation": True}),
            at_creation=True,
        ),
        _attributes("LoadBalancerArn", "LoadBalancerAttributes"),
    ),
    unused=frozenset({"EnableCapacityReservationProvisionStabilize"}),
    shown=Shown(
        Call("DescribeLoadBalancers", {"LoadBalancerArns": ["{id}"]}),
        "LoadBalancers.0",
        members={"Name": "{it.LoadBalancerName}"},
        hides="LoadBalancerAttributes SubnetMappings Subnets",
        parts=_TOLD_TAGS,
        lists=Listing(Call("DescribeLoadBalancers"), "LoadBalancers", "{item.LoadBalancerArn}"),
    ),
)

_CHECKED: Final = (
    "HealthCheckEnabled HealthCheckIntervalSeconds HealthCheckPath HealthCheckPort HealthCheckProtocol "
    "HealthCheckTimeoutSeconds HealthyThresholdCount Matcher UnhealthyThresholdCount"
)
_TARGETS: Final = {"TargetGroupArn": "{id}", "Targets": ["{item}"]}
_TARGET_GROUP: Final = Row(
    _SERVICE,
    Call(
        "CreateTargetGroup",
        takes=f"IpAddressType Port Protocol ProtocolVersion TargetControlPort TargetType VpcId {_CHECKED}",
    ),
    "{c.TargetGroups.0.TargetGroupArn|r.TargetGroups.0.TargetGroupArn}",
    (Call("DeleteTargetGroup", {"TargetGroupArn": "{id}"}),),
    attributes={
        "TargetGroupArn": "{id}",
        "TargetGroupName": "{r.TargetGroups.0.TargetGroupName}",
        "LoadBalancerArns": "{r.TargetGroups.0.LoadBalancerArns}",
    },
    name=Name("Name", 32),
    tags=_TAGS,
    read=Call("DescribeTargetGroups", {"Names": ["{attr.TargetGroupName|name}"]}),
    exists=frozenset({"DuplicateTargetGroupName"}),
    settings=(
        Change(Call("ModifyTargetGroup", {"TargetGroupArn": "{id}"}, _CHECKED)),
        _attributes("TargetGroupArn", "TargetGroupAttributes"),
    ),
    items=(Each("Targets", Call("RegisterTargets", _TARGETS), Call("DeregisterTargets", _TARGETS)),),
    shown=Shown(
        Call("DescribeTargetGroups", {"TargetGroupArns": ["{id}"]}),
        "TargetGroups.0",
        members={"Name": "{it.TargetGroupName}"},
        hides="TargetGroupAttributes Targets",
        parts=_TOLD_TAGS,
        lists=Listing(Call("DescribeTargetGroups"), "TargetGroups", "{item.TargetGroupArn}"),
    ),
)

_LISTENED: Final = "AlpnPolicy Certificates DefaultActions MutualAuthentication Port Protocol SslPolicy"
_LISTENER: Final = Row(
    _SERVICE,
    Call("CreateListener", takes=f"LoadBalancerArn {_LISTENED}"),
    "{c.Listeners.0.ListenerArn}",
    (Call("DeleteListener", {"ListenerArn": "{id}"}),),
    attributes={"ListenerArn": "{id}"},
    tags=_TAGS,
    settings=(
        Change(Call("ModifyListener", {"ListenerArn": "{id}"}, _LISTENED)),
        _attributes("ListenerArn", "ListenerAttributes"),
    ),
    shown=Shown(Call("DescribeListeners", {"ListenerArns": ["{id}"]}), "Listeners.0", hides="DefaultActions"),
)

_RULE: Final = Row(
    _SERVICE,
    Call("CreateRule", takes="Actions Conditions ListenerArn Priority Transforms"),
    "{c.Rules.0.RuleArn}",
    (Call("DeleteRule", {"RuleArn": "{id}"}),),
    attributes={"RuleArn": "{id}", "IsDefault": "{c.Rules.0.IsDefault}"},
    tags=_TAGS,
    settings=(
        Change(Call("ModifyRule", {"RuleArn": "{id}"}, "Actions Conditions Transforms"), defaults={"Transforms": []}),
        Change(
            Call("SetRulePriorities", {"RulePriorities": [{"RuleArn": "{id}", "Priority": "{p.Priority}"}]}),
            on="Priority",
        ),
    ),
    shown=Shown(Call("DescribeRules", {"RuleArns": ["{id}"]}), "Rules.0", hides="Actions Conditions"),
)


def _made_before(
    operation: str, member: str, owner: str, key: str
) -> Callable[[Resource], Steps[Mapping[str, Any] | None]]:
    """Finds the listener of a port, or the rule of a priority, that an interrupted creation made."""

    def find(resource: Resource) -> Steps[Mapping[str, Any] | None]:
        of = {owner: resource.properties[owner]}
        found = (yield Request(_SERVICE, operation, of))[member]
        wanted = str(resource.properties.get(key, ""))
        same = [each for each in found if str(each.get(key, "")) == wanted]
        return {member: same} if same else None

    return find


def _named_before(
    operation: str, member: str, longest: int = 32
) -> Callable[[Resource], Steps[Mapping[str, Any] | None]]:
    """Finds what an interrupted creation made, by its name: a second creation need not be refused."""

    def find(resource: Resource) -> Steps[Mapping[str, Any] | None]:
        name = resource.properties.get("Name") or resource.name(longest)
        request = Request(_SERVICE, operation, {"Names": [name]})
        found = (yield from attempted(request, "LoadBalancerNotFound", "TargetGroupNotFound")).get(member)
        return {member: found} if found else None

    return find


PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::ElasticLoadBalancingV2::Listener": adopting(
        provider(_LISTENER), _made_before("DescribeListeners", "Listeners", "LoadBalancerArn", "Port")
    ),
    "AWS::ElasticLoadBalancingV2::ListenerRule": adopting(
        provider(_RULE), _made_before("DescribeRules", "Rules", "ListenerArn", "Priority")
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": telling(
        adopting(provider(_LOAD_BALANCER), _named_before("DescribeLoadBalancers", "LoadBalancers")),
        _full_name("LoadBalancerFullName", ""),
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": telling(
        adopting(provider(_TARGET_GROUP), _named_before("DescribeTargetGroups", "TargetGroups")),
        _full_name("TargetGroupFullName", "targetgroup/"),
    ),
}
