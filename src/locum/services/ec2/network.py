"""The network of a launch: its subnet, security groups and private addresses, as the backend has them.

EC2 API, RunInstances; VPC User Guide, "Default VPCs": a launch that names no subnet is in the default one of its zone.
An instance of this machine's own image that names nothing is in the default subnet without a question, also in a
region whose default VPC the backend lacks. Where it is, is known once somebody looks (`held.held_instances`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from locum.core.errors import Fault
from locum.core.identifiers import OWN_IMAGE
from locum.services.ec2.addresses import FIRST_DEFAULT, allocate
from locum.services.ec2.faults import invalid_combination
from locum.services.ec2.held import Answer, filters, held
from locum.services.verbs import Context, Params
from locum.state import Instance

Looking = Generator[Any, Answer, "Network"]

_NAMING = ("SubnetId", "SecurityGroupIds", "SecurityGroups", "NetworkInterfaces", "KeyName", "BlockDeviceMappings")


class Network(NamedTuple):
    """The place of a launch. `subnet` is its `Subnet`, empty if it is not known yet; `groups` are `GroupIdentifier`s.

    `addresses` are the private ones of the instances, in order. `interface` is the id of a network interface that is
    there already and is attached.
    """

    zone: str
    addresses: list[str]
    subnet: Mapping[str, Any] = {}
    groups: tuple[Mapping[str, str], ...] = ()
    interface: str = ""


def network_of(ctx: Context, params: Params, interface: Mapping[str, Any], count: int) -> Looking:
    """Look up the network of a launch of `count` instances; `interface` is the first one that it specifies.

    Raises Fault: InvalidSubnetID.NotFound, InvalidGroup.NotFound, InvalidNetworkInterfaceID.NotFound and others.
    """
    zone = (params.get("Placement") or {}).get("AvailabilityZone") or ""
    wanted = wanted_address(params, interface)
    first = f"{ctx.region}a"
    if params.get("ImageId") == OWN_IMAGE and zone in ("", first) and not any(params.get(name) for name in _NAMING):
        return Network(first, allocate(FIRST_DEFAULT, count, _taken(ctx), wanted))
    if interface.get("NetworkInterfaceId"):
        return (yield from _attached(ctx, str(interface["NetworkInterfaceId"])))
    subnet = yield from _subnet(ctx, params.get("SubnetId") or interface.get("SubnetId"), zone)
    groups = yield from _groups(ctx, params, interface, subnet)
    answer = yield held(ctx, "DescribeNetworkInterfaces", {"Filters": filters(subnet_id=[subnet["SubnetId"]])})
    taken = _taken(ctx, subnet["SubnetId"]) | {
        address["PrivateIpAddress"] for each in answer["NetworkInterfaces"] for address in each["PrivateIpAddresses"]
    }
    free = allocate(ipaddress.IPv4Network(subnet["CidrBlock"]), count, taken, wanted)
    return Network(subnet["AvailabilityZone"], free, subnet, tuple(groups))


def wanted_address(params: Params, interface: Mapping[str, Any]) -> str | None:
    """The private address that a launch asks for: of the instance, or the primary one of its first interface."""
    several = interface.get("PrivateIpAddresses") or ()
    primary = next((each.get("PrivateIpAddress") for each in several if each.get("Primary")), None)
    return params.get("PrivateIpAddress") or interface.get("PrivateIpAddress") or primary


def _taken(ctx: Context, subnet: str = "") -> set[str]:
    """The addresses of Locum's instances in a subnet; of those that are in a default one, in any case."""
    return {
        it.private_ip
        for it in ctx.state.table(Instance, ctx.account).values()
        if it.region == ctx.region and it.state != "terminated" and it.attributes.get("SubnetId", "") in ("", subnet)
    }


def _subnet(ctx: Context, subnet_id: str | None, zone: str) -> Generator[Any, Answer, Mapping[str, Any]]:
    if not subnet_id:
        in_zone = {"availability_zone": [zone]} if zone else {}
        answer = yield held(ctx, "DescribeSubnets", {"Filters": filters(default_for_az=["true"], **in_zone)})
        found = sorted(answer["Subnets"], key=lambda each: str(each["AvailabilityZone"]))
        if not found:
            raise (yield from _no_default(ctx, zone))
        return dict(found[0])
    answer = yield held(ctx, "DescribeSubnets", {"SubnetIds": [subnet_id]})
    subnet: Mapping[str, Any] = answer["Subnets"][0]
    if zone and zone != subnet["AvailabilityZone"]:
        raise invalid_combination(
            f"The availability zone '{zone}' does not match the availability zone of the subnet '{subnet_id}'"
        )
    return subnet


