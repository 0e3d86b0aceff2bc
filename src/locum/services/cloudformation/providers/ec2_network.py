"""Networks of EC2: VPCs, subnets, route tables and routes, gateways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.services.cloudformation.providers.base import (
    Ending,
    Made,
    Properties,
    Provider,
    Request,
    Resource,
    Work,
    ended,
    picked,
)
from locum.services.cloudformation.providers.ec2_tags import adopted, filters, tags_of
from locum.services.cloudformation.providers.steps import Steps, adopting, attempted, changed, telling, without
from locum.services.cloudformation.providers.table import Call, Change, Listing, Part, Row, Shown, Wait, provider

_SERVICE: Final = "ec2"


def _switch(operation: str, owner: str, name: str, default: Any) -> Change:
    """The change of an attribute that a call changes alone, as a structure with a Value."""
    given = {owner: "{id}", name: {"Value": f"{{p.{name}}}"}}
    return Change(Call(operation, given), name, defaults={name: default}, at_creation=True)


# -- VPCs and subnets ------------------------------------------------------------------------------------

_VPC: Final = Row(
    _SERVICE,
    Call("CreateVpc", takes="CidrBlock InstanceTenancy Ipv4IpamPoolId Ipv4NetmaskLength VpcEncryptionControl"),
    "{c.Vpc.VpcId}",
    (Call("DeleteVpc", {"VpcId": "{id}"}),),
    attributes={"VpcId": "{id}", "CidrBlock": "{r.Vpcs.0.CidrBlock}"},
    tags=tags_of("vpc"),
    read=Call("DescribeVpcs", {"VpcIds": ["{id}"]}),
    ready=Wait("Vpcs.0.State", frozenset({"available"})),
    settings=(
        _switch("ModifyVpcAttribute", "VpcId", "EnableDnsSupport", default=True),
        _switch("ModifyVpcAttribute", "VpcId", "EnableDnsHostnames", default=False),
        Change(Call("ModifyVpcTenancy", {"VpcId": "{id}"}, "InstanceTenancy")),
    ),
    shown=Shown(
        parts=tuple(
            Part(
                f"Enable{name}",
                Call("DescribeVpcAttribute", {"VpcId": "{id}", "Attribute": f"enable{name}"}),
                f"Enable{name}.Value",
            )
            for name in ("DnsHostnames", "DnsSupport")
        ),
        told="Tags",
        lists=Listing(Call("DescribeVpcs"), "Vpcs", "{item.VpcId}"),
    ),
)


def _of_vpc(_resource: Resource, vpc: str) -> Steps[Mapping[str, Any]]:
    (told,) = (yield Request(_SERVICE, "DescribeVpcs", {"VpcIds": [vpc]}))["Vpcs"]
    acls = yield Request(_SERVICE, "DescribeNetworkAcls", {"Filters": filters(vpc_id=vpc, default="true")})
    named = filters(vpc_id=vpc, group_name="default")
    groups = yield Request(_SERVICE, "DescribeSecurityGroups", {"Filters": named})
    return {
        "CidrBlockAssociations": [each["AssociationId"] for each in told.get("CidrBlockAssociationSet") or ()],
        "Ipv6CidrBlocks": [each["Ipv6CidrBlock"] for each in told.get("Ipv6CidrBlockAssociationSet") or ()],
        "DefaultNetworkAcl": "".join(acl["NetworkAclId"] for acl in acls["NetworkAcls"][:1]),
        "DefaultSecurityGroup": "".join(group["GroupId"] for group in groups["SecurityGroups"][:1]),
    }


_DNS_NAMES: Final = {
    "PrivateDnsHostnameTypeOnLaunch": "HostnameType",
    "EnableResourceNameDnsARecordOnLaunch": "EnableResourceNameDnsARecord",
    "EnableResourceNameDnsAAAARecordOnLaunch": "EnableResourceNameDnsAAAARecord",
}


def _flat_dns_names(properties: Properties) -> Properties:
    """Properties of a subnet with the members of `PrivateDnsNameOptionsOnLaunch` beside it, as EC2 changes them."""
    options = properties.get("PrivateDnsNameOptionsOnLaunch") or {}
    return {**without(properties, ("PrivateDnsNameOptionsOnLaunch",)), **picked(options, **_DNS_NAMES)}


_SUBNET: Final = Row(
    _SERVICE,
    Call(
        "CreateSubnet",
        takes="VpcId AvailabilityZone AvailabilityZoneId CidrBlock Ipv6CidrBlock OutpostArn Ipv6Native "
        "Ipv4IpamPoolId Ipv4NetmaskLength Ipv6IpamPoolId Ipv6NetmaskLength",
    ),
    "{c.Subnet.SubnetId}",
    (Call("DeleteSubnet", {"SubnetId": "{id}"}),),
    attributes={
        "SubnetId": "{id}",
        "VpcId": "{r.Subnets.0.VpcId}",
        "CidrBlock": "{r.Subnets.0.CidrBlock}",
        "AvailabilityZone": "{r.Subnets.0.AvailabilityZone}",
        "AvailabilityZoneId": "{r.Subnets.0.AvailabilityZoneId}",
        "OutpostArn": "{r.Subnets.0.OutpostArn}",
    },
    tags=tags_of("subnet"),
    read=Call("DescribeSubnets", {"SubnetIds": ["{id}"]}),
    ready=Wait("Subnets.0.State", frozenset({"available"})),
    settings=(
        _switch("ModifySubnetAttribute", "SubnetId", "MapPublicIpOnLaunch", default=False),
        _switch("ModifySubnetAttribute", "SubnetId", "AssignIpv6AddressOnCreation", default=False),
        _switch("ModifySubnetAttribute", "SubnetId", "EnableDns64", default=False),
        _switch("ModifySubnetAttribute", "SubnetId", "EnableResourceNameDnsARecordOnLaunch", default=False),
        _switch("ModifySubnetAttribute", "SubnetId", "EnableResourceNameDnsAAAARecordOnLaunch", default=False),
        Change(
            Call("ModifySubnetAttribute", {"SubnetId": "{id}"}, "PrivateDnsHostnameTypeOnLaunch"),
            defaults={"PrivateDnsHostnameTypeOnLaunch": "ip-name"},
            at_creation=True,
        ),
        Change(Call("ModifySubnetAttribute", {"SubnetId": "{id}"}, "EnableLniAtDeviceIndex"), at_creation=True),
    ),
    shaped=_flat_dns_names,
    shown=Shown(told="Tags", lists=Listing(Call("DescribeSubnets"), "Subnets", "{item.SubnetId}")),
)


def _of_subnet(_resource: Resource, subnet: str) -> Steps[Mapping[str, Any]]:
    named = [{"Name": "association.subnet-id", "Values": [subnet]}]
    acls = (yield Request(_SERVICE, "DescribeNetworkAcls", {"Filters": named}))["NetworkAcls"]
    (told,) = (yield Request(_SERVICE, "DescribeSubnets", {"SubnetIds": [subnet]}))["Subnets"]
    found = [each for acl in acls for each in acl["Associations"] if each["SubnetId"] == subnet]
    return {
        "NetworkAclAssociationId": "".join(each["NetworkAclAssociationId"] for each in found[:1]),
        "Ipv6CidrBlocks": [each["Ipv6CidrBlock"] for each in told.get("Ipv6CidrBlockAssociationSet") or ()],
    }


_CIDR_BLOCK: Final = Row(
    _SERVICE,
    Call(
        "AssociateVpcCidrBlock",
        takes="VpcId CidrBlock AmazonProvidedIpv6CidrBlock Ipv6CidrBlock Ipv6Pool Ipv4IpamPoolId Ipv4NetmaskLength "
        "Ipv6IpamPoolId Ipv6NetmaskLength Ipv6CidrBlockNetworkBorderGroup",
    ),
    "{c.CidrBlockAssociation.AssociationId|c.Ipv6CidrBlockAssociation.AssociationId}|{p.VpcId}",
    (Call("DisassociateVpcCidrBlock", {"AssociationId": "{attr.Id}"}),),
    attributes={"Id": "{c.CidrBlockAssociation.AssociationId|c.Ipv6CidrBlockAssociation.AssociationId}"},
)

# -- routes ----------------------------------------------------------------------------------------------

_ROUTE_TABLE: Final = Row(
    _SERVICE,
    Call("CreateRouteTable", {"ClientToken": "{client_token}"}, "VpcId"),
    "{c.RouteTable.RouteTableId}",
    (Call("DeleteRouteTable", {"RouteTableId": "{id}"}),),
    attributes={"RouteTableId": "{id}"},
    tags=tags_of("route-table"),
    shown=Shown(
        Call("DescribeRouteTables", {"RouteTableIds": ["{id}"]}),
        "RouteTables.0",
        told="Tags",
        lists=Listing(Call("DescribeRouteTables"), "RouteTables", "{item.RouteTableId}"),
    ),
)

_DESTINATION: Final = {
    "RouteTableId": "{p.RouteTableId}",
    "DestinationCidrBlock": "{p.DestinationCidrBlock}",
    "DestinationIpv6CidrBlock": "{p.DestinationIpv6CidrBlock}",
    "DestinationPrefixListId": "{p.DestinationPrefixListId}",
}
_TARGETS: Final = (
    "CarrierGatewayId CoreNetworkArn EgressOnlyInternetGatewayId GatewayId InstanceId LocalGatewayId NatGatewayId "
    "NetworkInterfaceId OdbNetworkArn TransitGatewayId VpcEndpointId VpcPeeringConnectionId"
)
_ROUTED: Final = "{p.DestinationCidrBlock|p.DestinationIpv6CidrBlock|p.DestinationPrefixListId}"
_ROUTE: Final = Row(
    _SERVICE,
    Call(
        "CreateRoute",
        takes=f"RouteTableId DestinationCidrBlock DestinationIpv6CidrBlock DestinationPrefixListId {_TARGETS}",
    ),
    f"{{p.RouteTableId}}|{_ROUTED}",
    (Call("DeleteRoute", _DESTINATION),),
    attributes={"CidrBlock": _ROUTED},
    exists=frozenset({"RouteAlreadyExists"}),
    settings=(Change(Call("ReplaceRoute", _DESTINATION, _TARGETS)),),
)

_ASSOCIATED: Final = {"Name": "association.route-table-association-id", "Values": ["{id}"]}
_TABLE_OF_SUBNET: Final = Row(
    _SERVICE,
    Call("AssociateRouteTable", takes="RouteTableId SubnetId"),
    "{c.AssociationId}",
    (Call("DisassociateRouteTable", {"AssociationId": "{id}"}),),
    attributes={"Id": "{id}"},
    shown=Shown(
        Call("DescribeRouteTables", {"Filters": [_ASSOCIATED]}),
        "RouteTables.0.Associations",
        where={"RouteTableAssociationId": "{id}"},
    ),
)


def _associated(resource: Resource) -> Steps[Mapping[str, Any] | None]:
    table, subnet = resource.properties["RouteTableId"], resource.properties["SubnetId"]
    tables = (yield Request(_SERVICE, "DescribeRouteTables", {"RouteTableIds": [table]}))["RouteTables"]
    found = [each for each in tables[0].get("Associations") or () if each.get("SubnetId") == subnet]
    return {"AssociationId": found[0]["RouteTableAssociationId"]} if found else None


# -- gateways --------------------------------------------------------------------------------------------

_INTERNET_GATEWAY: Final = Row(
    _SERVICE,
    Call("CreateInternetGateway"),
    "{c.InternetGateway.InternetGatewayId}",
    (Call("DeleteInternetGateway", {"InternetGatewayId": "{id}"}),),
    attributes={"InternetGatewayId": "{id}"},
    tags=tags_of("internet-gateway"),
    shown=Shown(
        Call("DescribeInternetGateways", {"InternetGatewayIds": ["{id}"]}),
        "InternetGateways.0",
        told="Tags",
        lists=Listing(Call("DescribeInternetGateways"), "InternetGateways", "{item.InternetGatewayId}"),
    ),
)

_NAT_GATEWAY: Final = Row(
    _SERVICE,
    Call(
        "CreateNatGateway",
        {"ClientToken": "{client_token}"},
        "AllocationId AvailabilityMode AvailabilityZoneAddresses ConnectivityType PrivateIpAddress "
        "SecondaryAllocationIds SecondaryPrivateIpAddressCount SecondaryPrivateIpAddresses SubnetId VpcId",
    ),
    "{c.NatGateway.NatGatewayId}",
    (Call("DeleteNatGateway", {"NatGatewayId": "{id}"}),),
    attributes={
        "NatGatewayId": "{id}",
        "EniId": "{r.NatGateways.0.NatGatewayAddresses.0.NetworkInterfaceId}",
        "RouteTableId": "{r.NatGateways.0.RouteTableId}",
    },
    tags=tags_of("natgateway"),
    read=Call("DescribeNatGateways", {"NatGatewayIds": ["{id}"]}),
    ready=Wait("NatGateways.0.State", frozenset({"available"}), frozenset({"failed", "deleting", "deleted"})),
    gone=Wait("NatGateways.0.State", frozenset({"deleted", None})),
    unused=frozenset({"MaxDrainDurationSeconds"}),
    shown=Shown(
        at="NatGateways.0",
        members={"AllocationId": "{it.NatGatewayAddresses.0.AllocationId}"},
        hides="PrivateIpAddress",
        ended={"State": "deleted"},
        lists=Listing(Call("DescribeNatGateways"), "NatGateways", "{item.NatGatewayId}"),
    ),
)

_GATEWAYS: Final = {"InternetGatewayId": "InternetGateway", "VpnGatewayId": "VpnGateway"}


def _attach(resource: Resource) -> Work:
    vpc = resource.properties["VpcId"]
    yield from _attached(resource.properties, vpc, again=resource.again)
    kind = "IGW" if "InternetGatewayId" in resource.properties else "VGW"
    return Made(f"{kind}|{vpc}", {"AttachmentType": kind})


def _attached(properties: Properties, vpc: str, *, again: bool = False) -> Ending:
    for name, gateway in _GATEWAYS.items():
        if name in properties:
            request = Request(_SERVICE, f"Attach{gateway}", {name: properties[name], "VpcId": vpc})
            yield from attempted(request, *(("Resource.AlreadyAssociated",) if again else ()))


def _detached(properties: Properties, vpc: str) -> Ending:
    for name, gateway in _GATEWAYS.items():
        if name in properties:
            request = Request(_SERVICE, f"Detach{gateway}", {name: properties[name], "VpcId": vpc})
            yield from attempted(
                request, "Gateway.NotAttached", f"Invalid{gateway}ID.NotFound", "InvalidVpcID.NotFound"
            )


def _reattach(resource: Resource, before: Properties) -> Work:
    vpc = resource.properties["VpcId"]
    if changed(before, resource.properties, *_GATEWAYS):
        yield from _detached(before, vpc)
        yield from _attached(resource.properties, vpc)
    kind = "IGW" if "InternetGatewayId" in resource.properties else "VGW"
    return Made(resource.physical, {"AttachmentType": kind})


def _detach(resource: Resource) -> Ending:
    yield from _detached(resource.properties, resource.properties["VpcId"])


# -- addresses -------------------------------------------------------------------------------------------

_ADDRESS: Final = Row(
    _SERVICE,
    Call("AllocateAddress", takes="Address Domain IpamPoolId NetworkBorderGroup PublicIpv4Pool"),
    "{c.PublicIp}",
    (Call("ReleaseAddress", {"AllocationId": "{attr.AllocationId}"}),),
    attributes={
        "AllocationId": "{c.AllocationId}",
        "PublicIp": "{id}",
        "AssociationId": "{r.Addresses.0.AssociationId}",
    },
    tags=tags_of("elastic-ip", "attr.AllocationId"),
    read=Call("DescribeAddresses", {"PublicIps": ["{id}"]}),
    settings=(
        Change(
            Call("AssociateAddress", {"AllocationId": "{attr.AllocationId}", "AllowReassociation": True}, "InstanceId"),
            removed=Call("DisassociateAddress", {"AssociationId": "{attr.AssociationId}"}),
            at_creation=True,
        ),
    ),
    shaped=lambda properties: {"Domain": "vpc", **properties},
    shown=Shown(at="Addresses.0", lists=Listing(Call("DescribeAddresses"), "Addresses", "{item.PublicIp}")),
)


def _release(resource: Resource) -> Ending:
    """Release an address, of an instance as well."""
    request = Request(_SERVICE, "DescribeAddresses", {"PublicIps": [resource.physical]})
    answer = yield from attempted(request, "InvalidAddress.NotFound")
    for address in answer.get("Addresses") or ():
        if address.get("AssociationId"):
            yield from ended(Request(_SERVICE, "DisassociateAddress", picked(address, "AssociationId")))
        yield from ended(Request(_SERVICE, "ReleaseAddress", picked(address, "AllocationId")))


_ADDRESS_ASSOCIATION: Final = Row(
    _SERVICE,
    Call("AssociateAddress", takes="AllocationId PublicIp=EIP InstanceId NetworkInterfaceId PrivateIpAddress"),
    "{c.AssociationId}",
    (Call("DisassociateAddress", {"AssociationId": "{id}"}),),
    attributes={"Id": "{id}"},
    shown=Shown(
        Call("DescribeAddresses", {"Filters": [{"Name": "association-id", "Values": ["{id}"]}]}),
        "Addresses.0",
        hides="PrivateIpAddress NetworkInterfaceId",
    ),
)

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::EC2::EIP": adopted(provider(_ADDRESS), "DescribeAddresses", "Address")._replace(delete=_release),
    "AWS::EC2::EIPAssociation": provider(_ADDRESS_ASSOCIATION),
    "AWS::EC2::InternetGateway": adopted(provider(_INTERNET_GATEWAY), "DescribeInternetGateways", "InternetGateway"),
    "AWS::EC2::NatGateway": adopted(provider(_NAT_GATEWAY), "DescribeNatGateways", "NatGateway", subnet_id="SubnetId"),
    "AWS::EC2::Route": provider(_ROUTE),
    "AWS::EC2::RouteTable": adopted(provider(_ROUTE_TABLE), "DescribeRouteTables", "RouteTable", vpc_id="VpcId"),
    "AWS::EC2::Subnet": telling(
        adopted(provider(_SUBNET), "DescribeSubnets", "Subnet", vpc_id="VpcId", cidr_block="CidrBlock"), _of_subnet
    ),
    "AWS::EC2::SubnetRouteTableAssociation": adopting(provider(_TABLE_OF_SUBNET), _associated),
    "AWS::EC2::VPC": telling(adopted(provider(_VPC), "DescribeVpcs", "Vpc", cidr="CidrBlock"), _of_vpc),
    "AWS::EC2::VPCCidrBlock": provider(_CIDR_BLOCK),
    "AWS::EC2::VPCGatewayAttachment": Provider(_attach, _detach, _reattach),
}
