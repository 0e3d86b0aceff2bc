"""Security groups of EC2, and their rules.

A rule is a property of its group or a resource of its own. CloudFormation User Guide, AWS::EC2::SecurityGroup: "When
you specify a VPC security group, Amazon EC2 creates a default egress rule that allows egress traffic on all ports and
IP protocols to any location. The default rule is removed only when you specify one or more egress rules."
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import (
    Ending,
    Made,
    Properties,
    Provider,
    Request,
    Resource,
    Work,
    ended,
    or_undone,
    picked,
)
from locum.services.cloudformation.providers.ec2_tags import filters, retagged, specified
from locum.services.cloudformation.providers.reading import readable
from locum.services.cloudformation.providers.rows import Call, Listing, Part, Shown
from locum.services.cloudformation.providers.steps import Steps, attempted, listed, refuse_others

_ANYWHERE: Final = ({"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"},)
"""The rule that a new group has."""
_INGRESS: Final = "Ingress"
_EGRESS: Final = "Egress"
_PORTS: Final = ("IpProtocol", "FromPort", "ToPort")
_KNOWN: Final = ("GroupDescription", "GroupName", "VpcId", "SecurityGroupIngress", "SecurityGroupEgress", "Tags")


def _permission(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The `IpPermission` of a rule."""
    text = picked(rule, "Description")
    made = picked(rule, *_PORTS)
    made["IpProtocol"] = str(made.get("IpProtocol", "")).lower()
    if "CidrIp" in rule:
        made["IpRanges"] = [picked(rule, "CidrIp") | text]
    if "CidrIpv6" in rule:
        made["Ipv6Ranges"] = [picked(rule, "CidrIpv6") | text]
    for name in ("SourcePrefixListId", "DestinationPrefixListId"):
        if name in rule:
            made["PrefixListIds"] = [{"PrefixListId": rule[name]} | text]
    pair = picked(rule, GroupId="SourceSecurityGroupId", GroupName="SourceSecurityGroupName")
    pair |= picked(rule, UserId="SourceSecurityGroupOwnerId") | picked(rule, GroupId="DestinationSecurityGroupId")
    if pair:
        made["UserIdGroupPairs"] = [pair | text]
    return made


def _rules(properties: Properties, direction: str) -> list[Mapping[str, Any]]:
    given = listed(properties.get(f"SecurityGroup{direction}"))
    return given or (list(_ANYWHERE) if direction == _EGRESS else [])


def _exchanged(group: str, direction: str, before: list[Mapping[str, Any]], after: list[Mapping[str, Any]]) -> Ending:
    """Revoke the rules that are no more, and authorize the new ones. Rules may have been changed by others."""
    old = [_permission(rule) for rule in before if rule not in after]
    new = [_permission(rule) for rule in after if rule not in before]
    for operation, permissions, done in (
        (f"RevokeSecurityGroup{direction}", old, "InvalidPermission.NotFound"),
        (f"AuthorizeSecurityGroup{direction}", new, "InvalidPermission.Duplicate"),
    ):
        for permission in permissions:
            params = {"GroupId": group, "IpPermissions": [permission]}
            yield from attempted(Request("ec2", operation, params), done)


# -- groups ----------------------------------------------------------------------------------------------


def _create_group(resource: Resource) -> Work:
    own = resource.properties
    refuse_others(own, _KNOWN)
    name = own.get("GroupName") or resource.name(255)
    params = {"GroupName": name, "Description": own["GroupDescription"], **picked(own, "VpcId")}
    params |= specified(resource, "security-group", own.get("Tags"))
    try:
        group = (yield Request("ec2", "CreateSecurityGroup", params))["GroupId"]
    except Fault as fault:
        if not (resource.again and fault.code == "InvalidGroup.Duplicate"):
            raise
        found = yield Request(
            "ec2", "DescribeSecurityGroups", {"Filters": filters(group_name=name, vpc_id=own.get("VpcId"))}
        )
        group = found["SecurityGroups"][0]["GroupId"]
    return (yield from or_undone(_with_rules(resource, group, name), _delete_by_id(group)))


def _with_rules(resource: Resource, group: str, name: str) -> Work:
    own = resource.properties
    yield from _exchanged(group, _INGRESS, [], _rules(own, _INGRESS))
    yield from _exchanged(group, _EGRESS, list(_ANYWHERE), _rules(own, _EGRESS))
    return (yield from _read_group(group, group if own.get("VpcId") else name))


def _read_group(group: str, physical: str) -> Work:
    """The group. Ref gives "the ID of the security group if you specified the VpcId property", else its name."""
    answer = yield Request("ec2", "DescribeSecurityGroups", {"GroupIds": [group]})
    vpc = answer["SecurityGroups"][0].get("VpcId", "")
    return Made(physical, {"GroupId": group, "Id": group, "VpcId": vpc})


def _update_group(resource: Resource, before: Properties) -> Work:
    group = str(resource.attributes["GroupId"])
    for direction in (_INGRESS, _EGRESS):
        rules = _rules(before, direction), _rules(resource.properties, direction)
        yield from _exchanged(group, direction, *rules)
    yield from retagged(resource, before, group)
    return (yield from _read_group(group, resource.physical))


def _delete_group(resource: Resource) -> Ending:
    yield from _delete_by_id(str(resource.attributes.get("GroupId") or resource.physical))


def _delete_by_id(group: str) -> Ending:
    yield from ended(Request("ec2", "DeleteSecurityGroup", {"GroupId": group}))


