"""Patterns of document parameters (`allowedPattern`), which anybody writes: none of them keeps the plane busy.

Python's `re` tries all ways to match: the steps are about the length of the value to the power of the number of
repetitions, and have no bound where a repetition is repeated, or a choice is.
"""

from __future__ import annotations

import re
from functools import lru_cache
from re import _constants as sre  # type: ignore[attr-defined] # typeshed does not have it
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any, Final

MOST_STEPS: Final = 1_000_000

_REPETITIONS: Final = (sre.MAX_REPEAT, sre.MIN_REPEAT)
_FEW: Final = 16
"""A repetition of so many times at most is none."""


class NotChecked(Exception):
    """The pattern could take too long for the value."""


def matches(pattern: str, value: str) -> bool:
    """Whether all of `value` is as `pattern` says. Raises re.error, or NotChecked."""
    repetitions = _repetitions(pattern)
    if repetitions is None or (repetitions and len(value) ** repetitions > MOST_STEPS):
        raise NotChecked
    return re.fullmatch(pattern, value) is not None


@lru_cache(256)
def _repetitions(pattern: str) -> int | None:
    """The number of repetitions of a pattern; None where one is, or a choice is, in another. Raises re.error."""
    try:
        return _count(sre_parser.parse(pattern), repeated=False)
    except (RecursionError, OverflowError) as error:
        raise re.error(str(error)) from error


def _count(tree: Any, *, repeated: bool) -> int | None:
    total = 0
    for operator, argument in tree:
        many = operator in _REPETITIONS and (argument[1] is sre.MAXREPEAT or argument[1] > _FEW)
        if repeated and (many or operator is sre.BRANCH):
            return None
        total += many
        for body in _bodies(operator, argument):
            inner = _count(body, repeated=repeated or many)
            if inner is None:
                return None
            total += inner
    return total


def _bodies(operator: Any, argument: Any) -> list[Any]:
    """The parts of a pattern's part."""
    if operator in _REPETITIONS:
        return [argument[2]]
    if operator is sre.SUBPATTERN:
        return [argument[3]]
    if operator is sre.BRANCH:
        return list(argument[1])
    return [argument[1]] if operator in (sre.ASSERT, sre.ASSERT_NOT) else []
