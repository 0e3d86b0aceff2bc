"""Comparison of names without regard to letter case, as AWS makes it beyond ASCII.

IAM User Guide, "Condition": "Condition key names are not case-sensitive"; "Tags for AWS IAM resources": "Tag key values
for IAM users and roles are not case sensitive". AWS compares them like Java's String.equalsIgnoreCase, by the
upper case of each character and the lower case of that: the Kelvin sign (U+212A) is a `k`, the long s (U+017F) an `s`,
the dotless i (U+0131) and the dotted I (U+0130) an `i`. `str.lower` and `str.casefold` leave some of them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

_V = TypeVar("_V")

_DOTTED_CAPITAL_I: Final = "\u0130"  # The only character whose simple lower case str.lower does not give.


def folded(text: str) -> str:
    """The form of `text` that is the same for all names that differ in letter case only."""
    return text.lower() if text.isascii() else "".join(map(_folded_character, text))


def with_folded_keys(mapping: Mapping[str, _V]) -> dict[str, _V]:
    """`mapping` by its folded keys; of keys that differ in letter case only, the last one counts."""
    return {folded(key): value for key, value in mapping.items()}


def _folded_character(character: str) -> str:
    if character == _DOTTED_CAPITAL_I:
        return "i"
    upper = character.upper()
    return (upper if len(upper) == 1 else character).lower()