# -- rules -----------------------------------------------------------------------------------------------


def _shown_rule(of: str) -> dict[str, str]:
    """How a rule is told that is the value `of` of a template."""
    names = {"CidrIp": "CidrIpv4", "CidrIpv6": "CidrIpv6"}
    names |= {f"{side}PrefixListId": "PrefixListId" for side in ("Source", "Destination")}
    names |= {f"{side}SecurityGroupId": "ReferencedGroupInfo.GroupId" for side in ("Source", "Destination")}
    return {name: f"{{{of}.{path}}}" for name, path in names.items()}


def _shown_rules(direction: str) -> Part:
    """How the rules of a group are told, of one direction."""
    rules = Call("DescribeSecurityGroupRules", {"Filters": [{"Name": "group-id", "Values": ["{it.GroupId}"]}]})
    item = {name: f"{{item.{name}}}" for name in (*_PORTS, "Description")} | _shown_rule("item")
    where = {"IsEgress": direction == _EGRESS}
    return Part(f"SecurityGroup{direction}", rules, "SecurityGroupRules", item, where=where)


_SHOWN: Final = Shown(
    Call("DescribeSecurityGroups", {"GroupIds": ["{attr.GroupId|id}"]}),
    "SecurityGroups.0",
    members={"GroupDescription": "{it.Description}"},
    parts=(_shown_rules(_INGRESS), _shown_rules(_EGRESS)),
    told="Tags",
    lists=Listing(Call("DescribeSecurityGroups"), "SecurityGroups", "{item.GroupId}"),
)


def _named(properties: Properties) -> dict[str, Any]:
    return picked(properties, "GroupId") or picked(properties, "GroupName")


def _rule(direction: str) -> Provider:
    """The provider of rules of a direction."""

    def create(resource: Resource) -> Work:
        own = resource.properties
        refuse_others(own, (*_PORTS, "GroupId", "GroupName", "Description", *_PEERS[direction]))
        params = {**_named(own), "IpPermissions": [_permission(own)]}
        request = Request("ec2", f"AuthorizeSecurityGroup{direction}", params)
        answer = yield from attempted(request, *(("InvalidPermission.Duplicate",) if resource.again else ()))
        rules = answer.get("SecurityGroupRules") or (yield from _found(resource, direction))
        physical = str(rules[0]["SecurityGroupRuleId"])
        return Made(physical, {"Id": physical})

    def update(resource: Resource, _before: Properties) -> Work:
        text = str(resource.properties.get("Description", ""))
        permission = _permission({**resource.properties, "Description": text})
        params = {**_named(resource.properties), "IpPermissions": [permission]}
        yield Request("ec2", f"UpdateSecurityGroupRuleDescriptions{direction}", params)
        return Made(resource.physical, resource.attributes)

    def delete(resource: Resource) -> Ending:
        params = {**_named(resource.properties), "IpPermissions": [_permission(resource.properties)]}
        yield from ended(Request("ec2", f"RevokeSecurityGroup{direction}", params))

    shown = Shown(
        Call("DescribeSecurityGroupRules", {"SecurityGroupRuleIds": ["{id}"]}),
        "SecurityGroupRules.0",
        members=_shown_rule("it"),
    )
    return readable(Provider(create, delete, update), "ec2", shown)


def _found(resource: Resource, direction: str) -> Steps[list[Mapping[str, Any]]]:
    """The rule that an interrupted creation made."""
    own = resource.properties
    group = own.get("GroupId")
    if group is None:
        named = filters(group_name=own.get("GroupName"))
        group = (yield Request("ec2", "DescribeSecurityGroups", {"Filters": named}))["SecurityGroups"][0]["GroupId"]
    answer = yield Request("ec2", "DescribeSecurityGroupRules", {"Filters": filters(group_id=group)})
    rules = [rule for rule in answer["SecurityGroupRules"] if rule.get("IsEgress", False) == (direction == _EGRESS)]
    same = [rule for rule in rules if _is_same(rule, own)]
    if not same:
        raise Fault("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
    return same


def _is_same(rule: Mapping[str, Any], own: Properties) -> bool:
    peer = (rule.get("ReferencedGroupInfo") or {}).get("GroupId")
    told = {"CidrIp": rule.get("CidrIpv4"), "CidrIpv6": rule.get("CidrIpv6"), "IpProtocol": rule.get("IpProtocol")}
    told |= {"FromPort": rule.get("FromPort"), "ToPort": rule.get("ToPort")}
    told |= {f"{side}SecurityGroupId": peer for side in ("Source", "Destination")}
    told |= {f"{side}PrefixListId": rule.get("PrefixListId") for side in ("Source", "Destination")}
    return all(str(own[name]).lower() == str(value).lower() for name, value in told.items() if name in own)


_PEERS: Final = {
    _INGRESS: (
        "CidrIp",
        "CidrIpv6",
        "SourcePrefixListId",
        "SourceSecurityGroupId",
        "SourceSecurityGroupName",
        "SourceSecurityGroupOwnerId",
    ),
    _EGRESS: ("CidrIp", "CidrIpv6", "DestinationPrefixListId", "DestinationSecurityGroupId"),
}

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::EC2::SecurityGroup": readable(Provider(_create_group, _delete_group, _update_group), "ec2", _SHOWN),
    "AWS::EC2::SecurityGroupEgress": _rule(_EGRESS),
    "AWS::EC2::SecurityGroupIngress": _rule(_INGRESS),
}
