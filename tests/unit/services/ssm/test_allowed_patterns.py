"""Patterns of document parameters: what they match, and that none of them keeps anybody waiting."""

from __future__ import annotations

import re

import pytest

from locum.services.ssm.allowed_patterns import NotChecked, matches


@pytest.mark.parametrize(
    ("pattern", "value", "allowed"),
    [
        ("[a-z ']+", "somebody's", True),
        ("[a-z ']+", "Somebody", False),
        ("^(Enabled|Disabled)$", "Enabled", True),
        ("(^$)|^\\d{1,10}$", "123", True),
        ("[^,]*(,[^,]{1,8}){0,3}", "a,b,c", True),
        ("i-([0-9a-f]{8}|[0-9a-f]{17})", "i-0123456789abcdef0", True),
        (".{0,100}", "x" * 101, False),
        (".*", "x" * 100_000, True),
    ],
)
def test_a_value_is_held_against_the_whole_pattern(pattern: str, value: str, allowed: bool) -> None:
    assert matches(pattern, value) is allowed


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("(a+)+b", "a" * 40),
        ("(a|aa)+b", "a" * 40),
        ("(?:(?:a*)*)*b", "a" * 40),
        ("a*a*a*a*a*b", "a" * 400),
        ("(a{0,20}){0,20}b", "a" * 40),
        ("(?=(a+)+b).*", "a" * 40),
    ],
)
def test_a_pattern_that_could_take_too_long_is_not_tried(pattern: str, value: str) -> None:
    with pytest.raises(NotChecked):
        matches(pattern, value)


@pytest.mark.parametrize("pattern", ["(", "[z-a]", "(" * 5_000])
def test_a_pattern_that_is_none_is_an_error(pattern: str) -> None:
    with pytest.raises(re.error):
        matches(pattern, "x")