def _no_default(ctx: Context, zone: str) -> Generator[Any, Answer, Fault]:
    """The fault of a launch without a subnet where there is no default one."""
    vpcs = (yield held(ctx, "DescribeVpcs", {"Filters": filters(is_default=["true"])})).get("Vpcs")
    if not vpcs:
        text = "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC."
        return Fault("VPCIdNotSpecified", text)
    if zone:
        return Fault("InvalidInput", f"No default subnet for availability zone: '{zone}'.")
    text = f"No subnets found for the default VPC '{vpcs[0]['VpcId']}'. Please specify a subnet."
    return Fault("MissingInput", text)


def _groups(
    ctx: Context, params: Params, interface: Mapping[str, Any], subnet: Mapping[str, Any]
) -> Generator[Any, Answer, list[Mapping[str, str]]]:
    """The security groups: by id, by name in the default VPC, or the default group of the VPC."""
    ids = list(params.get("SecurityGroupIds") or interface.get("Groups") or ())
    names = list(params.get("SecurityGroups") or ())
    vpc = str(subnet["VpcId"])
    if names and params.get("SubnetId"):
        raise invalid_combination("The parameter groupName cannot be used with the parameter subnet")
    found: list[Mapping[str, Any]] = []
    if ids:
        found += yield from groups_by_id(ctx, ids)
        for group in found:
            if group["VpcId"] != vpc:
                both = f"Security group {group['GroupId']} and subnet {subnet['SubnetId']}"
                raise Fault("InvalidParameter", f"{both} belong to different networks.")
    if names or not ids:
        by_name = filters(group_name=names or ["default"], vpc_id=[vpc])
        answer = yield held(ctx, "DescribeSecurityGroups", {"Filters": by_name})
        found += answer["SecurityGroups"]
        _require_all(names, found, vpc)
    return [{"GroupId": group["GroupId"], "GroupName": group["GroupName"]} for group in found]


def groups_by_id(ctx: Context, ids: Sequence[str]) -> Generator[Any, Answer, list[Mapping[str, Any]]]:
    """The `SecurityGroup`s with these ids. Raises Fault: InvalidGroupId.Malformed, InvalidGroup.NotFound."""
    for name in ids:
        if not name.startswith("sg-"):
            raise Fault("InvalidGroupId.Malformed", f'Invalid id: "{name}" (expecting "sg-...")')
    answer = yield held(ctx, "DescribeSecurityGroups", {"Filters": filters(group_id=ids)})
    found = {group["GroupId"]: group for group in answer["SecurityGroups"]}
    for name in ids:
        if name not in found:
            raise Fault("InvalidGroup.NotFound", f"The security group '{name}' does not exist")
    return [found[name] for name in dict.fromkeys(ids)]


def _require_all(names: Iterable[str], found: Iterable[Mapping[str, Any]], vpc: str) -> None:
    there = {group["GroupName"] for group in found}
    for name in names:
        if name not in there:
            raise Fault("InvalidGroup.NotFound", f"The security group '{name}' does not exist in VPC '{vpc}'")


def _attached(ctx: Context, interface_id: str) -> Looking:
    """The network of a launch that attaches an interface which is there already."""
    answer = yield held(ctx, "DescribeNetworkInterfaces", {"NetworkInterfaceIds": [interface_id]})
    interface = answer["NetworkInterfaces"][0]
    if interface["Status"] != "available":
        raise Fault("InvalidNetworkInterface.InUse", f"Interface: [{interface_id}] in use.")
    answer = yield held(ctx, "DescribeSubnets", {"SubnetIds": [interface["SubnetId"]]})
    subnet = answer["Subnets"][0]
    address = str(interface["PrivateIpAddress"])
    return Network(subnet["AvailabilityZone"], [address], subnet, tuple(interface["Groups"]), interface_id)
