"""The shapes of instances in EC2's answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from locum.core.identifiers import OWN_IMAGE
from locum.core.instances import ROOT_DEVICE, attachment_id, interface_id, private_name
from locum.services.ec2.announced import MESSAGES
from locum.services.ec2.lookup import state_of
from locum.services.ec2.options import shown_options
from locum.services.ec2.profiles import profile_shape
from locum.services.ec2.spot_options import REQUEST, is_spot
from locum.services.verbs import Context
from locum.state import Instance, MetadataOptions, ProfileAssociation
from locum.state.associations import association_of

_LAUNCH_MEMBERS: Final = ("ImageId", "KeyName", "SubnetId", "VpcId", "KernelId", "RamdiskId")
_ATTACHED: Final = (
    "BlockDeviceMappings",
    "NetworkInterfaces",
    "PublicDnsName",
    "PublicIpAddress",
    "SubnetId",
    "VpcId",
)
"""The members of an `Instance` that are as the backend has them: what is attached to it."""
_OF_IMAGE: Final = ("Architecture", "Platform", "RootDeviceName", "VirtualizationType")
"""Those that are as the backend has its image, which has no image of this machine."""
_USER_INITIATED: Final = "Client.UserInitiatedShutdown"
_LOST: Final = "Server.InternalError"


class InstanceRow(NamedTuple):
    """An instance and its profile association, as Describe operations need them."""

    instance: Instance
    association: ProfileAssociation | None


def with_association(ctx: Context, it: Instance) -> InstanceRow:
    """`it` with its profile association."""
    return InstanceRow(it, association_of(ctx.state, it))


def described(row: InstanceRow, held: Mapping[str, Any]) -> dict[str, Any]:
    """An `Instance` with what the backend holds of it, and with the id and the owner of its reservation."""
    it = row.instance
    shape = {**_instance(row, it.state), "ReservationId": it.reservation, "OwnerId": it.account}
    if it.state == "terminated":
        return shape
    members = _ATTACHED if it.attributes.get("ImageId") == OWN_IMAGE else (*_ATTACHED, *_OF_IMAGE)
    shape |= {name: held[name] for name in members if held.get(name) not in (None, "")}
    interfaces = shape["NetworkInterfaces"]
    if held and interfaces:
        shape["SecurityGroups"] = interfaces[0]["Groups"]
    return shape


def reservations(shapes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """`Reservations`, with the instances (`described`) grouped by launch, in their order."""
    grouped: dict[str, dict[str, Any]] = {}
    for shape in shapes:
        instance = dict(shape)
        name, owner = instance.pop("ReservationId"), instance.pop("OwnerId")
        found = grouped.setdefault(name, {"ReservationId": name, "OwnerId": owner, "Groups": [], "Instances": []})
        found["Instances"].append(instance)
    return list(grouped.values())


def reservation(members: list[InstanceRow], state: str | None = None) -> dict[str, Any]:
    """A `Reservation`. `state` replaces the states of the instances."""
    first = members[0].instance
    return {
        "ReservationId": first.reservation,
        "OwnerId": first.account,
        "Groups": [],
        "Instances": [_instance(member, state or member.instance.state) for member in members],
    }


def metadata_options(options: MetadataOptions, state: str) -> dict[str, Any]:
    """An `InstanceMetadataOptionsResponse`."""
    return {
        "State": state,
        "HttpTokens": options.tokens,
        "HttpPutResponseHopLimit": options.hop_limit,
        "HttpEndpoint": options.endpoint,
        "HttpProtocolIpv6": options.protocol_ipv6,
        "InstanceMetadataTags": options.instance_tags,
    }


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """A `TagList`."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def groups(it: Instance) -> list[dict[str, str]]:
    """The security groups, as `GroupIdentifier`s."""
    found: list[dict[str, str]] = it.attributes.get("Groups", [])
    return found


def _instance(row: InstanceRow, state: str) -> dict[str, Any]:
    it, given = row.instance, row.instance.attributes
    shape: dict[str, Any] = {
        "InstanceId": it.id,
        "AmiLaunchIndex": it.launch_index,
        "InstanceType": it.instance_type,
        "LaunchTime": it.launched,
        "State": state_of(state),
        "Placement": {**given.get("Placement", {}), "AvailabilityZone": it.zone},
        "ClientToken": it.client_token,
        "Architecture": "x86_64",
        "Hypervisor": "xen",
        "VirtualizationType": "hvm",
        "EbsOptimized": bool(given.get("EbsOptimized", False)),
        "EnaSupport": True,
        "RootDeviceName": ROOT_DEVICE,
        "RootDeviceType": "ebs",
        "BlockDeviceMappings": [],
        "ProductCodes": [],
        "PublicDnsName": "",
        "PrivateDnsName": "",
        "StateTransitionReason": it.state_reason,
        "SecurityGroups": groups(it),
        "SourceDestCheck": bool(given.get("SourceDestCheck", True)),
        "MetadataOptions": metadata_options(it.metadata, "applied"),
        "NetworkInterfaces": [],
        "Tags": tag_list(it.tags),
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "UsageOperationUpdateTime": it.launched,
        **shown_options(it),
    }
    shape.update({name: given[name] for name in _LAUNCH_MEMBERS if name in given})
    if is_spot(given):
        shape["InstanceLifecycle"] = "spot"
    if REQUEST in given:  # a Spot Instance of an older journal has none
        shape["SpotInstanceRequestId"] = given[REQUEST]["SpotInstanceRequestId"]
    shape.update(_state_reason(it))
    if it.state != "terminated":
        shape.update(_network(it))
    if row.association is not None:
        shape["IamInstanceProfile"] = profile_shape(row.association)
    return shape


def _state_reason(it: Instance) -> dict[str, dict[str, str]]:
    """`StateReason`, where there is one."""
    if it.state_reason in MESSAGES:
        code, message = it.state_reason, MESSAGES[it.state_reason]
    elif it.state_reason:
        code, message = _USER_INITIATED, "User initiated shutdown"
    elif it.lost_subnet:
        code, message = _LOST, f"{it.lost_subnet} went with the embedded backend"
    else:
        return {}
    return {"StateReason": {"Code": code, "Message": f"{code}: {message}"}}


def _network(it: Instance) -> dict[str, Any]:
    """The network members of an instance that is not terminated."""
    name = private_name(it.private_ip, it.region)
    interface: dict[str, Any] = {
        "NetworkInterfaceId": interface_id(it.id),
        "OwnerId": it.account,
        "Description": "",
        "InterfaceType": "interface",
        "Status": "in-use",
        "MacAddress": it.mac,
        "PrivateIpAddress": it.private_ip,
        "PrivateDnsName": name,
        "PrivateIpAddresses": [{"Primary": True, "PrivateIpAddress": it.private_ip, "PrivateDnsName": name}],
        "Ipv6Addresses": [],
        "Groups": groups(it),
        "SourceDestCheck": bool(it.attributes.get("SourceDestCheck", True)),
        "Attachment": {
            "AttachmentId": attachment_id(it.id),
            "AttachTime": it.launched,
            "DeleteOnTermination": True,
            "DeviceIndex": 0,
            "NetworkCardIndex": 0,
            "Status": "attached",
        },
    }
    interface |= {name: it.attributes[name] for name in ("SubnetId", "VpcId") if name in it.attributes}
    return {"PrivateIpAddress": it.private_ip, "PrivateDnsName": name, "NetworkInterfaces": [interface]}
