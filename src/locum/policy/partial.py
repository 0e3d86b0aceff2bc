"""Matching of patterns against resources with missing parts.

The pattern is an automaton whose states are its positions, held as the bits of one integer. `*` lets a state stay.
A missing part that must be covered is read as a symbol that only `*` can read: then any text can stand in its place.
One that may be any text leads from a position to all later ones. Both take one step per character of what is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from locum.core.partial_arn import Missing, Part, PartialArn
from locum.policy.patterns import ArnPattern, Lookup, Token, Wild

_CACHED_PATTERNS: Final = 4096


class Automaton:
    """A pattern without variables, as an automaton."""

    __slots__ = ("_any", "_by_character", "_length", "_loops")

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._any = self._loops = self._length = 0
        self._by_character: dict[str, int] = {}
        start, star = 0, False
        for token in tokens:
            if isinstance(token, str):
                self._read(token)
                start, star = self._length, False
                continue
            if token is Wild.ONE:
                self._any |= 1 << self._length
                self._length += 1
            star = star or token is Wild.ANY
            if star:  # of `?*`, `*?`: at least one character, in any of these states
                self._loops |= (2 << self._length) - (1 << start)

    def _read(self, text: str) -> None:
        for character in text:
            self._by_character[character] = self._by_character.get(character, 0) | 1 << self._length
            self._length += 1

    def matches(self, parts: Sequence[Part], *, every: bool) -> bool:
        """Whether the pattern matches every text that `parts` may be or, without `every`, at least one of them."""
        states, end = 1, 1 << self._length
        for part in parts:
            if isinstance(part, str):
                for character in part:
                    read = states & (self._any | self._by_character.get(character, 0))
                    states = read << 1 | states & self._loops
            elif every or part is Missing.NEW:
                states &= self._loops
            elif states:
                states = 2 * end - (states & -states)  # the first of the states, and all after it
        return bool(states & end)


@lru_cache(_CACHED_PATTERNS)
def automaton(tokens: tuple[Token, ...]) -> Automaton:
    """The automaton of `tokens`, which have no variables."""
    return Automaton(tokens)


def arn_matches(pattern: ArnPattern, arn: PartialArn, lookup: Lookup, *, every: bool) -> bool | None:
    """Whether `pattern` matches every ARN that `arn` may be or, without `every`, at least one of them.

    None where a variable in the pattern has no value.
    """
    fields = pattern.fields(lookup)
    if fields is None or not fields:
        return None if fields is None else False
    if len(fields) == 1:  # `*`
        return True
    if arn.nothing_known:
        return not every
    return all(automaton(field).matches(parts, every=every) for field, parts in zip(fields, arn.fields, strict=True))


def in_resources(patterns: Sequence[ArnPattern], arn: PartialArn, lookup: Lookup, *, allows: bool) -> bool:
    """Whether a statement with these Resource patterns applies to `arn`: an Allow to every value, a Deny to any."""
    return any(arn_matches(pattern, arn, lookup, every=allows) for pattern in patterns)


def not_in_resources(patterns: Sequence[ArnPattern], arn: PartialArn, lookup: Lookup, *, allows: bool) -> bool:
    """Whether a statement with these NotResource patterns applies to `arn`.

    As with a complete ARN, a pattern whose variable has no value excludes everything from an Allow, and nothing from a
    Deny.
    """
    for pattern in patterns:
        excluded = arn_matches(pattern, arn, lookup, every=not allows)
        if excluded or (excluded is None and allows):
            return False
    return True
