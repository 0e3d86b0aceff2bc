"""The filters of DescribeInstances: where each has its values in an `Instance` of the answer.

EC2 API, DescribeInstances, Filters. A path leads through structures and lists alike. Those without values here
(Outposts, Dedicated Hosts, prefixes, Spot) match nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from locum.core.clock import iso8601_ms

Row = Mapping[str, Any]
"""An `Instance`, with `OwnerId`, `ReservationId` and `RequesterId` of its reservation."""

_ASSOCIATION: Final = {
    "allocation-id": "AllocationId",
    "association-id": "AssociationId",
    "carrier-ip": "CarrierIp",
    "customer-owned-ip": "CustomerOwnedIp",
    "ip-owner-id": "IpOwnerId",
    "public-dns-name": "PublicDnsName",
    "public-ip": "PublicIp",
}

_INTERFACE: Final = {
    "addresses.primary": "PrivateIpAddresses.Primary",
    "addresses.private-dns-name": "PrivateIpAddresses.PrivateDnsName",
    "addresses.private-ip-address": "PrivateIpAddresses.PrivateIpAddress",
    **{f"addresses.association.{name}": f"PrivateIpAddresses.Association.{at}" for name, at in _ASSOCIATION.items()},
    **{f"association.{name}": f"Association.{at}" for name, at in _ASSOCIATION.items()},
    "attachment.attach-time": "Attachment.AttachTime",
    "attachment.attachment-id": "Attachment.AttachmentId",
    "attachment.delete-on-termination": "Attachment.DeleteOnTermination",
    "attachment.device-index": "Attachment.DeviceIndex",
    "attachment.network-card-index": "Attachment.NetworkCardIndex",
    "attachment.status": "Attachment.Status",
    "deny-all-igw-traffic": "DenyAllIgwTraffic",
    "description": "Description",
    "group-id": "Groups.GroupId",
    "group-name": "Groups.GroupName",
    "ipv4-prefixes.ipv4-prefix": "Ipv4Prefixes.Ipv4Prefix",
    "ipv6-address": "Ipv6Addresses.Ipv6Address",
    "ipv6-addresses.ipv6-address": "Ipv6Addresses.Ipv6Address",
    "ipv6-addresses.is-primary-ipv6": "Ipv6Addresses.IsPrimaryIpv6",
    "ipv6-native": "Ipv6Native",
    "ipv6-prefixes.ipv6-prefix": "Ipv6Prefixes.Ipv6Prefix",
    "mac-address": "MacAddress",
    "network-interface-id": "NetworkInterfaceId",
    "operator.managed": "Operator.Managed",
    "operator.principal": "Operator.Principal",
    "outpost-arn": "OutpostArn",
    "owner-id": "OwnerId",
    "private-dns-name": "PrivateDnsName",
    "private-ip-address": "PrivateIpAddress",
    "public-dns-name": "Association.PublicDnsName",
    "requester-id": "RequesterId",
    "requester-managed": "RequesterManaged",
    "source-dest-check": "SourceDestCheck",
    "status": "Status",
    "subnet-id": "SubnetId",
    "tag-key": "TagSet.Key",
    "tag-value": "TagSet.Value",
    "vpc-id": "VpcId",
}

_PATHS: Final = {
    "affinity": "Placement.Affinity",
    "architecture": "Architecture",
    "availability-zone": "Placement.AvailabilityZone",
    "availability-zone-id": "Placement.AvailabilityZoneId",
    "block-device-mapping.attach-time": "BlockDeviceMappings.Ebs.AttachTime",
    "block-device-mapping.delete-on-termination": "BlockDeviceMappings.Ebs.DeleteOnTermination",
    "block-device-mapping.device-name": "BlockDeviceMappings.DeviceName",
    "block-device-mapping.status": "BlockDeviceMappings.Ebs.Status",
    "block-device-mapping.volume-id": "BlockDeviceMappings.Ebs.VolumeId",
    "boot-mode": "BootMode",
    "capacity-reservation-id": "CapacityReservationId",
    "capacity-reservation-specification.capacity-reservation-preference": (
        "CapacityReservationSpecification.CapacityReservationPreference"
    ),
    "capacity-reservation-specification.capacity-reservation-target.capacity-reservation-id": (
        "CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationId"
    ),
    "capacity-reservation-specification.capacity-reservation-target.capacity-reservation-resource-group-arn": (
        "CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationResourceGroupArn"
    ),
    "client-token": "ClientToken",
    "current-instance-boot-mode": "CurrentInstanceBootMode",
    "dns-name": "PublicDnsName",
    "ebs-optimized": "EbsOptimized",
    "ena-support": "EnaSupport",
    "enclave-options.enabled": "EnclaveOptions.Enabled",
    "hibernation-options.configured": "HibernationOptions.Configured",
    "host-id": "Placement.HostId",
    "hypervisor": "Hypervisor",
    "iam-instance-profile.arn": "IamInstanceProfile.Arn",
    "iam-instance-profile.id": "IamInstanceProfile.Id",
    "image-id": "ImageId",
    "instance-id": "InstanceId",
    "instance-lifecycle": "InstanceLifecycle",
    "instance-state-code": "State.Code",
    "instance-state-name": "State.Name",
    "instance-type": "InstanceType",
    "instance.group-id": "SecurityGroups.GroupId",
    "instance.group-name": "SecurityGroups.GroupName",
    "ip-address": "PublicIpAddress",
    "ipv6-address": "NetworkInterfaces.Ipv6Addresses.Ipv6Address",
    "kernel-id": "KernelId",
    "key-name": "KeyName",
    "launch-index": "AmiLaunchIndex",
    "launch-time": "LaunchTime",
    "maintenance-options.auto-recovery": "MaintenanceOptions.AutoRecovery",
    "metadata-options.http-endpoint": "MetadataOptions.HttpEndpoint",
    "metadata-options.http-protocol-ipv4": "MetadataOptions.HttpProtocolIpv4",
    "metadata-options.http-protocol-ipv6": "MetadataOptions.HttpProtocolIpv6",
    "metadata-options.http-put-response-hop-limit": "MetadataOptions.HttpPutResponseHopLimit",
    "metadata-options.http-tokens": "MetadataOptions.HttpTokens",
    "metadata-options.instance-metadata-tags": "MetadataOptions.InstanceMetadataTags",
    "metadata-options.state": "MetadataOptions.State",
    "monitoring-state": "Monitoring.State",
    **{f"network-interface.{name}": f"NetworkInterfaces.{at}" for name, at in _INTERFACE.items()},
    "network-performance-options.bandwidth-weighting": "NetworkPerformanceOptions.BandwidthWeighting",
    "operator.managed": "Operator.Managed",
    "operator.principal": "Operator.Principal",
    "outpost-arn": "OutpostArn",
    "owner-id": "OwnerId",
    "placement-group-name": "Placement.GroupName",
    "placement-partition-number": "Placement.PartitionNumber",
    "platform": "Platform",
    "platform-details": "PlatformDetails",
    "private-dns-name": "PrivateDnsName",
    "private-dns-name-options.enable-resource-name-dns-a-record": "PrivateDnsNameOptions.EnableResourceNameDnsARecord",
    "private-dns-name-options.enable-resource-name-dns-aaaa-record": (
        "PrivateDnsNameOptions.EnableResourceNameDnsAAAARecord"
    ),
    "private-dns-name-options.hostname-type": "PrivateDnsNameOptions.HostnameType",
    "private-ip-address": "PrivateIpAddress",
    "product-code": "ProductCodes.ProductCodeId",
    "product-code.type": "ProductCodes.ProductCodeType",
    "ramdisk-id": "RamdiskId",
    "reason": "StateTransitionReason",
    "requester-id": "RequesterId",
    "reservation-id": "ReservationId",
    "root-device-name": "RootDeviceName",
    "root-device-type": "RootDeviceType",
    "source-dest-check": "SourceDestCheck",
    "spot-instance-request-id": "SpotInstanceRequestId",
    "state-reason-code": "StateReason.Code",
    "state-reason-message": "StateReason.Message",
    "subnet-id": "SubnetId",
    "tag-key": "Tags.Key",
    "tag-value": "Tags.Value",
    "tenancy": "Placement.Tenancy",
    "tpm-support": "TpmSupport",
    "usage-operation": "UsageOperation",
    "usage-operation-update-time": "UsageOperationUpdateTime",
    "virtualization-type": "VirtualizationType",
    "vpc-id": "VpcId",
}


def at(path: str) -> Callable[[Row], Iterable[str]]:
    """The reader of the values at `path` of a shape (`State.Name`), as filters have them."""
    steps = tuple(path.split("."))
    return lambda row: _texts(row, steps)


def _texts(value: Any, steps: tuple[str, ...], last: str = "") -> Iterator[str]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item, steps, last)
    elif steps:
        if steps[0] in value:
            yield from _texts(value[steps[0]], steps[1:], steps[0])
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif last.endswith("Time"):
        yield iso8601_ms(value.timestamp() if isinstance(value, datetime) else value)
    elif value is not None:
        yield str(value)


def _of_attached(values: Callable[[Row], str]) -> Callable[[Row], Iterable[str]]:
    """Values of the instance itself, for filters that ask its network interfaces for them."""
    return lambda row: (values(row),) if row.get("NetworkInterfaces") else ()


FILTERS: Final[Mapping[str, Callable[[Row], Iterable[str]]]] = {
    **{name: at(path) for name, path in _PATHS.items()},
    "iam-instance-profile.name": lambda row: (
        (row["IamInstanceProfile"]["Arn"].rpartition("/")[2],) if "IamInstanceProfile" in row else ()
    ),
    "network-interface.attachment.instance-id": _of_attached(lambda row: row["InstanceId"]),
    "network-interface.attachment.instance-owner-id": _of_attached(lambda row: row["OwnerId"]),
    "network-interface.availability-zone": _of_attached(lambda row: row["Placement"]["AvailabilityZone"]),
}
"""The values of an instance by filter; `tag:KEY` is not among them."""
