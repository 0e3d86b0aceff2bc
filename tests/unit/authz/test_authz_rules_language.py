"""The language in which the catalogue is written."""

from __future__ import annotations

from typing import Any

import pytest

from locum.authz.paths import compile_path, scalar
from locum.authz.planning import compile_operation
from locum.authz.rules import NO_RULES, RulesError, parse_rules

PARAMS: dict[str, Any] = {
    "Name": "n",
    "Deep": {"Er": {"X": 1}},
    "List": [{"K": "a"}, {"K": "b"}, {"L": "c"}],
    "Map": {"p": {"K": "q"}, "r": {"K": "s"}},
    "Texts": ["x", "y"],
    "Nested": {"m": ["1", "2"]},
    "None": None,
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("Name", ["n"]),
        ("Missing", []),
        ("None", []),
        ("Missing|Name", ["n"]),
        ("Missing|'given'", ["given"]),
        ("Deep.Er.X", [1]),
        ("Deep.No.X", []),
        ("List[].K", ["a", "b"]),
        ("Map{}", ["p", "r"]),
        ("Map{=}.K", ["q", "s"]),
        ("Texts[]", ["x", "y"]),
        ("Nested{=}[]", ["1", "2"]),
        ("'*'", ["*"]),
        (".K", ["item"]),
    ],
)
def test_a_path_leads_to_its_values(path: str, values: list[Any]) -> None:
    assert compile_path(path)(PARAMS, {"K": "item"}) == values


@pytest.mark.parametrize("path", ["", "a..b", "[]", "a b", "a[", "{}"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        compile_path(path)


def test_values_are_texts_as_policies_have_them() -> None:
    assert [scalar(value) for value in (True, False, 7, "a", b"b")] == ["true", "false", "7", "a", "b"]


@pytest.mark.parametrize(
    "text",
    [
        "type onlyname",
        "type a b c d",
        "key onlyname",
        "Op\n  lonely",
        "Op\n  a:B * what",
        "Op\n  a:B *\nOp\n  a:B *",
        "Op\nOther\n  a:B *",
    ],
)
def test_a_line_that_is_not_of_the_language_is_refused(text: str) -> None:
    with pytest.raises(RulesError):
        parse_rules(text)


@pytest.mark.parametrize("line", ["= nosuchtype", "= thing{Other=Name}"])
def test_a_check_that_names_what_is_not_there_is_refused(line: str) -> None:
    rules = parse_rules(f"prefix x\ntype thing arn:{{Id}}\nOp\n  {line}\n")
    with pytest.raises(RulesError):
        compile_operation(rules, "Op", rules.operations["Op"])


@pytest.mark.parametrize(
    "text",
    ["prefix x\nOp\n  @no_such_planner\n", "prefix x\ntype thing arn:{Id} via no_such_resolver\nOp\n  = thing\n"],
)
def test_a_function_that_is_not_there_is_refused(text: str) -> None:
    rules = parse_rules(text)
    with pytest.raises(RulesError, match="no function 'no_such_"):
        compile_operation(rules, "Op", rules.operations["Op"])


def test_one_file_over_another_keeps_what_the_first_does_not_speak_of() -> None:
    mine = parse_rules("prefix x\nA\n  = *\n")
    other = parse_rules("prefix y\nprotocol json\nA\n  y:A *\nB\n  y:B *\n")
    both = mine.over(other)
    assert (both.prefix, both.protocol) == ("x", "json")
    assert both.operations["A"].checks[0].action == "x:A"
    assert both.operations["B"].checks[0].action == "y:B"
    assert NO_RULES.operations == {}
