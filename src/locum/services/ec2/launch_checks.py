"""Checks of a launch that ask nobody: counts, network interfaces, tags, user data."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from locum.core.errors import Fault
from locum.services.ec2.faults import bad_value, invalid_combination, invalid_value, missing_parameter
from locum.services.ec2.metadata import with_options
from locum.services.ec2.metadata_defaults import new_options
from locum.services.ec2.network import wanted_address
from locum.services.ec2.tagging import check_tags, specified_tags
from locum.services.verbs import Context, Params
from locum.state import MetadataOptions

MAX_USER_DATA: Final = 16_384
"""EC2 API, UserData: "limited to 16 KB, in raw form, before it is base64-encoded"."""
MAX_LAUNCH: Final = 1000

_NOT_BESIDE_INTERFACES: Final = {
    "SubnetId": "subnet ID",
    "SecurityGroupIds": "security groups",
    "SecurityGroups": "security groups",
    "PrivateIpAddress": "private IP address",
}
"""Parameters of a launch that are members of its network interfaces where there are any, as AWS calls them."""


class Launch(NamedTuple):
    """The checked parameters of a launch that it takes some reading to find."""

    number: int
    interface: Mapping[str, Any]
    options: MetadataOptions
    user_data: bytes


def checked(ctx: Context, params: Params) -> Launch:
    """The launch, after the checks of the parameters that name nothing."""
    count, interface = _count(params), _interface(params)
    if not params.get("ImageId"):
        raise missing_parameter("ImageId")
    if wanted_address(params, interface) and count > 1:
        raise invalid_combination("The parameter PrivateIpAddress cannot be used when launching several instances")
    if interface.get("NetworkInterfaceId") and count > 1:
        raise invalid_combination("The parameter networkInterfaceId cannot be used when launching several instances")
    _check_zone(ctx, params)
    given = params.get("MetadataOptions") or {}
    options = with_options(new_options(ctx, given), given)
    check_tags(tags_of(ctx, params, "instance"), options)
    return Launch(count, interface, options, decode_user_data(params.get("UserData") or ""))


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


def tags_of(ctx: Context, params: Params, kind: str) -> dict[str, str]:
    """The tags for a kind of resources that the launch makes: `instance`, `volume`, `network-interface`."""
    return specified_tags(params, kind, _own_keys(ctx))


def _own_keys(ctx: Context) -> str:
    """The beginning of the keys of tags that the caller alone gives: of a service, in its service-linked role."""
    principal = ctx.caller.principal
    return f"aws:{principal.issuer_arn.split('/')[2].partition('.')[0]}:" if principal.service_linked else ""


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
