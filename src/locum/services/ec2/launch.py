"""RunInstances.

Idempotency (EC2 Developer Guide, "Ensuring idempotency in Amazon EC2 API requests"): a second call with the same client
token and parameters returns the instances of the first; with other parameters it is an IdempotentParameterMismatch.
The token is stored as long as an instance of the launch is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Generator, Iterable, Mapping
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from locum.core.calls import Ask
from locum.core.errors import Fault
from locum.core.identifiers import EPHEMERAL_LAUNCH, OWN_IMAGE, hex_id
from locum.services.asking import Asking
from locum.services.ec2.addresses import mac_of
from locum.services.ec2.block_devices import check_devices
from locum.services.ec2.faults import (
    bad_value,
    idempotency_mismatch,
    invalid_combination,
    invalid_value,
    missing_parameter,
)
from locum.services.ec2.held import held
from locum.services.ec2.lookup import removals_of_expired, visible
from locum.services.ec2.metadata import with_options
from locum.services.ec2.metadata_defaults import new_options
from locum.services.ec2.network import Network, network_of
from locum.services.ec2.profiles import named_profile, new_association
from locum.services.ec2.shapes import InstanceRow, reservation, with_association
from locum.services.ec2.tagging import check_tags, read_tags
from locum.services.ec2.templates import FROM_TEMPLATE, template_tags, with_template
from locum.services.verbs import Context, Outcome, Params
from locum.state import Instance, MetadataOptions, Put, put
from locum.state.indexes import CLIENT_TOKEN, scoped

MAX_USER_DATA: Final = 16_384
"""EC2 API, UserData: "limited to 16 KB, in raw form, before it is base64-encoded"."""
MAX_LAUNCH: Final = 1000
MAX_CLIENT_TOKEN: Final = 64
DEFAULT_TYPE: Final = "m1.small"

# Parameters that are stored as given, for DescribeInstances.
_STORED_PARAMETERS: Final = (
    "ImageId",
    "KeyName",
    "NetworkInterfaces",
    "BlockDeviceMappings",
    "Placement",
    "Monitoring",
    "EbsOptimized",
    "KernelId",
    "RamdiskId",
    "InstanceInitiatedShutdownBehavior",
    "CapacityReservationSpecification",
    "CpuOptions",
    "CreditSpecification",
    "DisableApiStop",
    "EnclaveOptions",
    "HibernationOptions",
    "InstanceMarketOptions",
    "MaintenanceOptions",
    "PrivateDnsNameOptions",
)
_IMAGE_ID: Final = re.compile(r"ami-(?:[0-9a-f]{8}|[0-9a-f]{17})")
_NOT_BESIDE_INTERFACES: Final = {
    "SubnetId": "subnet ID",
    "SecurityGroupIds": "security groups",
    "SecurityGroups": "security groups",
    "PrivateIpAddress": "private IP address",
}
"""Parameters of a launch that are members of its network interfaces where there are any, as AWS calls them."""
_NOT_COMPARED: Final = ("ClientToken", "DryRun")


def run_instances(ctx: Context, params: Params) -> Asking:
    """ec2:RunInstances. The permission to pass the profile's role was checked before.

    Asks for the image, the key pair and the network of the launch.
    """
    params = yield from with_template(ctx, params)  # which was read before; where it is not there, this says so
    token = params.get("ClientToken", "")
    digest = _digest(params)
    earlier = _launched_with(ctx, token)
    if earlier:
        return _repeated(ctx, earlier, digest)
    rows = yield from launched(ctx, params, digest)
    return Outcome(reservation(rows, "pending"), (*removals_of_expired(ctx), *events_of(rows)))


def launched(ctx: Context, params: Params, digest: str = "") -> Generator[Ask, Mapping[str, Any], list[InstanceRow]]:
    """Check a launch with `params`, those of RunInstances and of its template (`with_template`); its instances.

    `digest` tells launches with the same client token apart. Raises Fault with RunInstances's codes.
    """
    launch = _checked(ctx, params)
    profile = named_profile(ctx, params["IamInstanceProfile"]) if params.get("IamInstanceProfile") else None
    image = yield from _named_image_and_key(ctx, params)
    yield from check_devices(ctx, params.get("BlockDeviceMappings") or (), image)
    network = yield from network_of(ctx, params, launch.interface, launch.number)
    made = _launched(ctx, params, digest, launch, network)
    return [InstanceRow(it, new_association(ctx, it, profile) if profile else None) for it in made]


def events_of(rows: Iterable[InstanceRow]) -> list[Put]:
    """The events of new instances and their profile associations."""
    events: list[Put] = []
    for it, association in rows:
        events.append(put(it))
        if association is not None:
            events.append(put(association))
    return events


def decode_user_data(text: str) -> bytes:
    """Decode user data from Base64. Raises Fault: InvalidUserData.Malformed."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _bad_user_data("Invalid BASE64 encoding of user data.") from None
    return limited_user_data(data)


