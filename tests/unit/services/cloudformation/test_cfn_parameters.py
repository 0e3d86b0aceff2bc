"""Parameters of templates: the values that a stack has of them, and the texts of those that are not allowed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.core.errors import Fault
from locum.services.cloudformation.parameters import ParameterValue, parameter_values, ssm_parameters
from locum.services.cloudformation.patterns import NotChecked, matches
from locum.services.cloudformation.template import Template, parsed


def template(**parameters: Mapping[str, Any]) -> Template:
    return parsed({"Parameters": parameters, "Resources": {"Resource": {"Type": "T"}}})


def entries(**values: str) -> list[dict[str, Any]]:
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]


def refused(template: Template, given: list[dict[str, Any]], previous: Mapping[str, str] | None = None) -> str:
    with pytest.raises(Fault) as raised:
        parameter_values(template, given, previous, {})
    assert (raised.value.code, raised.value.status) == ("ValidationError", 400)
    return raised.value.message


STRING = {"Type": "String"}
SSM_LIST = {"Type": "AWS::SSM::Parameter::Value<List<String>>"}


@pytest.mark.parametrize(
    ("declared", "value", "resolved"),
    [
        (STRING, "a, b", "a, b"),
        ({"Type": "Number"}, "01.50", "01.50"),
        ({"Type": "CommaDelimitedList"}, "a, b ,,c", ["a", "b", "", "c"]),
        ({"Type": "CommaDelimitedList"}, "", [""]),
        ({"Type": "List<Number>"}, "1,2", ["1", "2"]),
        ({"Type": "List<AWS::EC2::Subnet::Id>"}, "subnet-1, subnet-2", ["subnet-1", "subnet-2"]),
        ({"Type": "AWS::EC2::KeyPair::KeyName"}, "k", "k"),
        ({"Type": "AWS::SSM::Parameter::Name"}, "/a/b", "/a/b"),
    ],
)
def test_a_value_is_of_the_type_of_its_parameter(
    declared: dict[str, Any], value: str, resolved: str | list[str]
) -> None:
    found = parameter_values(template(P=declared), entries(P=value), None, {})
    assert found == {"P": ParameterValue(value, resolved, False)}


@pytest.mark.parametrize(
    ("default", "value"), [("x", "x"), (1.5, "1.5"), (True, "true"), (1e21, "1000000000000000000000")]
)
def test_a_parameter_without_value_has_its_default(default: Any, value: str) -> None:
    found = parameter_values(template(P=STRING | {"Default": default}), [], {"P": "before"}, {})
    assert found["P"].value == value


@pytest.mark.parametrize(("no_echo", "expected"), [(True, True), ("true", True), ("TRUE", True), (False, False)])
def test_a_parameter_is_hidden_where_it_says_so(no_echo: Any, expected: bool) -> None:
    declared = STRING | {"NoEcho": no_echo}
    assert parameter_values(template(P=declared), entries(P="x"), None, {})["P"].no_echo is expected


def test_a_value_of_before_is_taken_where_so_is_asked() -> None:
    declared = template(P=STRING | {"Default": "default"}, Q=STRING)
    given = [{"ParameterKey": "P", "UsePreviousValue": True}, *entries(Q="new")]
    found = parameter_values(declared, given, {"P": "before", "Q": "old"}, {})
    assert [value.value for value in found.values()] == ["before", "new"]


def test_parameters_of_ssm_are_read_by_their_keys() -> None:
    declared = template(P=SSM_LIST, Q=STRING, R={"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/r"})
    given = entries(P="/p", Q="q")
    assert ssm_parameters(declared, given, None) == {"P": "/p", "R": "/r"}
    assert parameter_values(declared, given, None, {"P": "a, b", "R": "c,d"}) == {
        "P": ParameterValue("/p", ["a", "b"], False),
        "Q": ParameterValue("q", "q", False),
        "R": ParameterValue("/r", "c,d", False),
    }


PREVIOUS = "Invalid input for parameter key P. Cannot specify usePreviousValue as true "


@pytest.mark.parametrize(
    ("given", "previous", "message"),
    [
        ([], None, "Parameters: [P, Q] must have values"),
        (entries(P="x"), None, "Parameters: [Q] must have values"),
        ([{"ParameterKey": "P"}], {"P": "before"}, "Parameters: [P, Q] must have values"),
        (entries(P="x", X="y", Y="z"), None, "Parameters: [X, Y] do not exist in the template"),
        (
            [{"ParameterKey": "P", "UsePreviousValue": True}],
            None,
            PREVIOUS + "for a parameter key not in the previous template",
        ),
        (
            [{"ParameterKey": "P", "UsePreviousValue": True, "ParameterValue": "x"}],
            {"P": "before"},
            PREVIOUS + "and non empty value for a parameter",
        ),
        (
            entries(P="x" * 4097, Q="y"),
            None,
            "Parameter P exceeds the maximum parameter value length of 4096 bytes.",
        ),
    ],
)
def test_values_that_do_not_fit_the_template_are_refused(
    given: list[dict[str, Any]], previous: dict[str, str] | None, message: str
) -> None:
    assert refused(template(P=STRING, Q=STRING), given, previous) == message


def test_a_parameter_of_ssm_that_is_not_there_is_refused() -> None:
    declared = template(P=SSM_LIST, Q=SSM_LIST)
    assert refused(declared, entries(P="/p", Q="/q")) == (
        "Unable to fetch parameters [/p,/q] from parameter store for this account."
    )


@pytest.mark.parametrize(
    ("declared", "value", "message"),
    [
        (STRING | {"AllowedValues": ["a", 1, True]}, "b", "Parameter 'P' must be one of AllowedValues"),
        (
            {"Type": "CommaDelimitedList", "AllowedValues": ["a"]},
            "a,b",
            "Parameter 'P' must be one of AllowedValues",
        ),
        ({"Type": "Number", "AllowedValues": [1]}, "2", "Parameter 'P' must be one of AllowedValues"),
        (STRING | {"AllowedPattern": "[a-z]+"}, "ab1", "Parameter 'P' must match pattern [a-z]+"),
        ({"Type": "CommaDelimitedList", "AllowedPattern": "[a-z]+"}, "a,1", "Parameter 'P' must match pattern [a-z]+"),
        (STRING | {"MinLength": 2}, "a", "Parameter 'P' must contain at least 2 characters"),
        (STRING | {"MaxLength": "2"}, "abc", "Parameter 'P' must contain at most 2 characters"),
        ({"Type": "Number"}, "abc", "Parameter 'P' must be a number"),
        ({"Type": "Number"}, "", "Parameter 'P' must be a number"),
        ({"Type": "Number"}, "nan", "Parameter 'P' must be a number"),
        ({"Type": "Number"}, "1e999", "Parameter 'P' must be a number"),
        ({"Type": "List<Number>"}, "1,b", "Parameter 'P' must be a number"),
        ({"Type": "Number", "MinValue": 2}, "1.5", "Parameter 'P' must be a number not less than 2"),
        ({"Type": "Number", "MaxValue": 2}, "2.5", "Parameter 'P' must be a number not greater than 2"),
        ({"Type": "Number", "MaxValue": "x"}, "1", "Template format error: Parameter 'P' MaxValue must be a number."),
        (
            STRING | {"AllowedPattern": "[a-z]+", "ConstraintDescription": "letters only."},
            "1",
            "Parameter P failed to satisfy constraint: letters only.",
        ),
        (STRING | {"AllowedPattern": "("}, "x", "Parameter 'P' AllowedPattern must be a valid regular expression."),
        (
            STRING | {"AllowedPattern": "(a+)\\1"},
            "aa",
            "Parameter 'P' AllowedPattern cannot be held against its value.",
        ),
        (
            {"Type": "AWS::SSM::Parameter::Value<String>", "AllowedPattern": "/.*"},
            "p",
            "Parameter 'P' must match pattern /.*",
        ),
    ],
)
def test_a_value_that_is_not_allowed_is_refused(declared: dict[str, Any], value: str, message: str) -> None:
    assert refused(template(P=declared), entries(P=value)) == message


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        (STRING | {"AllowedValues": ["a", 1]}, "1"),
        (STRING | {"AllowedPattern": "^[a-z]*$", "MinLength": 1, "MaxLength": 3}, "abc"),
        ({"Type": "Number", "MinValue": "-1", "MaxValue": 1e3}, "1000"),
    ],
)
def test_a_value_that_is_allowed_is_taken(declared: dict[str, Any], value: str) -> None:
    assert parameter_values(template(P=declared), entries(P=value), None, {})["P"].value == value


@pytest.mark.parametrize(
    ("pattern", "value", "allowed"),
    [
        ("[a-z0-9]+([-.][a-z0-9]+)*", "a-b.c", True),
        ("[a-z0-9]+([-.][a-z0-9]+)*", "a-b.", False),
        ("(a+)+b", "a" * 4000, False),
        ("(a|aa)+", "a" * 4000, True),
        ("(a*)*", "aaab", False),
        ("(?:x|(?:ab){2,3})+", "xababx", True),
        ("(?:x|(?:ab){2,3})+", "xabx", False),
        ("^(\\w+\\s?)*$", "one two three", True),
        ("([^,]+,)*[^,]+", "a,b,c", True),
        ("((a?)*)*", "", True),
        ("(\\d{1,3}\\.){3}\\d{1,3}(/(\\d|[1-2]\\d|3[0-2]))?", "10.0.0.0/16", True),
        ("(?=.*[a-z])(?=.*[0-9]).{8,}", "abcdefg1", True),
        ("(?=.*[a-z])(?=.*[0-9]).{8,}", "abcdefgh", False),
        ("(?i:a)+b", "Aab", True),
        ("(?i)[A-C]+", "abC", True),
        ("(?i)[^a]", "A", False),
        ("(?s).*", "a\nb", True),
        (".*", "a\nb", False),
        ("(?<=a)b|a(?<!b)", "a", True),
        ("a(?!b).", "ac", True),
        ("\\w+", "é", False),
        ("\\bone\\b.\\Btwo|a\\sb\\S\\D\\W", "a bcd-", True),
        (".*", "x" * 4096, True),
        ("(?=.*a(a+)+b).*", "a" * 400, False),
        ("((a{1,900}){1,900})+b", "a" * 400, False),
        ("(((((a?){0,16}){0,16}){0,16}){0,16}){0,16}b", "a" * 64, False),
        ("a|b", "ab", False),
        ("(^a$|b)+", "bb", True),
        ("", "", True),
    ],
)
def test_a_pattern_is_matched_against_the_whole_value(pattern: str, value: str, allowed: bool) -> None:
    assert matches(pattern, value) is allowed


@pytest.mark.parametrize("pattern", [".*" * 400, "(a+)+\\1b", "a++b", "(?>a+)b", "(?m)^a"])
def test_a_pattern_that_could_take_too_long_is_not_tried(pattern: str) -> None:
    with pytest.raises(NotChecked):
        matches(pattern, "a" * 1000)


def test_all_values_of_a_stack_share_their_steps() -> None:
    declared = template(P={"Type": "CommaDelimitedList", "AllowedPattern": ".*" * 100})
    assert refused(declared, entries(P=",".join(["abc"] * 1000))) == (
        "Parameter 'P' AllowedPattern cannot be held against its value."
    )


@pytest.mark.parametrize("pattern", ["(", "[z-a]", "(" * 5_000, "\\p{L}", "[[a]"])
def test_a_pattern_that_is_none_is_an_error(pattern: str) -> None:
    with pytest.raises(re.error):
        matches(pattern, "x")


PATTERNS = st.recursive(
    st.sampled_from(["a", "b", "[ab]", "[^a]", ".", "\\w", "a?", ""]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "{0,20}"])).map(
            lambda two: f"({two[0]}){two[1]}"
        ),
    ),
    max_leaves=6,
)


@given(PATTERNS, st.text("abc", max_size=6))
def test_patterns_match_as_pythons_do(pattern: str, value: str) -> None:
    assert matches(pattern, value) is (re.fullmatch(pattern, value) is not None)
