"""Allowed patterns of parameters, which anybody writes: none of them keeps the plane busy.

Python's `re` tries one way to match after another, and there may be more of them than can be tried. Here all ways are
gone at once: a part of a pattern takes the positions where it may start to those where it may end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from re import _constants as sre  # type: ignore[attr-defined] # typeshed does not have it
from typing import Any, Final

from locum.core.pattern_trees import parse

MOST_STEPS: Final = 500_000
"""Positions that a pattern may go through. It takes some tenths of a second."""

_FLAGS: Final = re.IGNORECASE | re.DOTALL | re.VERBOSE | re.UNICODE | re.ASCII


class NotChecked(Exception):
    """The pattern takes too many steps for the value, or has parts that are not supported."""


class Steps:
    """The steps that patterns may still take."""

    def __init__(self, most: int = MOST_STEPS) -> None:
        self._left = most

    def take(self, number: int) -> None:
        """The count of `number` steps more. Raises NotChecked where they are too many."""
        self._left -= number
        if self._left < 0:
            raise NotChecked


def matches(pattern: str, value: str, steps: Steps | None = None) -> bool:
    """Whether all of `value` is as `pattern` says. Raises re.error, or NotChecked.

    Classes of characters are those of ASCII, as in Java. Back references, possessive quantifiers, atomic groups,
    conditions and multi-line anchors are not supported.
    """
    try:
        tree = _parsed(pattern)
        return len(value) in _Matching(value, steps or Steps()).sequence(tree, {0}, tree.state.flags)
    except (RecursionError, OverflowError) as error:
        raise re.error(str(error)) from error


@lru_cache(256)
def _parsed(pattern: str) -> Any:
    try:
        return parse(pattern)
    except Warning as warning:
        raise re.error(str(warning)) from warning


class _Matching:
    def __init__(self, value: str, steps: Steps) -> None:
        self.value = value
        self.steps = steps

    def sequence(self, tree: Any, starts: set[int], flags: int) -> set[int]:
        """The positions where the parts of `tree`, one after another, may end."""
        if flags & ~_FLAGS:
            raise NotChecked
        for operator, argument in tree:
            if not starts:
                break
            self.steps.take(1 + len(starts))
            if operator not in _PARTS:
                raise NotChecked
            starts = _PARTS[operator](self, operator, argument, starts, flags)
        return starts

    def characters(self, starts: Iterable[int], allowed: Callable[[str], bool]) -> set[int]:
        """The positions behind the characters that are allowed."""
        return {at + 1 for at in starts if at < len(self.value) and allowed(self.value[at])}


def _character(run: _Matching, operator: Any, argument: Any, starts: set[int], flags: int) -> set[int]:
    items = argument if operator is sre.IN else [(operator, argument)]
    run.steps.take(len(items))
    if flags & re.IGNORECASE:
        return run.characters(starts, lambda one: _is_any(items, {one, one.lower(), one.upper()}))
    return run.characters(starts, lambda one: _is_any(items, {one}))


def _is_any(items: Any, spellings: set[str]) -> bool:
    """Whether a character, in one of its spellings, is in a set, as pairs of operator and argument."""
    negated = bool(items) and items[0][0] in {sre.NEGATE, sre.NOT_LITERAL}
    codes = {ord(one) for one in spellings if len(one) == 1}
    for operator, argument in items:
        if operator in {sre.LITERAL, sre.NOT_LITERAL}:
            found = argument in codes
        elif operator is sre.RANGE:
            found = any(argument[0] <= code <= argument[1] for code in codes)
        else:
            found = operator is sre.CATEGORY and any(_is_of(argument, one) for one in spellings)
        if found:
            return not negated
    return negated


def _is_of(category: Any, one: str) -> bool:
    kind = _CATEGORIES.get(category)
    if kind is None:
        raise NotChecked
    expected, of = kind
    return of(one) is expected


def _is_word(one: str) -> bool:
    return one.isascii() and (one.isalnum() or one == "_")


def _is_digit(one: str) -> bool:
    return one.isascii() and one.isdigit()


def _is_space(one: str) -> bool:
    return one in " \t\n\r\f\v"


_CATEGORIES: Final[dict[Any, tuple[bool, Callable[[str], bool]]]] = {
    sre.CATEGORY_DIGIT: (True, _is_digit),
    sre.CATEGORY_NOT_DIGIT: (False, _is_digit),
    sre.CATEGORY_SPACE: (True, _is_space),
    sre.CATEGORY_NOT_SPACE: (False, _is_space),
    sre.CATEGORY_WORD: (True, _is_word),
    sre.CATEGORY_NOT_WORD: (False, _is_word),
}


def _any(run: _Matching, _: Any, __: Any, starts: set[int], flags: int) -> set[int]:
    return run.characters(starts, lambda one: bool(flags & re.DOTALL) or one != "\n")


def _at(run: _Matching, _: Any, argument: Any, starts: set[int], __: int) -> set[int]:
    value, end = run.value, len(run.value)
    if argument in {sre.AT_BEGINNING, sre.AT_BEGINNING_STRING}:
        return starts & {0}
    if argument is sre.AT_END_STRING:
        return starts & {end}
    if argument is sre.AT_END:
        return starts & ({end, end - 1} if value.endswith("\n") else {end})
    if argument not in {sre.AT_BOUNDARY, sre.AT_NON_BOUNDARY}:
        raise NotChecked
    wanted = argument is sre.AT_BOUNDARY
    return {
        at
        for at in starts
        if ((at > 0 and _is_word(value[at - 1])) is not (at < end and _is_word(value[at]))) is wanted
    }


def _branch(run: _Matching, _: Any, argument: Any, starts: set[int], flags: int) -> set[int]:
    ends: set[int] = set()
    for branch in argument[1]:
        ends |= run.sequence(branch, starts, flags)
    return ends


def _group(run: _Matching, _: Any, argument: Any, starts: set[int], flags: int) -> set[int]:
    _group_number, added, removed, tree = argument
    return run.sequence(tree, starts, (flags | added) & ~removed)


def _repeat(run: _Matching, _: Any, argument: Any, starts: set[int], flags: int) -> set[int]:
    least, most, tree = argument
    for _time in range(least):
        ends = run.sequence(tree, starts, flags)
        run.steps.take(1)
        if ends == starts:
            break
        starts = ends
    found, new, times = set(starts), starts, least
    while new and (most is sre.MAXREPEAT or times < most):
        new = run.sequence(tree, new, flags) - found
        found |= new
        times += 1
    return found


def _assertion(run: _Matching, operator: Any, argument: Any, starts: set[int], flags: int) -> set[int]:
    direction, tree = argument
    kept = set()
    for at in starts:
        begin = at if direction > 0 else at - tree.getwidth()[0]
        ends = run.sequence(tree, {begin}, flags) if begin >= 0 else set()
        if bool(ends if direction > 0 else at in ends) is (operator is sre.ASSERT):
            kept.add(at)
    return kept


_PARTS: Final[dict[Any, Callable[[_Matching, Any, Any, set[int], int], set[int]]]] = {
    sre.ANY: _any,
    sre.ASSERT: _assertion,
    sre.ASSERT_NOT: _assertion,
    sre.AT: _at,
    sre.BRANCH: _branch,
    sre.IN: _character,
    sre.LITERAL: _character,
    sre.MAX_REPEAT: _repeat,
    sre.MIN_REPEAT: _repeat,
    sre.NOT_LITERAL: _character,
    sre.SUBPATTERN: _group,
}
