"""Parsers of the values that conditions compare: numbers, dates, booleans, IP addresses, binary.

Each returns None for text that it cannot parse; the comparison decides what that means (SEMANTICS 47).
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

# "You can use the decimal notation"; an exponent is not documented, and nine characters with one could denote a
# number of a gigabyte.
_NUMBER: Final = re.compile(r"[+-]?([0-9]{1,64}(\.[0-9]{0,64})?|\.[0-9]{1,64})")

# "one of the W3C implementations of the ISO 8601 date formats or in epoch (UNIX) time"
# https://www.w3.org/TR/NOTE-datetime; a time without an offset is read as UTC. IAM takes shorter forms, too, as
# recorded: 01T, 2016-12-13t2:00:00.593194+23.
_INSTANT: Final = re.compile(
    r"([0-9]{1,4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?"
    r"(?:T(?:([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?)?",
    re.IGNORECASE,
)
_EPOCH: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")
_UNIX: Final = datetime(1970, 1, 1, tzinfo=UTC)

_BOOLEANS: Final = {"true": True, "false": False}
_ADDRESS: Final = re.compile(r"[0-9a-fA-F:.]{2,45}")


@lru_cache(maxsize=4096)
def number(text: str) -> Decimal | None:
    """The decimal number that `text` denotes."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


@lru_cache(maxsize=4096)
def instant(text: str) -> Decimal | None:
    """The time that `text` denotes, in seconds since 1970-01-01T00:00:00Z, whatever its format (SEMANTICS 46)."""
    if _EPOCH.fullmatch(text):
        return Decimal(text)
    match = _INSTANT.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    try:
        naive = datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC
        )
    except ValueError:
        return None
    seconds = Decimal(int((naive - _UNIX).total_seconds())) - _offset_seconds(offset)
    return seconds + Decimal(f"0.{fraction}") if fraction else seconds


def _offset_seconds(offset: str | None) -> int:
    if offset is None or offset in "Zz":
        return 0
    seconds = int(offset[1:3]) * 3600 + int(offset[3:].lstrip(":") or 0) * 60
    return -seconds if offset[0] == "-" else seconds


def boolean(text: str) -> bool | None:
    """The boolean that `text` denotes: `true` or `false`, in any case."""
    return _BOOLEANS.get(text.lower())


def binary(text: str) -> bytes | None:
    """The bytes of base64 text, as BinaryEquals takes it."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


class Network(NamedTuple):
    """A range of IP addresses: `first` and `last` as integers, both inclusive."""

    version: int
    first: int
    last: int


@lru_cache(maxsize=4096)
def address(text: str) -> tuple[int, int] | None:
    """An IP address as (version, integer)."""
    if not _ADDRESS.fullmatch(text):
        return None
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    return parsed.version, int(parsed)


def network(text: str) -> Network | None:
    """The CIDR range that `text` denotes. A bare IPv4 address is a /32; [U] a bare IPv6 one a /128, the narrowest."""
    base, slash, prefix = text.partition("/")
    parsed = address(base)
    if parsed is None or (slash and not re.fullmatch(r"[0-9]{1,3}", prefix)):
        return None
    version, value = parsed
    width = 32 if version == 4 else 128
    length = int(prefix) if slash else width
    if length > width:
        return None
    host = (1 << (width - length)) - 1
    return Network(version, value & ~host, value | host)
