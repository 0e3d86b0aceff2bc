"""Private IP addresses, MAC addresses and DNS names of instances.

Each account has one network, 172.31.0.0/16, the range of EC2's default VPC. The lowest free address is
allocated. VPC User Guide, "Subnet CIDR blocks": "The first four IP addresses and the last IP address in each subnet
CIDR block are not available for your use".
"""

from __future__ import annotations

import ipaddress
from typing import Final

from locum.core.errors import Fault
from locum.services.ec2.faults import invalid_value
from locum.services.verbs import Context
from locum.state import Instance

NETWORK: Final = ipaddress.IPv4Network("172.31.0.0/16")
_FIRST: Final = int(NETWORK.network_address) + 4
_LAST: Final = int(NETWORK.broadcast_address) - 1


def allocate(ctx: Context, count: int, wanted: str | None = None) -> list[str]:
    """`count` free addresses of the account, or only the address `wanted`.

    Raises Fault: InvalidIPAddress.InUse, InvalidParameterValue, InsufficientFreeAddressesInSubnet.
    """
    taken = {it.private_ip for it in ctx.state.table(Instance, ctx.account).values() if it.state != "terminated"}
    if wanted is not None:
        return [_checked(wanted, taken)]
    free: list[str] = []
    for number in range(_FIRST, _LAST + 1):
        if len(free) == count:
            break
        text = str(ipaddress.IPv4Address(number))
        if text not in taken:
            free.append(text)
    if len(free) < count:
        message = f"There are not enough free addresses in {NETWORK} to satisfy the requested number of instances."
        raise Fault("InsufficientFreeAddressesInSubnet", message)
    return free


def mac_of(private_ip: str) -> str:
    """The MAC address for an IP address: locally administered and unique."""
    return "0a:ff:" + ":".join(f"{byte:02x}" for byte in ipaddress.IPv4Address(private_ip).packed)


def private_name(private_ip: str, region: str) -> str:
    """The private DNS name. EC2 User Guide, "IP-based naming"."""
    domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
    return f"ip-{private_ip.replace('.', '-')}.{domain}"


def _checked(wanted: str, taken: set[str]) -> str:
    try:
        address = ipaddress.IPv4Address(wanted)
    except ValueError:
        raise invalid_value(f"Invalid value '{wanted}' for PrivateIpAddress. It is not an IPv4 address.") from None
    if not _FIRST <= int(address) <= _LAST:
        raise invalid_value(f"Address {wanted} does not fall within the subnet's address range")
    if str(address) in taken:
        raise Fault("InvalidIPAddress.InUse", f"Address {wanted} is in use.")
    return str(address)
