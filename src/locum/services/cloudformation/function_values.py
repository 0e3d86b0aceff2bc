"""Values of intrinsic functions whose arguments are values: no references are left in them.

CloudFormation Template Reference, "Intrinsic functions".
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from locum.services.cloudformation.functions import (
    CIDR_FORM,
    EQUALS_FORM,
    JOIN_FORM,
    SELECT_FORM,
    SELECT_INDEX,
    SPLIT_FORM,
    is_scalar,
    text,
)
from locum.services.cloudformation.templates import invalid

LONGEST_TEXT: Final = 1 << 20
"""Characters of all that the functions within one value may produce. [U] CloudFormation has limits of the results'
own: a template of 1 MB, and those of each property."""

_INTEGER: Final = re.compile(r"-?[0-9]{1,9}")


class Budget:
    """The characters that functions may still produce."""

    def __init__(self, most: int = LONGEST_TEXT) -> None:
        self._left = most

    def spend(self, number: int) -> None:
        """The count of `number` characters more. Raises Fault ValidationError where they are too many."""
        self._left -= number
        if self._left < 0:
            raise invalid(f"Template error: the values of functions may not exceed {LONGEST_TEXT} characters.")

    def spent(self, value: Any) -> Any:
        """A value, its texts counted; each member and item is one character more."""
        left = [value]
        while left:
            current = left.pop()
            self.spend(1 + len(current) if isinstance(current, str) else 1)
            if isinstance(current, Mapping):
                left.extend(current.values())
                self.spend(sum(map(len, current)))
            elif isinstance(current, (list, tuple)):
                self.spend(len(current))
                left.extend(current)
        return value


def joined(delimiter: Any, items: Any, budget: Budget) -> str:
    """Fn::Join."""
    if not isinstance(delimiter, str) or not isinstance(items, list) or not all(map(is_scalar, items)):
        raise invalid(JOIN_FORM)
    texts = [text(item) for item in items]
    budget.spend(sum(map(len, texts)) + len(delimiter) * max(len(texts) - 1, 0))
    return delimiter.join(texts)


def parts(delimiter: Any, source: Any, budget: Budget) -> list[str]:
    """Fn::Split."""
    if not isinstance(delimiter, str) or not delimiter or not is_scalar(source):
        raise invalid(SPLIT_FORM)
    whole = text(source)
    budget.spend(len(whole) + whole.count(delimiter))
    return whole.split(delimiter)


def selected(index: Any, items: Any) -> Any:
    """Fn::Select."""
    if not is_scalar(index) or not _INTEGER.fullmatch(text(index)):
        raise invalid(SELECT_INDEX)
    if not isinstance(items, list):
        raise invalid(SELECT_FORM)
    number = int(text(index))
    if not 0 <= number < len(items):
        raise invalid(f"Template error: Fn::Select cannot select nonexistent value at index {number}")
    return items[number]


def encoded(value: Any, budget: Budget) -> str:
    """Fn::Base64."""
    if not is_scalar(value):
        raise invalid("Template error: every Fn::Base64 object must have a String-typed value.")
    octets = text(value).encode("utf-8", "replace")
    budget.spend(len(octets) * 4 // 3)
    return base64.b64encode(octets).decode()


def blocks(arguments: list[Any], budget: Budget) -> list[str]:
    """Fn::Cidr: `[block, count, subnet bits]`.

    "cidrBits: The number of subnet bits for the CIDR. For example, specifying a value "8" for this parameter will
    create a CIDR with a mask of "/24"", which is 32 - 8, or 128 - 8 of IPv6. [U] What the bits are where they are left
    out is not documented: as many as let `count` blocks fit.
    """
    block, count, *rest = arguments
    number, bits = _whole(count), _whole(rest[0]) if rest else None
    try:
        network = ipaddress.ip_network(text(block), strict=False)
    except ValueError as error:
        raise invalid(f"Template error: Fn::Cidr ipBlock {text(block)} is not a valid CIDR block") from error
    if not 1 <= number <= 256:
        raise invalid(CIDR_FORM)
    free = network.max_prefixlen - network.prefixlen
    size = free - (number - 1).bit_length() if bits is None else bits
    if not 0 <= size <= free or number > 1 << free - size:
        raise invalid(f"Template error: Fn::Cidr cannot fit {number} blocks of {size} bits in {network}")
    first, prefix = int(network.network_address), network.max_prefixlen - size
    kind = ipaddress.IPv4Address if network.version == 4 else ipaddress.IPv6Address
    return [budget.spent(f"{kind(first + (index << size))}/{prefix}") for index in range(number)]


def written(value: Any, budget: Budget) -> str:
    """Fn::ToJsonString."""
    whole = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    budget.spend(len(whole))
    return whole


def length(value: Any) -> int:
    """Fn::Length."""
    if not isinstance(value, list):
        raise invalid("Template error: Fn::Length requires a list or a function that returns a list")
    return len(value)


def same(one: Any, other: Any) -> bool:
    """Fn::Equals: scalars by their texts. Raises Fault ValidationError on lists and objects."""
    if not is_scalar(one) or not is_scalar(other):
        raise invalid(EQUALS_FORM)
    return text(one) == text(other)


def contains(items: Any, value: Any) -> bool:
    """Fn::Contains: whether at least one item is `value`."""
    return texts("Fn::Contains", [value])[0] in texts("Fn::Contains", items)


def each_in(items: Any, others: Any) -> bool:
    """Fn::EachMemberIn: whether each item is among the others."""
    return set(texts("Fn::EachMemberIn", items)) <= set(texts("Fn::EachMemberIn", others))


def each_equals(items: Any, value: Any) -> bool:
    """Fn::EachMemberEquals: whether each item is `value`."""
    return {*texts("Fn::EachMemberEquals", items)} <= {*texts("Fn::EachMemberEquals", [value])}


def texts(function: str, items: Any) -> list[str]:
    """A list of strings, argument of `function`. Raises Fault ValidationError on anything else."""
    if not isinstance(items, list) or not all(map(is_scalar, items)):
        raise invalid(f"Template error: {function} requires a list of strings")
    return [text(item) for item in items]


def _whole(value: Any) -> int:
    if not is_scalar(value) or not _INTEGER.fullmatch(text(value)):
        raise invalid(CIDR_FORM)
    return int(text(value))
