"""The network of an instance: network/interfaces/macs/ and its public address.

EC2 User Guide, "Instance metadata categories". Where the backend has the instance, its interfaces are as the backend
has them; else there is the one that the launch made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from locum.core.instances import interface_id, private_name
from locum.imds.held import Held
from locum.imds.tree import group_names
from locum.state import Instance

Shape = Mapping[str, Any]


def network(instance: Instance, held: Held) -> dict[str, str]:
    """The leaves network/, public-hostname and public-ipv4."""
    tree: dict[str, str] = {}
    for interface in held.instance.get("NetworkInterfaces") or _launched(instance):
        base = f"network/interfaces/macs/{interface['MacAddress']}"
        leaves = {**_interface(interface, instance), **_blocks(interface, held), **_public(interface, instance)}
        tree.update({f"{base}/{name}": text for name, text in leaves.items() if text})
    if address := held.instance.get("PublicIpAddress"):
        tree["public-ipv4"] = address
        if held.instance.get("PublicDnsName"):
            tree["public-hostname"] = public_dns(address, instance.region)
    return tree


def public_dns(address: str, region: str) -> str:
    """The public DNS name: `ec2-192-0-2-54.compute-1.amazonaws.com` in us-east-1, with the region in all others."""
    domain = "compute-1" if region == "us-east-1" else f"{region}.compute"
    return f"ec2-{address.replace('.', '-')}.{domain}.amazonaws.com"


def _launched(instance: Instance) -> Sequence[Shape]:
    """The interface of the launch, as the backend would describe it."""
    if not instance.mac:
        return ()
    attributes = instance.attributes
    return (
        {
            "Groups": attributes.get("Groups", ()),
            "MacAddress": instance.mac,
            "NetworkInterfaceId": interface_id(instance.id),
            "OwnerId": instance.account,
            "PrivateIpAddress": instance.private_ip,
            "SubnetId": attributes.get("SubnetId"),
            "VpcId": attributes.get("VpcId"),
        },
    )


def _interface(interface: Shape, instance: Instance) -> dict[str, str]:
    """The leaves of an interface; those without a text are not there."""
    attachment = interface.get("Attachment") or {}
    groups = interface.get("Groups") or ()
    addresses = [each["PrivateIpAddress"] for each in interface.get("PrivateIpAddresses") or ()]
    return {
        "device-number": str(attachment.get("DeviceIndex", 0)),
        "interface-id": interface["NetworkInterfaceId"],
        "ipv6s": "\n".join(each["Ipv6Address"] for each in interface.get("Ipv6Addresses") or ()),
        "local-hostname": private_name(interface["PrivateIpAddress"], instance.region),
        "local-ipv4s": "\n".join(addresses or [interface["PrivateIpAddress"]]),
        "mac": interface["MacAddress"],
        "network-card": str(attachment.get("NetworkCardIndex", 0)),
        "owner-id": interface.get("OwnerId") or instance.account,
        "security-group-ids": "\n".join(group["GroupId"] for group in groups),
        "security-groups": group_names(groups),
        "subnet-id": interface.get("SubnetId") or "",
        "vpc-id": interface.get("VpcId") or "",
    }


def _blocks(interface: Shape, held: Held) -> dict[str, str]:
    blocks = held.vpcs.get(interface.get("VpcId") or "", ())
    return {
        "subnet-ipv4-cidr-block": held.subnets.get(interface.get("SubnetId") or "", ""),
        "vpc-ipv4-cidr-block": blocks[0] if blocks else "",
        "vpc-ipv4-cidr-blocks": "\n".join(blocks),
    }


def _public(interface: Shape, instance: Instance) -> dict[str, str]:
    """The public addresses: ipv4-associations/PUBLIC is the private address that it belongs to."""
    pairs = dict(_associations(interface))
    if not pairs:
        return {}
    return {
        "public-hostname": public_dns(next(iter(pairs)), instance.region),
        "public-ipv4s": "\n".join(pairs),
        **{f"ipv4-associations/{public}": private for public, private in pairs.items()},
    }


def _associations(interface: Shape) -> Iterator[tuple[str, str]]:
    for each in (interface, *(interface.get("PrivateIpAddresses") or ())):
        if public := (each.get("Association") or {}).get("PublicIp"):
            yield public, each["PrivateIpAddress"]
