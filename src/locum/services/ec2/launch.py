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
from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.core.identifiers import EPHEMERAL_LAUNCH, hex_id
from locum.services.asking import Asking
from locum.services.ec2.addresses import allocate, mac_of
from locum.services.ec2.faults import bad_value, invalid_combination, invalid_value, missing_parameter
from locum.services.ec2.lookup import removals_of_expired, visible
from locum.services.ec2.metadata import with_options
from locum.services.ec2.profiles import named_profile, new_association
from locum.services.ec2.shapes import InstanceRow, reservation, with_association
from locum.services.ec2.subnets import named_subnet
from locum.services.ec2.tagging import check_tags, read_tags
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
    "SubnetId",
    "SecurityGroupIds",
    "SecurityGroups",
    "Placement",
    "Monitoring",
    "EbsOptimized",
    "KernelId",
    "RamdiskId",
    "InstanceInitiatedShutdownBehavior",
    "DisableApiStop",
    "EnclaveOptions",
    "LaunchTemplate",
)
_NOT_COMPARED: Final = ("ClientToken", "DryRun")


def run_instances(ctx: Context, params: Params) -> Asking:
    """ec2:RunInstances. The permission to pass the profile's role was checked before.

    Asks for the subnet of the launch, if there is one.
    """
    token = params.get("ClientToken", "")
    digest = _digest(params)
    earlier = _launched_with(ctx, token)
    if earlier:
        return _repeated(ctx, earlier, digest)
    interface = _interface(params)
    subnet = yield from named_subnet(ctx, params, interface)
    launched = _launch(ctx, params, token, digest, interface, subnet)
    profile = named_profile(ctx, params["IamInstanceProfile"]) if params.get("IamInstanceProfile") else None
    rows = [InstanceRow(it, new_association(ctx, it, profile) if profile else None) for it in launched]
    events: list[Put] = []
    for it, association in rows:
        events.append(put(it))
        if association is not None:
            events.append(put(association))
    return Outcome(reservation(rows, "pending"), (*removals_of_expired(ctx), *events))


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
        raise Fault(
            "IdempotentParameterMismatch",
            "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
        )
    return Outcome(reservation([with_association(ctx, it) for it in earlier]))


def _launch(
    ctx: Context,
    params: Params,
    token: str,
    digest: str,
    interface: Mapping[str, Any],
    subnet: Mapping[str, Any] | None,
) -> list[Instance]:
    """The new instances, after the checks of all other parameters."""
    count = _count(params)
    if not params.get("ImageId") and not params.get("LaunchTemplate"):
        raise missing_parameter("ImageId")
    wanted = params.get("PrivateIpAddress") or interface.get("PrivateIpAddress")
    if wanted and count > 1:
        raise invalid_combination("The parameter PrivateIpAddress cannot be used when launching several instances")
    options = with_options(MetadataOptions(), params.get("MetadataOptions") or {})
    tags = _tags(params)
    check_tags(tags, options)
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
        zone=_zone(ctx, params) if subnet is None else subnet["AvailabilityZone"],
        private_ip="",
        user_data=decode_user_data(params.get("UserData") or ""),
        metadata=options,
        protected=bool(params.get("DisableApiTermination", False)),
        ephemeral=token.startswith(EPHEMERAL_LAUNCH),
        tags=tags,
        attributes=_attributes(params, interface, subnet),
    )
    return [_new_instance(ctx, template, index, ip) for index, ip in enumerate(allocate(ctx, count, wanted))]


def _new_instance(ctx: Context, template: Instance, index: int, private_ip: str) -> Instance:
    own_id, mac = hex_id("i", ctx.entropy), mac_of(private_ip)
    return replace(template, id=own_id, launch_index=index, private_ip=private_ip, mac=mac)


def _count(params: Params) -> int:
    """The number of instances to launch: MaxCount, up to the limit."""
    least, most = int(params["MinCount"]), int(params["MaxCount"])
    if least < 1:
        raise bad_value(least, "minCount", "Minimum value is 1.")
    if most < least:
        raise bad_value(most, "maxCount", "It must be greater than or equal to minCount.")
    if least > MAX_LAUNCH:
        text = f"You have requested more instances ({least}) than your current instance limit of {MAX_LAUNCH} allows."
        raise Fault("InstanceLimitExceeded", text)
    return min(most, MAX_LAUNCH)


def _zone(ctx: Context, params: Params) -> str:
    zone = (params.get("Placement") or {}).get("AvailabilityZone") or f"{ctx.region}a"
    letter = zone.removeprefix(ctx.region)
    if letter == zone or len(letter) != 1 or not letter.islower():
        raise invalid_value(f"Invalid availability zone: [{zone}]")
    return str(zone)


def _tags(params: Params) -> dict[str, str]:
    """The tags for the instances. Those for volumes and network interfaces are ignored."""
    tags: dict[str, str] = {}
    for specification in params.get("TagSpecifications") or ():
        if not specification.get("ResourceType"):
            raise missing_parameter("TagSpecification.1.ResourceType")
        given = read_tags(specification.get("Tags") or ())
        if specification["ResourceType"] == "instance":
            tags.update(given)
    return tags


def _interface(params: Params) -> Mapping[str, Any]:
    """The first network interface specification, which excludes subnet, groups and address of the instance."""
    interfaces = params.get("NetworkInterfaces") or ()
    if not interfaces:
        return {}
    if any(params.get(name) for name in ("SubnetId", "SecurityGroupIds", "SecurityGroups", "PrivateIpAddress")):
        raise invalid_combination(
            "Network interfaces and an instance-level subnet ID or security groups "
            "may not be specified on the same request"
        )
    first: Mapping[str, Any] = interfaces[0]
    return first


def _attributes(params: Params, interface: Mapping[str, Any], subnet: Mapping[str, Any] | None) -> dict[str, Any]:
    attributes = {name: params[name] for name in _STORED_PARAMETERS if params.get(name) is not None}
    if subnet is not None:
        attributes["VpcId"] = subnet["VpcId"]
    if interface.get("SubnetId"):
        attributes["SubnetId"] = interface["SubnetId"]
    if interface.get("Groups"):
        attributes["SecurityGroupIds"] = list(interface["Groups"])
    attributes["Placement"] = {"GroupName": "", "Tenancy": "default", **(params.get("Placement") or {})}
    return attributes


def _digest(params: Params) -> str:
    compared = {name: value for name, value in params.items() if name not in _NOT_COMPARED}
    return hashlib.sha256(json.dumps(compared, sort_keys=True, default=repr).encode()).hexdigest()
