"""Resources that are read by hand: no call shows them by themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from locum.services.cloudformation.providers.base import Found, Reading, Request, Resource
from locum.services.cloudformation.providers.reading import absent
from locum.services.cloudformation.shapes import decoded, properties_in


def _permission(resource: Resource) -> Reading:
    """A permission of Lambda: a statement of the policy of a function."""
    function = resource.properties.get("FunctionName", "")
    policy = decoded((yield Request("lambda", "GetPolicy", {"FunctionName": function})).get("Policy"))
    statements = policy.get("Statement", ()) if isinstance(policy, Mapping) else ()
    found = next((it for it in statements if it.get("Sid") == resource.physical), None)
    if found is None:
        raise absent(resource)
    inner = (found.get("Condition") or {}).values()
    conditions = {name.lower(): value for keys in inner for name, value in keys.items()}
    names = {"SourceArn": "aws:sourcearn", "SourceAccount": "aws:sourceaccount", "PrincipalOrgID": "aws:principalorgid"}
    shown = {name: conditions[key] for name, key in names.items() if key in conditions}
    principal = found.get("Principal")
    if isinstance(principal, Mapping):
        principal = next(iter(principal.values()), None)
    shown |= {"FunctionName": function, "Action": found.get("Action"), "Principal": principal}
    return Found(shown, {"Id": resource.physical}, frozenset(names.keys() - shown.keys()))


def _layer_version(resource: Resource) -> Reading:
    """A version of a layer, whose ARN ends with the name of the layer and the number."""
    layer, _, number = resource.physical.rpartition(":")
    if not number.isdigit():
        raise absent(resource)
    told = yield Request("lambda", "GetLayerVersion", {"LayerName": layer, "VersionNumber": int(number)})
    shown = properties_in(resource.type, {**told, "LayerName": layer.rpartition(":")[2]})
    shown = {name: value for name, value in shown.items() if name not in ("Content", "LayerVersionArn")}
    return Found(shown, {"LayerVersionArn": resource.physical, "LayerArn": layer, "Version": int(number)})


def _addition(resource: Resource) -> Reading:
    """The users that AWS::IAM::UserToGroupAddition has put into a group, of which it knows no others."""
    group, users = resource.properties.get("GroupName", ""), resource.properties.get("Users", ())
    found = yield Request("iam", "GetGroup", {"GroupName": group})
    there = {user["UserName"] for user in found["Users"]}
    kept = [user for user in users if user in there]
    if not kept:
        raise absent(resource)
    return Found({"GroupName": group, "Users": kept}, {"Id": resource.physical})


def _route(resource: Resource) -> Reading:
    """A route of a route table, by whatever its destination is."""
    table, _, destination = resource.physical.partition("|")
    tables = (yield Request("ec2", "DescribeRouteTables", {"RouteTableIds": [table]}))["RouteTables"]
    routes = [route for each in tables for route in each.get("Routes") or ()]
    found = next((it for it in routes if destination in (it.get(name) for name in _DESTINATIONS)), None)
    if found is None:
        raise absent(resource)
    shown = properties_in(resource.type, found)
    return Found({"RouteTableId": table, **shown}, {"CidrBlock": destination})


_DESTINATIONS: Final = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")


def _gateway_of_vpc(resource: Resource) -> Reading:
    """The internet gateway of a VPC, or the one for VPNs."""
    kind, _, vpc = resource.physical.partition("|")
    noun = "InternetGateway" if kind == "IGW" else "VpnGateway"
    asked = {"Filters": [{"Name": "attachment.vpc-id", "Values": [vpc]}]}
    found = (yield Request("ec2", f"Describe{noun}s", asked))[f"{noun}s"]
    if not found:
        raise absent(resource)
    return Found({"VpcId": vpc, f"{noun}Id": found[0][f"{noun}Id"]}, {"AttachmentType": kind})


def _cidr_block(resource: Resource) -> Reading:
    """An address range of a VPC."""
    association, _, vpc = resource.physical.partition("|")
    (told,) = (yield Request("ec2", "DescribeVpcs", {"VpcIds": [vpc]}))["Vpcs"]
    for name in ("CidrBlock", "Ipv6CidrBlock"):
        for it in told.get(f"{name}AssociationSet") or ():
            if it["AssociationId"] == association:
                return Found({"VpcId": vpc, name: it[name]}, {"Id": association})
    raise absent(resource)


READ: Final[Mapping[str, Callable[[Resource], Reading]]] = {
    "AWS::EC2::Route": _route,
    "AWS::EC2::VPCCidrBlock": _cidr_block,
    "AWS::EC2::VPCGatewayAttachment": _gateway_of_vpc,
    "AWS::IAM::UserToGroupAddition": _addition,
    "AWS::Lambda::LayerVersion": _layer_version,
    "AWS::Lambda::Permission": _permission,
}