def limited_user_data(data: bytes) -> bytes:
    """`data`, after a check of its size. Raises Fault: InvalidUserData.Malformed."""
    if len(data) > MAX_USER_DATA:
        raise _bad_user_data(f"User data is limited to {MAX_USER_DATA} bytes")
    return data


def _bad_user_data(message: str) -> Fault:
    return Fault("InvalidUserData.Malformed", message)


def _launched_with(ctx: Context, token: str) -> list[Instance]:
    """The instances of the earlier launch with this client token, in launch order."""
    if not token:
        return []
    if len(token) > MAX_CLIENT_TOKEN:
        raise bad_value(token, "clientToken", f"It must not exceed {MAX_CLIENT_TOKEN} characters.")
    found = [it for it in ctx.state.find(CLIENT_TOKEN, scoped(ctx.account, token)) if isinstance(it, Instance)]
    return sorted((it for it in found if visible(ctx, it)), key=lambda it: it.launch_index)


def _repeated(ctx: Context, earlier: list[Instance], digest: str) -> Outcome:
    if earlier[0].request_digest != digest:
        raise idempotency_mismatch()
    return Outcome(reservation([with_association(ctx, it) for it in earlier]))


class _Launch(NamedTuple):
    """The checked parameters of a launch that it takes some reading to find."""

    number: int
    interface: Mapping[str, Any]
    options: MetadataOptions
    user_data: bytes


def _checked(ctx: Context, params: Params) -> _Launch:
    """The launch, after the checks of the parameters that name nothing."""
    count, interface = _count(params), _interface(params)
    if not params.get("ImageId"):
        raise missing_parameter("ImageId")
    wanted = params.get("PrivateIpAddress") or interface.get("PrivateIpAddress")
    if wanted and count > 1:
        raise invalid_combination("The parameter PrivateIpAddress cannot be used when launching several instances")
    if interface.get("NetworkInterfaceId") and count > 1:
        raise invalid_combination("The parameter networkInterfaceId cannot be used when launching several instances")
    _check_zone(ctx, params)
    given = params.get("MetadataOptions") or {}
    options = with_options(new_options(ctx, given), given)
    check_tags(_tags(params, "instance"), options)
    return _Launch(count, interface, options, decode_user_data(params.get("UserData") or ""))


def _named_image_and_key(ctx: Context, params: Params) -> Generator[Ask, Mapping[str, Any], Mapping[str, Any]]:
    """The `Image` of a launch, empty for this machine's. Raises Fault, as the backend does, for what is not there."""
    image, key = params["ImageId"], params.get("KeyName")
    found: Mapping[str, Any] = {}
    if image != OWN_IMAGE:
        if not _IMAGE_ID.fullmatch(image):
            raise Fault("InvalidAMIID.Malformed", f'Invalid id: "{image}" (expecting "ami-...")')
        images = yield held(ctx, "DescribeImages", {"ImageIds": [image]})
        found = next(iter(images["Images"]), {})
    if key:
        yield held(ctx, "DescribeKeyPairs", {"KeyNames": [key]})
    return found


