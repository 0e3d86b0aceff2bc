"""Patterns of document parameters (`allowedPattern`), which anybody writes: none of them keeps the plane busy.

Python's `re` tries all ways to match: the steps are about the length of the value to the power of the number of
repetitions, and have no bound where a repetition is repeated, or a choice is.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from locum.core.pattern_trees import bodies, is_choice, is_repetition, parse

MOST_STEPS: Final = 1_000_000


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
        return _count(parse(pattern), repeated=False)
    except (RecursionError, OverflowError) as error:
        raise re.error(str(error)) from error


def _count(tree: Any, *, repeated: bool) -> int | None:
    total = 0
    for operator, argument in tree:
        many = is_repetition(operator, argument)
        if repeated and (many or is_choice(operator)):
            return None
        total += many
        for body in bodies(operator, argument):
            inner = _count(body, repeated=repeated or many)
            if inner is None:
                return None
            total += inner
    return total
