"""Private IP addresses, MAC addresses and DNS names of instances.

The lowest free address of a subnet is allocated. VPC User Guide, "Subnet CIDR blocks": "The first four IP addresses and
the last IP address in each subnet CIDR block are not available for your use".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from typing import Final

from locum.core.errors import Fault
from locum.services.ec2.faults import invalid_value

FIRST_DEFAULT: Final = ipaddress.IPv4Network("172.31.0.0/20")
"""The addresses of the default subnet of a region's first zone. VPC User Guide, "Default VPC components": "a size /16
IPv4 CIDR block (172.31.0.0/16)", and "a size /20 default subnet in each Availability Zone"."""

_RESERVED: Final = 4


def allocate(subnet: ipaddress.IPv4Network, count: int, taken: Collection[str], wanted: str | None = None) -> list[str]:
    """`count` free addresses of `subnet`, or only the address `wanted`.

    Raises Fault: InvalidIPAddress.InUse, InvalidParameterValue, InsufficientFreeAddressesInSubnet.
    """
    first, last = int(subnet.network_address) + _RESERVED, int(subnet.broadcast_address) - 1
    if wanted is not None:
        return [_checked(wanted, first, last, taken)]
    free: list[str] = []
    for number in range(first, last + 1):
        if len(free) == count:
            break
        text = str(ipaddress.IPv4Address(number))
        if text not in taken:
            free.append(text)
    if len(free) < count:
        message = f"There are not enough free addresses in {subnet} to satisfy the requested number of instances."
        raise Fault("InsufficientFreeAddressesInSubnet", message)
    return free


def mac_of(private_ip: str) -> str:
    """The MAC address for an IP address: locally administered and unique."""
    return "0a:ff:" + ":".join(f"{byte:02x}" for byte in ipaddress.IPv4Address(private_ip).packed)


def _checked(wanted: str, first: int, last: int, taken: Collection[str]) -> str:
    try:
        address = ipaddress.IPv4Address(wanted)
    except ValueError:
        raise invalid_value(f"Invalid value '{wanted}' for PrivateIpAddress. It is not an IPv4 address.") from None
    if not first <= int(address) <= last:
        raise invalid_value(f"Address {wanted} does not fall within the subnet's address range")
    if str(address) in taken:
        raise Fault("InvalidIPAddress.InUse", f"Address {wanted} is in use.")
    return str(address)
