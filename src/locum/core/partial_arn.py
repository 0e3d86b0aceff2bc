"""ARNs of which a part is not known, as the evaluator takes them.

A request does not always name its resource in full: a member is absent, it has the id of something else (an
association, an upload), or the resource is yet to be created. Nothing is guessed in place of the missing part.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from itertools import takewhile
from typing import Final, NamedTuple, Self, cast

_FIELDS: Final = 6


class Missing(Enum):
    """A missing part of an ARN.

    UNKNOWN may be any text: an Allow must match every value, a Deny applies if it matches any. NEW is of a resource
    that the request creates: its name is chosen later, so that no statement can be about that name, and both Allow and
    Deny must match every value.
    """

    UNKNOWN = "unknown"
    NEW = "new"


UNKNOWN: Final = Missing.UNKNOWN
NEW: Final = Missing.NEW

Part = str | Missing


class Name(NamedTuple):
    """Another name of a resource, by which a backend can find it: `GroupName` and `web`."""

    kind: str
    value: str


class PartialArn(str):
    """An ARN with missing parts.

    As text, each missing part is `*`, as in AWS's messages; but it equals no other text, so that it is never mistaken
    for the resource of that name. `parts` are its texts and missing parts, in order; `name` is another name of the
    resource, where the request has one.
    """

    __slots__ = ("name", "parts")

    parts: tuple[Part, ...]
    name: Name | None

    def __new__(cls, parts: tuple[Part, ...], name: Name | None = None) -> Self:
        self = super().__new__(cls, "".join(["*" if isinstance(part, Missing) else part for part in parts]))
        self.parts = parts
        self.name = name
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PartialArn) and (self.parts, self.name) == (other.parts, other.name)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self.parts, self.name))

    def __getnewargs__(self) -> tuple[tuple[Part, ...], Name | None]:  # type: ignore[override] # for copies
        return self.parts, self.name

    @property
    def beginning(self) -> str:
        """The text before the first missing part."""
        return "".join(cast("Iterable[str]", takewhile(lambda part: isinstance(part, str), self.parts)))

    @property
    def nothing_known(self) -> bool:
        """Whether not even the service is known."""
        return len(self.fields) < _FIELDS

    @property
    def fields(self) -> list[list[Part]]:
        """The parts of each field of the ARN, at most six."""
        fields: list[list[Part]] = [[]]
        for part in self.parts:
            if isinstance(part, Missing):
                fields[-1].append(part)
                continue
            head, *others = part.split(":", _FIELDS - len(fields))
            fields[-1].append(head)
            fields.extend([piece] for piece in others)
        return fields


def arn_of(*parts: Part, name: Name | None = None) -> str:
    """The ARN made of `parts`: a PartialArn where any of them is missing."""
    try:
        return "".join(cast("tuple[str, ...]", parts))
    except TypeError:  # a missing part is no text
        return PartialArn(parts, name)


def lower_case(arn: str) -> str:
    """`arn` in lower case. What is missing stays missing, and another name as it is."""
    if isinstance(arn, PartialArn):
        return PartialArn(tuple(part.lower() if isinstance(part, str) else part for part in arn.parts), arn.name)
    return arn.lower()


def with_missing(text: str, missing: Missing = UNKNOWN) -> str:
    """The ARN `text` with a missing part for each `*` in it. For ids and names that cannot contain a `*`."""
    first, *others = text.split("*")
    return arn_of(first, *[part for other in others for part in (missing, other)])


UNKNOWN_RESOURCE: Final = PartialArn((UNKNOWN,))
"""A resource of which nothing is known: only `*` allows it, and every Deny on any resource applies."""
