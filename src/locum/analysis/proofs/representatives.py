"""Finitely many values that stand for all numbers, dates, addresses or bytes.

The values that a policy mentions divide all values into ranges, within which no condition can tell two of them apart.
One value of each range is enough.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Final

from locum.policy import values

_PLACES: Final = Context(prec=200)
_LEAST_NUMBER: Final = Decimal(1).scaleb(-64)
_LEAST_TIME: Final = Decimal(1).scaleb(-9)
"""The least differences between two numbers and between two times that `policy.values` reads."""


def numbers(texts: Iterable[str]) -> list[str]:
    """Numbers: those in `texts`, and those beside them."""
    return _around(texts, values.number, _LEAST_NUMBER, lambda number: format(number, "f"))


def times(texts: Iterable[str]) -> list[str]:
    """Times: those in `texts`, and those beside them."""
    return _around(texts, values.instant, _LEAST_TIME, _time)


def _around(
    texts: Iterable[str], read: Callable[[str], Decimal | None], least: Decimal, write: Callable[[Decimal], str]
) -> list[str]:
    limits = sorted({limit for limit in map(read, texts) if limit is not None})
    steps = (Decimal(0), Decimal(1), Decimal(-1), least, -least)
    near = [_PLACES.add(limit, step) for step in steps for limit in limits] or [Decimal(0)]
    written = dict.fromkeys(map(write, near))
    return [text for text in written if read(text) is not None]


def _time(instant: Decimal) -> str:
    if instant == instant.to_integral_value() and 0 <= instant < 253_402_300_800:
        return datetime.fromtimestamp(int(instant), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return format(instant, "f")


def addresses(texts: Iterable[str]) -> list[str]:
    """IP addresses: the first and the last of each range in `texts`, those beside them, and one of each version."""
    found: dict[str, None] = {}
    networks = [network for network in map(values.network, texts) if network is not None]
    for version, others in ((4, "192.0.2.1"), (6, "2001:db8::1")):
        found[others] = None
        limits = [network for network in networks if network.version == version]
        for number in sorted(set(_edges(limits))):
            if 0 <= number < 1 << (32 if version == 4 else 128):
                address = ipaddress.IPv4Address(number) if version == 4 else ipaddress.IPv6Address(number)
                found[str(address)] = None
    return list(found)


def _edges(networks: Iterable[values.Network]) -> Iterator[int]:
    yield 0
    for network in networks:
        yield from (network.first - 1, network.first, network.last, network.last + 1)


def binaries(texts: Iterable[str]) -> list[str]:
    """Base64 texts: those of the bytes in `texts`, and one of other bytes."""
    known = {content for content in map(values.binary, texts) if content is not None}
    other = b"other"
    while other in known:
        other += b"."
    return [base64.b64encode(content).decode() for content in [other, *sorted(known)]]


FAMILIES: Final[dict[str, Callable[[Iterable[str]], list[str]]]] = {
    "Numeric": numbers,
    "Date": times,
    "Ip": addresses,
    "Binary": binaries,
}
"""The representatives of the values that a family of operators compares, by the texts of all its conditions."""
