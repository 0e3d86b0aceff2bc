"""Parse trees of Python's regular expressions, by which is told how long a match may take."""

from __future__ import annotations

from re import _constants as sre  # type: ignore[attr-defined] # typeshed does not have it
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any, Final

MOST_TIMES: Final = 16
"""A part that repeats so many times at most is no repetition: it adds a bounded number of steps."""

_REPEATS: Final = (sre.MAX_REPEAT, sre.MIN_REPEAT)


def parse(pattern: str) -> Any:
    """The parts of a pattern, as pairs of operator and argument. Raises re.error, RecursionError, OverflowError."""
    return sre_parser.parse(pattern)


def is_repetition(operator: Any, argument: Any) -> bool:
    """Whether a part repeats more than `MOST_TIMES`."""
    return operator in _REPEATS and (argument[1] is sre.MAXREPEAT or argument[1] > MOST_TIMES)


def is_choice(operator: Any) -> bool:
    """Whether a part has alternatives."""
    return bool(operator is sre.BRANCH)


def bodies(operator: Any, argument: Any) -> list[Any]:
    """The trees within a part."""
    if operator in _REPEATS:
        return [argument[2]]
    if operator is sre.SUBPATTERN:
        return [argument[3]]
    if operator is sre.BRANCH:
        return list(argument[1])
    return [argument[1]] if operator in (sre.ASSERT, sre.ASSERT_NOT) else []
