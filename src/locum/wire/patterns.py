"""Translation of the models' patterns, which are Java's, to Python's `re`.

Java's `matches` is a full match, and its `\\w`, `\\d`, `\\s` are ASCII. Translated: `\\p{L}`, `\\p{N}`, `\\p{Z}` in a
set, and the two ways in which models write the characters beyond U+FFFF. A pattern that Python still cannot compile
is not enforced, nor is one with nested repetition, which could take exponential time, except for those reviewed to be
linear. All patterns of the services that Locum implements are enforced (there is a test for it).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from locum.core.pattern_trees import bodies, is_repetition, parse

Matches = Callable[[str], object]

_SPACES = r" \u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"
_TRANSLATIONS = (
    (r"\p{L}\p{Z}\p{N}_", rf"\w{_SPACES}"),
    (r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF"),
    (r"\u10000-\u10FFFF", r"\U00010000-\U0010FFFF"),
)
# Linear: each repetition starts with a slash or a space, which nothing else in it matches.
_LINEAR = frozenset(
    {
        r"((/[A-Za-z0-9\.,\+@=_-]+)*)/",
        r"^(o-[a-z0-9]{10,32}\/r-[0-9a-z]{4,32}(\/ou\-[0-9a-z]{4,32}-[a-z0-9]{8,32})*(\/\d{12})*)\/",
        r"[\x21\x23-\x2B\x2D-\x5B\x5D-\x7E]+( [\x21\x23-\x2B\x2D-\x5B\x5D-\x7E]+)*",
    }
)
# Two unbounded repetitions in a row take quadratic time; longer values are left to the length check.
_MAX_LENGTH = 8192


@cache
def compile_pattern(pattern: str) -> Matches | None:
    """Compile a pattern to a predicate; None where the pattern is not enforced."""
    translated = pattern
    for java, python in _TRANSLATIONS:
        translated = translated.replace(java, python)
    try:
        tree = parse(translated)
        if pattern not in _LINEAR and _nested_repeat(tree, repeated=False):
            return None
        # A set with \p{L} is Unicode; all others are ASCII.
        full = re.compile(translated, 0 if "\\p{" in pattern else re.ASCII).fullmatch
    except (re.error, RecursionError, OverflowError):
        return None
    if _single_set(tree):
        return full
    return lambda value: len(value) > _MAX_LENGTH or full(value)


def _single_set(tree: Any) -> bool:
    return len(tree) == 1


def _nested_repeat(tree: Any, *, repeated: bool) -> bool:
    for operator, argument in tree:
        repeats = is_repetition(operator, argument)
        if repeats and repeated:
            return True
        if any(_nested_repeat(body, repeated=repeated or repeats) for body in bodies(operator, argument)):
            return True
    return False
