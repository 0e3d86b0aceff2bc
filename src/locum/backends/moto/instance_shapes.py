"""Moto's view of an instance, as DescribeInstances shows it: its image, what is attached to it, its addresses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def described_instance(models: Any, found: Any) -> dict[str, Any]:
    """An `Instance` of DescribeInstances, but for what Locum has of it."""
    image = models.amis.get(found.image_id)
    shape = {
        "InstanceId": found.id,
        "SubnetId": found.subnet_id,
        "VpcId": found.vpc_id,
        "RootDeviceName": found.root_device_name,
        "BlockDeviceMappings": [
            {
                "DeviceName": name,
                "Ebs": {
                    "AttachTime": _utc(device.attach_time),
                    "DeleteOnTermination": bool(device.delete_on_termination),
                    "Status": "attached",
                    "VolumeId": device.volume_id,
                },
            }
            for name, device in found.get_block_device_mapping
        ],
        "NetworkInterfaces": [_described_interface(interface) for interface in found.network_interfaces],
    }
    if found.public_ip:
        shape |= {"PublicIpAddress": found.public_ip, "PublicDnsName": found.public_dns_name}
    if image is not None:
        shape |= {"Architecture": found.architecture, "VirtualizationType": found.virtualization_type}
        shape |= {"Platform": found.platform} if found.platform else {}
    return shape


def _described_interface(interface: Any) -> dict[str, Any]:
    """An `InstanceNetworkInterface`."""
    known = {"publicIp": "PublicIp", "publicDnsName": "PublicDnsName", "ipOwnerId": "IpOwnerId"}
    association = {known[name]: value for name, value in interface.association.items() if name in known and value}
    shape = {
        "NetworkInterfaceId": interface.id,
        "OwnerId": interface.owner_id,
        "Description": interface.description,
        "InterfaceType": interface.interface_type,
        "Status": interface.status,
        "MacAddress": interface.mac_address,
        "PrivateIpAddress": interface.private_ip_address,
        "PrivateDnsName": getattr(interface, "private_dns_name", ""),
        "PrivateIpAddresses": [
            _described_address(interface, address, association) for address in interface.private_ip_addresses
        ],
        "Ipv6Addresses": [{"Ipv6Address": address} for address in interface.ipv6_addresses],
        "Groups": [{"GroupId": group.id, "GroupName": group.name} for group in interface.group_set],
        "SourceDestCheck": bool(interface.source_dest_check),
        "SubnetId": interface.subnet.id,
        "VpcId": interface.subnet.vpc_id,
        "Attachment": {
            "AttachmentId": interface.attachment_id,
            "AttachTime": _utc(interface.attach_time),
            "DeleteOnTermination": bool(interface.delete_on_termination),
            "DeviceIndex": interface.device_index,
            "NetworkCardIndex": 0,
            "Status": "attached",
        },
    }
    return {**shape, "Association": association} if association else shape


def _described_address(interface: Any, address: Mapping[str, Any], association: Mapping[str, Any]) -> dict[str, Any]:
    """An `InstancePrivateIpAddress`; the public address is that of the primary one."""
    primary = address["PrivateIpAddress"] == interface.private_ip_address
    shape = {"Primary": primary, "PrivateIpAddress": address["PrivateIpAddress"]}
    if "PrivateDnsName" in address:
        shape["PrivateDnsName"] = address["PrivateDnsName"]
    return {**shape, "Association": dict(association)} if primary and association else shape


def _utc(instant: datetime | str | None) -> datetime | str | None:
    return instant.replace(tzinfo=UTC) if isinstance(instant, datetime) and instant.tzinfo is None else instant
