"""Patterns of policies as the elements of automata.

A glob is a sequence of elements, each of which reads one character or any number of them. It is made from the tokens
that the evaluator's patterns have (`policy.patterns.scan`), so that both read a pattern alike.

A policy variable is one *mark*, a character that no text has: the mark in a word stands for the value of its key. A
pattern is used in one of two bounds. In the lower bound a mark is read by the same variable and by `*`, so that what
matches also matches with any value in its place. In the upper bound a variable reads anything, and a mark in the word
may be any text, so that what does not match does not match with any value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final, NamedTuple

from locum.policy.patterns import Token, Tokens, Variable, Wild, arn_fields

MARKS: Final = 0xE000
"""The first of the characters that stand for values of variables: the private use area of Unicode."""
MOST_MARKS: Final = 256


class Reads(Enum):
    """An element that is not a literal character. Within a field of an ARN, it does not read a colon."""

    ONE = "?"
    MANY = "*"
    MANY_UNMARKED = "* without marks"
    ONE_OF_FIELD = "? in a field"
    MANY_OF_FIELD = "* in a field"


Element = str | Reads
"""A text is one character of those in it: `kK` reads a `k` or a `K`."""


class Glob(NamedTuple):
    """A pattern. `upper`: in its upper bound, in which a mark in the word may be any text."""

    elements: tuple[Element, ...]
    upper: bool = False


Mark = Callable[[Variable], Sequence[Element]]
"""What a variable reads: a mark, the text of its value, or anything."""

UNMARKED: Final = Glob((Reads.MANY_UNMARKED,))
_FIELD: Final[tuple[Element, ...]] = (Reads.MANY, ":")
ARN: Final = Glob((*"arn:", *_FIELD, *_FIELD, *_FIELD, *_FIELD, Reads.MANY))
"""What the ARN operators take for an ARN: it begins with `arn:` and has five colons."""

_IN_FIELD: Final = {Wild.ANY: Reads.MANY_OF_FIELD, Wild.ONE: Reads.ONE_OF_FIELD}
_AT_END: Final = {Wild.ANY: Reads.MANY, Wild.ONE: Reads.ONE}


def is_mark(character: str) -> bool:
    """Whether `character` stands for the value of a variable."""
    return MARKS <= ord(character) < MARKS + MOST_MARKS


def flat(tokens: Tokens, mark: Mark, *, upper: bool = False, fold: bool = False) -> Glob:
    """The glob of a text that is matched as a whole, as by the string operators. `fold`: without regard to case."""
    return Glob(_elements(tokens, _AT_END, mark, fold=fold), upper)


def arn(tokens: Tokens, mark: Mark, *, complete: bool = False, upper: bool = False) -> Glob | None:
    """The glob of an ARN pattern, field by field; None where it matches nothing.

    `complete`: missing fields are `*`, as in identity policies.
    """
    if tokens == (Wild.ANY,):
        return Glob((Reads.MANY,), upper)
    fields = arn_fields(tokens)
    if len(fields) < 6:
        if not complete:
            return None
        fields += [[Wild.ANY]] * (6 - len(fields))
    elements: list[Element] = []
    for field in fields[:5]:
        elements += [*_elements(field, _IN_FIELD, mark), ":"]
    return Glob((*elements, *_elements(fields[5], _AT_END, mark)), upper)


def literal(text: str) -> Glob:
    """The glob that matches `text` alone."""
    return Glob(tuple(text))


def _elements(
    tokens: Sequence[Token], wild: dict[Wild, Reads], mark: Mark, *, fold: bool = False
) -> tuple[Element, ...]:
    elements: list[Element] = []
    for token in tokens:
        if isinstance(token, Variable):
            elements += mark(token)
        elif isinstance(token, Wild):
            elements.append(wild[token])
        else:
            elements += [alike(character) for character in token] if fold else token
    return tuple(elements)


_KELVIN: Final = "\u212a"
"""The one character beyond ASCII whose lower case is one of ASCII: a `k`."""


def alike(character: str) -> str:
    """The characters that have the same lower case as `character`, of ASCII."""
    lower = character.lower()
    return "".join(dict.fromkeys((lower, lower.upper(), *((_KELVIN,) if lower == "k" else ()))))
