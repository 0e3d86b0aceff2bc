"""Values that are not known before a deployment: each has a mark in it, which no real value has.

A generated name `STACK-LOGICAL-RANDOM` has the mark in place of its random part, an id is the mark alone, or follows
its prefix. In an ARN the mark is a missing part (`core.partial_arn`): an Allow has to match every value of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from locum.core.partial_arn import UNKNOWN, Missing, Part, PartialArn, arn_of

MARK: Final = "locumplanned"
"""As long as the random part of a generated name, in lower case as some names have to be."""

MARKED_NUMBER: Final = 907_107_417
"""The mark of what is a number: the version of a layer."""

_MARK: Final = re.compile(f"{MARK}[0-9]*|{MARKED_NUMBER}", re.IGNORECASE)
_SAMPLE: Final = "1a2b3c4d5e6f"


def is_marked(value: Any) -> bool:
    """Whether anything in `value` is not known yet."""
    if isinstance(value, str):
        return _MARK.search(value) is not None
    if isinstance(value, Mapping):
        return any(map(is_marked, value)) or any(map(is_marked, value.values()))
    return isinstance(value, (list, tuple)) and any(map(is_marked, value))


def unmarked(arn: str) -> str:
    """The ARN with a missing part for each mark in it."""
    if isinstance(arn, PartialArn):
        return PartialArn(tuple(piece for part in arn.parts for piece in _pieces(part)), arn.name)
    return arn_of(*_pieces(arn)) if _MARK.search(arn) else arn


def _pieces(part: Part) -> list[Part]:
    if isinstance(part, Missing):
        return [part]
    first, *others = _MARK.split(part)
    return [first, *[piece for other in others for piece in (UNKNOWN, other)]]


def sample(arn: str) -> str:
    """The ARN as it might be, with a value in place of each missing part."""
    if isinstance(arn, PartialArn):
        arn = "".join(_SAMPLE if isinstance(part, Missing) else part for part in arn.parts)
    return _MARK.sub(_SAMPLE, arn)


def marked(arn: str) -> str:
    """The ARN with a mark in place of each missing part."""
    if isinstance(arn, PartialArn):
        return "".join(MARK if isinstance(part, Missing) else part for part in arn.parts)
    return arn


def shown(text: str) -> str:
    """`text` as it is told: what is not known is `*`."""
    return _MARK.sub("*", text)


OTHER: Final = "locumother"
"""The end of a value that is only tried: what has it is not of the template, and nothing is told of it."""


def is_other(value: Any) -> bool:
    """Whether `value`, a text, has a part that was only tried."""
    return OTHER in str(value).lower()
