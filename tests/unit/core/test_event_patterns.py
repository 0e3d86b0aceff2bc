"""Event patterns: what they let pass, as AWS's documentation has it, and what is no pattern."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.core.event_patterns import event_pattern, matches

EVENT = {
    "source": "shop",
    "detail": {
        "state": "running",
        "total": 42,
        "paid": True,
        "note": None,
        "tags": ["red", "blue"],
        "address": "10.0.0.7",
        "file": "images/dog.png",
        "lines": [{"item": "a"}, {"item": "b"}],
    },
}


def passes(**detail: Any) -> bool:
    return matches(event_pattern(json.dumps({"source": ["shop"], "detail": detail})), EVENT)


@pytest.mark.parametrize(
    "detail",
    [
        {"state": ["stopped", "running"]},
        {"total": [42]},
        {"paid": [True]},
        {"note": [None]},
        {"tags": ["blue"]},
        {"lines": {"item": ["b"]}},
        {"state": [{"prefix": "run"}]},
        {"state": [{"prefix": {"equals-ignore-case": "RUN"}}]},
        {"state": [{"suffix": "ing"}]},
        {"state": [{"equals-ignore-case": "RUNNING"}]},
        {"total": [{"numeric": [">", 0, "<=", 42]}]},
        {"address": [{"cidr": "10.0.0.0/24"}]},
        {"file": [{"wildcard": "images/*.p*g"}]},
        {"state": [{"anything-but": ["stopped", "pending"]}]},
        {"state": [{"anything-but": {"prefix": "stop"}}]},
        {"state": [{"exists": True}], "absent": [{"exists": False}]},
        {"$or": [{"state": ["stopped"]}, {"total": [{"numeric": ["=", 42]}]}]},
    ],
    ids=json.dumps,
)
def test_an_event_passes_that_has_what_is_asked_for(detail: dict[str, Any]) -> None:
    assert passes(**detail)


@pytest.mark.parametrize(
    "detail",
    [
        {"state": ["stopped"]},
        {"state": ["RUNNING"]},
        {"total": ["42"]},
        {"paid": [1]},
        {"absent": ["x"]},
        {"absent": {"deeper": ["x"]}},
        {"absent": [{"anything-but": "x"}]},
        {"tags": ["green"]},
        {"total": [{"numeric": [">", 42]}]},
        {"state": [{"numeric": [">", 0]}]},
        {"paid": [{"numeric": ["=", 1]}]},
        {"address": [{"cidr": "10.0.1.0/24"}]},
        {"state": [{"cidr": "10.0.0.0/24"}]},
        {"file": [{"wildcard": "images/*.gif"}]},
        {"file": [{"wildcard": "images/\\*.png"}]},
        {"state": [{"exists": False}]},
        {"detail": [{"exists": True}]},
        {"state": ["running"], "total": [1]},
        {"$or": [{"state": ["stopped"]}, {"total": [1]}]},
    ],
    ids=json.dumps,
)
def test_an_event_does_not_pass_that_has_it_not(detail: dict[str, Any]) -> None:
    assert not passes(**detail)


@pytest.mark.parametrize(
    ("wildcard", "value", "passes"),
    [
        ("*a" * 60 + "*b", "a" * 2000, False),  # a regular expression would try for longer than the sun shines
        ("*a" * 60 + "*b", "a" * 2000 + "b", True),
        ("ab*ba", "aba", False),
        ("ab*ba", "abba", True),
        ("*", "", True),
        ("a*b*a", "aba", True),
        ("a*b*b", "ab", False),
        ("\\**", "*x", True),
        ("\\**", "x", False),
        ("a\\\\*", "a\\b", True),
        ("line*end", "line\nend", True),
    ],
)
def test_no_wildcard_takes_long_and_none_takes_back_what_it_has_found(wildcard: str, value: str, passes: bool) -> None:
    pattern = event_pattern(json.dumps({"file": [{"wildcard": wildcard}]}))
    assert matches(pattern, {"file": value}) is passes


def test_an_array_without_end_is_only_an_array() -> None:
    deep: list[Any] = ["found"]
    for _ in range(100_000):
        deep = [deep]
    event = {"source": "shop", "detail": {"deep": deep}}
    assert matches(event_pattern('{"detail": {"deep": ["found"]}}'), event)
    assert not matches(event_pattern('{"detail": {"deep": {"deeper": ["found"]}}}'), event)
    while deep and isinstance(deep[0], list):  # let go of, level by level
        deep = deep.pop()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"a": "b"}',
        '{"a": []}',
        '{"a": {}}',
        '{"a": [["b"]]}',
        '{"a": [{"exists": "yes"}]}',
        '{"a": [{"unheard": 1}]}',
        '{"a": [{"prefix": "x", "suffix": "y"}]}',
        '{"a": [{}]}',
        '{"a": [{"numeric": [">"]}]}',
        '{"a": [{"numeric": ["~", 1]}]}',
        '{"a": [{"numeric": [[], 1]}]}',
        '{"a": [{"prefix": 1}]}',
        '{"a": [{"anything-but": {"prefix": 1}}]}',
        '{"a":' * 500 + "[1]" + "}" * 500,
    ],
)
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        event_pattern(text)


def test_a_wildcard_of_many_parts_is_decided_on_at_once() -> None:
    pattern = event_pattern(json.dumps({"name": [{"wildcard": "*a" * 40 + "*b"}]}))
    assert not matches(pattern, {"name": "a" * 5_000})
    assert matches(pattern, {"name": "a" * 5_000 + "b"})


@pytest.mark.parametrize(
    ("wildcard", "value", "passes"),
    [
        ("a*b", "ab", True),
        ("a*b", "a", False),
        ("ab*b", "ab", False),
        ("*b*", "abc", True),
        ("*", "", True),
        (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False),
        ("a", "ab", False),
    ],
)
def test_the_parts_of_a_wildcard_do_not_overlap(wildcard: str, value: str, passes: bool) -> None:
    pattern = event_pattern(json.dumps({"name": [{"wildcard": wildcard}]}))
    assert matches(pattern, {"name": value}) is passes


def test_a_number_is_no_address() -> None:
    assert not matches(event_pattern('{"ip": [{"cidr": "0.0.0.0/8"}]}'), {"ip": 5})