def _launched(ctx: Context, params: Params, digest: str, launch: _Launch, network: Network) -> list[Instance]:
    """The new instances."""
    token = params.get("ClientToken", "")
    template = Instance(
        account=ctx.account,
        id="",
        region=ctx.region,
        reservation=hex_id("r", ctx.entropy),
        client_token=token,
        request_digest=digest,
        instance_type=params.get("InstanceType", DEFAULT_TYPE),
        state_changed=int(ctx.now),
        launched=int(ctx.now),
        zone=network.zone,
        private_ip="",
        user_data=launch.user_data,
        metadata=launch.options,
        protected=bool(params.get("DisableApiTermination", False)),
        ephemeral=token.startswith(EPHEMERAL_LAUNCH),
        tags={**_tags(params, "instance"), **template_tags(params)},
        attributes=_attributes(params, network),
    )
    return [_new_instance(ctx, template, index, ip) for index, ip in enumerate(network.addresses)]


def _new_instance(ctx: Context, template: Instance, index: int, private_ip: str) -> Instance:
    own_id, mac = hex_id("i", ctx.entropy), mac_of(private_ip)
    return replace(template, id=own_id, launch_index=index, private_ip=private_ip, mac=mac)


def _count(params: Params) -> int:
    """The number of instances to launch: MaxCount, up to the limit."""
    least, most = int(params["MinCount"]), int(params["MaxCount"])
    for name, value in (("Maximum", most), ("Minimum", least)):
        if value < 1:
            raise invalid_value(f"{name} instance count must be greater than zero")
    if most < least:
        raise bad_value(most, "maxCount", "It must be greater than or equal to minCount.")
    if least > MAX_LAUNCH:
        text = f"You have requested more instances ({least}) than your current instance limit of {MAX_LAUNCH} allows."
        raise Fault("InstanceLimitExceeded", text)
    return min(most, MAX_LAUNCH)


def _check_zone(ctx: Context, params: Params) -> None:
    zone = (params.get("Placement") or {}).get("AvailabilityZone") or f"{ctx.region}a"
    letter = zone.removeprefix(ctx.region)
    if letter == zone or len(letter) != 1 or not letter.islower():
        raise invalid_value(f"Invalid availability zone: [{zone}]")


def _tags(params: Params, kind: str) -> dict[str, str]:
    """The tags for a kind of resources that the launch makes: `instance`, `volume`, `network-interface`."""
    tags: dict[str, str] = {}
    for specification in params.get("TagSpecifications") or ():
        if not specification.get("ResourceType"):
            raise missing_parameter("TagSpecification.1.ResourceType")
        given = read_tags(specification.get("Tags") or ())
        if specification["ResourceType"] == kind:
            tags.update(given)
    return tags


def _interface(params: Params) -> Mapping[str, Any]:
    """The first network interface specification, which excludes subnet, groups and address of the instance."""
    interfaces = params.get("NetworkInterfaces") or ()
    if not interfaces:
        return {}
    for name, told in _NOT_BESIDE_INTERFACES.items():
        if params.get(name):
            raise invalid_combination(
                f"Network interfaces and an instance-level {told} may not be specified on the same request"
            )
    first: Mapping[str, Any] = interfaces[0]
    return first


def _attributes(params: Params, network: Network) -> dict[str, Any]:
    """What is stored for Describe operations and for the backend, by names of RunInstances and of `Instance`."""
    attributes = {name: params[name] for name in _STORED_PARAMETERS if params.get(name) is not None}
    if network.subnet:
        attributes |= {"SubnetId": network.subnet["SubnetId"], "VpcId": network.subnet["VpcId"]}
        attributes["DefaultSubnet"] = bool(network.subnet.get("DefaultForAz"))
        attributes["Groups"] = [dict(group) for group in network.groups]
    for name, kind in (("VolumeTags", "volume"), ("InterfaceTags", "network-interface")):
        if tags := _tags(params, kind):
            attributes[name] = tags
    attributes["Placement"] = {"GroupName": "", "Tenancy": "default", **(params.get("Placement") or {})}
    return attributes


def _digest(params: Params) -> str:
    template = params.get("LaunchTemplate") or {}
    left_out = {*_NOT_COMPARED, "LaunchTemplate", *template.get(FROM_TEMPLATE, ())}  # versions may come and go
    compared = {name: value for name, value in params.items() if name not in left_out}
    compared["LaunchTemplateId"] = template.get("LaunchTemplateId")
    return hashlib.sha256(json.dumps(compared, sort_keys=True, default=repr).encode()).hexdigest()
