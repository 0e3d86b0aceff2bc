"""The evaluation of templates: what functions, conditions and rules give, and the texts of those that cannot."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.core.errors import Fault
from locum.services.cloudformation.intrinsics import Evaluation, Lookups, Pseudo
from locum.services.cloudformation.parameters import parameter_values
from locum.services.cloudformation.template import parsed
from locum.services.cloudformation.templates import decoded, invalid

PSEUDO = Pseudo(
    "123456789012",
    "eu-west-1",
    "stack",
    "arn:aws:cloudformation:eu-west-1:123456789012:stack/stack/1",
    notification_arns=("t",),
)


class Stack:
    """Lookups of a stack whose values say what was asked for."""

    def ref(self, logical: str) -> Any:
        return f"<{logical}>"

    def attribute(self, logical: str, name: str) -> Any:
        return ["x", "y"] if name == "List" else f"<{logical}.{name}>"

    def imported(self, export: str) -> Any:
        if export == "none":
            raise invalid("No export named none found.")
        return f"<import {export}>"

    def zones(self, region: str) -> list[str]:
        return [f"{region}a", f"{region}b"]

    def dynamic(self, reference: str) -> str:
        return reference.removeprefix("{{resolve:").removesuffix("}}").upper() + "{{resolve:again}}"


LOOKUPS: Lookups = Stack()
TEMPLATE = """
Parameters:
  Env: {Type: String, Default: dev}
  Number: {Type: Number, Default: 3}
  List: {Type: CommaDelimitedList, Default: 'a, b,c'}
  Vpc: {Type: 'AWS::EC2::VPC::Id', Default: vpc-1}
  Vpcs: {Type: 'List<AWS::EC2::VPC::Id>', Default: 'vpc-2,vpc-3'}
  Long: {Type: String, Default: LONG}
Mappings:
  M: {eu-west-1: {Ami: ami-1, Size: 3, All: [x, y]}, dev: {Ami: '{{resolve:ssm:ami}}'}}
Conditions:
  Prod: !Equals [!Ref Env, prod]
  Dev: !Not [!Condition Prod]
  Three: !Equals ['3', !Ref Number]
  Both: !And [!Condition Dev, !Condition Three]
  Either: !Or [!Condition Prod, !Condition Prod]
  Map: !Equals [!FindInMap [M, !Ref 'AWS::Region', Ami], ami-1]
  Alias: {Condition: Both}
  Nested: !Equals [!If [Dev, !Select [0, !Ref List], x], a]
  Lists: !Equals ['a,b,c', !Join [',', !Ref List]]
Resources:
  A: {Type: T}
  B: {Type: T, Condition: Prod}
Outputs:
  O: {Value: 1, Condition: Dev}
  P: {Value: 2}
""".replace("LONG", "x" * 4096)


def evaluation(text: str = TEMPLATE, **values: str) -> Evaluation:
    template = parsed(decoded(text))
    entries = [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]
    return Evaluation(template, parameter_values(template, entries, None, {}), PSEUDO)


EVALUATION = evaluation()


def resolved(value: str) -> Any:
    return EVALUATION.resolve(decoded(f"V: {value}")["V"], LOOKUPS)


def refused(value: Any) -> str:
    with pytest.raises(Fault) as raised:
        EVALUATION.resolve(value, LOOKUPS)
    assert (raised.value.code, raised.value.status) == ("ValidationError", 400)
    return raised.value.message


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("!Ref Env", "dev"),
        ("!Ref Number", "3"),
        ("!Ref List", ["a", "b", "c"]),
        ("!Ref A", "<A>"),
        ("!Ref AWS::AccountId", "123456789012"),
        ("!Ref AWS::Region", "eu-west-1"),
        ("!Ref AWS::Partition", "aws"),
        ("!Ref AWS::StackName", "stack"),
        ("!Ref AWS::StackId", PSEUDO.stack_id),
        ("!Ref AWS::URLSuffix", "amazonaws.com"),
        ("!Ref AWS::NotificationARNs", ["t"]),
        ("!Ref AWS::NoValue", None),
        ("{a: !Ref 'AWS::NoValue', b: [1, !Ref 'AWS::NoValue']}", {"b": [1]}),
        ("!GetAtt A.Arn", "<A.Arn>"),
        ("!GetAtt A.Endpoint.Address", "<A.Endpoint.Address>"),
        ("{'Fn::GetAtt': A.Outputs.X}", "<A.Outputs.X>"),
        ("{'Fn::GetAtt': [A, !Ref Env]}", "<A.dev>"),
        (
            "!Sub '${Env}-${A}-${A.B.C}-${AWS::Region}-${!Env}-$Env-${Env'",
            "dev-<A>-<A.B.C>-eu-west-1-${Env}-$Env-${Env",
        ),
        ("!Sub ['${X} ${Env} ${Y} ${Z}', {X: !Ref A, Env: 1, Y: true, Z: 1.50}]", "<A> 1 true 1.5"),
        ("!Sub 'a${AWS::NoValue}b'", "ab"),
        ("!Sub 17", "17"),
        ("!Join ['', []]", ""),
        ("!Join ['-', [a, 1, true, !Ref Env, !Ref 'AWS::NoValue']]", "a-1-true-dev"),
        ("!Join ['|', !Ref List]", "a|b|c"),
        ("!Join [',', !GetAtt A.List]", "x,y"),
        ("!Select [1, [a, b]]", "b"),
        ("!Select ['2', !Ref List]", "c"),
        ("!Select [0, !GetAZs '']", "eu-west-1a"),
        ("!GetAZs {Ref: 'AWS::Region'}", ["eu-west-1a", "eu-west-1b"]),
        ("!GetAZs us-east-1", ["us-east-1a", "us-east-1b"]),
        ("!Split [',', 'a,b,,c']", ["a", "b", "", "c"]),
        ("!Split ['::', !Sub 'a::${Env}']", ["a", "dev"]),
        ("!FindInMap [M, !Ref 'AWS::Region', Ami]", "ami-1"),
        ("!FindInMap [M, eu-west-1, Size]", 3),
        ("!FindInMap [M, eu-west-1, All]", ["x", "y"]),
        ("!FindInMap [M, no-where-1, Ami, {DefaultValue: !Ref Env}]", "dev"),
        ("!FindInMap [X, a, b, {DefaultValue: [1]}]", [1]),
        ("!If [Dev, {a: !Ref Env}, !Ref A]", {"a": "dev"}),
        ("[!If [Prod, x, !Ref 'AWS::NoValue'], y]", ["y"]),
        ("!Base64 {'Fn::Sub': 'hello ${Env}'}", base64.b64encode(b"hello dev").decode()),
        ("!Cidr ['192.168.0.0/24', 6, 5]", [f"192.168.0.{at}/27" for at in range(0, 192, 32)]),
        ("!Cidr ['10.0.7.9/16', '2', '8']", ["10.0.0.0/24", "10.0.1.0/24"]),
        ("!Cidr ['10.0.0.0/16', 3]", ["10.0.0.0/18", "10.0.64.0/18", "10.0.128.0/18"]),
        ("!Cidr ['2600:1f18:abc:de00::/56', 2, 64]", ["2600:1f18:abc:de00::/64", "2600:1f18:abc:de01::/64"]),
        ("!ImportValue {'Fn::Sub': '${Env}-vpc'}", "<import dev-vpc>"),
        ("{'Fn::Length': !Ref List}", 3),
        ("{'Fn::Length': [1, !Ref 'AWS::NoValue']}", 1),
        (
            "{'Fn::ToJsonString': {a: [1, true, !Ref Env], b: !Ref 'AWS::NoValue', ü: '\"'}}",
            '{"a":[1,true,"dev"],"ü":"\\""}',
        ),
        ("'a {{resolve:ssm:x}} b'", "a SSM:X{{resolve:again}} b"),
        ("!Sub '{{resolve:secretsmanager:${A}:SecretString}}'", "SECRETSMANAGER:<A>:SECRETSTRING{{resolve:again}}"),
        ("!FindInMap [M, dev, Ami]", "SSM:AMI{{resolve:again}}"),
        ("!Base64 '{{resolve:ssm:x}}'", base64.b64encode(b"{{resolve:ssm:x}}").decode()),
        ("{'{{resolve:ssm:x}}': 1}", {"{{resolve:ssm:x}}": 1}),
        ("{Condition: Dev}", {"Condition": "Dev"}),
        ("{Ref: A, Other: 1}", {"Ref": "A", "Other": 1}),
        ("{'Fn::Equals': [!Ref Env, dev]}", True),
    ],
)
def test_a_function_has_its_value(value: str, expected: Any) -> None:
    assert resolved(value) == expected


ERROR = "Template error: "
SELECT = ERROR + "Fn::Select requires a list argument with two elements: an integer index and a list"
INDEX = ERROR + "Fn::Select requires a list argument with a valid index value as its first element"
TOO_LONG = ERROR + "the values of functions may not exceed 1048576 characters."


def many(value: Any, times: int) -> list[Any]:
    return [value] * times


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Fn::Select": [3, ["a", "b", "c"]]}, ERROR + "Fn::Select cannot select nonexistent value at index 3"),
        ({"Fn::Select": [-1, ["a"]]}, ERROR + "Fn::Select cannot select nonexistent value at index -1"),
        ({"Fn::Select": ["x", ["a"]]}, INDEX),
        ({"Fn::Select": [{"Ref": "List"}, ["a"]]}, INDEX),
        ({"Fn::Select": [0, {"Ref": "Env"}]}, SELECT),
        (
            {"Fn::FindInMap": ["M", {"Ref": "Env"}, "Size"]},
            ERROR + "Unable to get mapping for M::dev::Size",
        ),
        (
            {"Fn::FindInMap": [{"Ref": "Env"}, "a", "b"]},
            ERROR + "Mapping named 'dev' is not present in the 'Mappings' section of template.",
        ),
        (
            {"Fn::FindInMap": ["M", {"Ref": "List"}, "b"]},
            ERROR + "every Fn::FindInMap object requires three parameters, the map name, map key and the attribute "
            "for return value",
        ),
        (
            {"Fn::Sub": "${List}"},
            ERROR + "variable List in Fn::Sub expression does not resolve to a string",
        ),
        (
            {"Fn::Sub": "${A.List}"},
            ERROR + "variable A.List in Fn::Sub expression does not resolve to a string",
        ),
        (
            {"Fn::Sub": ["x", {"X": {"Ref": "List"}}]},
            ERROR + "every value of the context object of every Fn::Sub object must be a string or a function that "
            "returns a string",
        ),
        (
            {"Fn::Join": [",", {"Ref": "Env"}]},
            ERROR + "every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings "
            "to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.",
        ),
        (
            {"Fn::Split": ["", "abc"]},
            ERROR + "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be "
            "split or a function that returns a string to be split.",
        ),
        (
            {"Fn::GetAtt": ["A", {"Ref": "List"}]},
            ERROR + "every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource "
            "attribute",
        ),
        ({"Fn::If": ["None", 1, 2]}, ERROR + "unresolved condition dependency None in Fn::If"),
        (
            {"Fn::Not": [{"Condition": "None"}]},
            ERROR + "unresolved condition dependency None in Condition",
        ),
        (
            {"Fn::Not": [{"Ref": "Env"}]},
            "Template format error: Conditions can only be boolean operations on parameters and other conditions",
        ),
        (
            {"Fn::Base64": {"Ref": "List"}},
            ERROR + "every Fn::Base64 object must have a String-typed value.",
        ),
        (
            {"Fn::Equals": ["a", {"Fn::Split": [",", "a"]}]},
            ERROR + "every Fn::Equals object requires a list of 2 string parameters.",
        ),
        ({"Fn::GetAZs": {"Ref": "List"}}, ERROR + "every Fn::GetAZs object must have a String-typed value."),
        (
            {"Fn::ImportValue": {"Ref": "List"}},
            ERROR + "every Fn::ImportValue object must have a String-typed value.",
        ),
        ({"Fn::ImportValue": "none"}, "No export named none found."),
        ({"Fn::Length": {"Ref": "Env"}}, ERROR + "Fn::Length requires a list or a function that returns a list"),
        ({"Fn::Contains": [{"Ref": "Env"}, "x"]}, ERROR + "Fn::Contains requires a list of strings"),
        ({"Fn::Cidr": ["10.0.0/16", 1, 8]}, ERROR + "Fn::Cidr ipBlock 10.0.0/16 is not a valid CIDR block"),
        ({"Fn::Cidr": ["10.0.0.0/24", 9, 5]}, ERROR + "Fn::Cidr cannot fit 9 blocks of 5 bits in 10.0.0.0/24"),
        ({"Fn::Cidr": ["10.0.0.0/24", 1, 9]}, ERROR + "Fn::Cidr cannot fit 1 blocks of 9 bits in 10.0.0.0/24"),
        ({"Fn::Cidr": ["10.0.0.0/24", 1, -1]}, ERROR + "Fn::Cidr cannot fit 1 blocks of -1 bits in 10.0.0.0/24"),
        (
            {"Fn::Cidr": ["10.0.0.0/8", 257, 8]},
            ERROR + "every Fn::Cidr object requires two or three parameters, (1) a CIDR block, (2) the number of CIDRs "
            "to generate, between 1 and 256, and (3) the number of subnet bits",
        ),
        ({"Fn::Transform": {"Name": "X"}}, ERROR + "unsupported intrinsic function Fn::Transform"),
        ({"Fn::ForEach::X": []}, ERROR + "unsupported intrinsic function Fn::ForEach::X"),
        (many({"Ref": "Long"}, 300), TOO_LONG),
        ({"Fn::Sub": "${Long}" * 300}, TOO_LONG),
        ({"Fn::Join": ["x" * 5000, ["a"] * 300]}, TOO_LONG),
        ({"Fn::Split": ["x", "x" * 600_000]}, TOO_LONG),
        (many({"Fn::Base64": "x" * 4096}, 200), TOO_LONG),
        (many({"Fn::Cidr": ["10.0.0.0/8", 256, 8]}, 400), TOO_LONG),
        (many({"Fn::FindInMap": ["M", "eu-west-1", "All"]}, 300_000), TOO_LONG),
        (many("{{resolve:ssm:" + "x" * 2000 + "}}", 600), TOO_LONG),
    ],
)
def test_a_function_without_value_is_an_error(value: Any, message: str) -> None:
    assert refused(value) == message


def test_json_of_json_does_not_grow_without_bound() -> None:
    value: Any = ['"']
    for _ in range(60):
        value = {"Fn::ToJsonString": [value]}
    assert refused(value) == TOO_LONG


@pytest.mark.parametrize("function", [lambda value: {"a": value}, lambda value: {"Fn::Not": [value]}])
def test_a_value_nested_too_deeply_is_an_error(function: Any) -> None:
    value: Any = {"Fn::Equals": ["a", "b"]}
    for _ in range(250):
        value = function(value)
    assert refused(value) == "Template format error: nested too deeply."


def test_values_nested_as_deeply_as_a_template_may_are_resolved() -> None:
    value: Any = {"Fn::Equals": ["a", "b"]}
    for _ in range(90):
        value = {"Fn::And": [value, {"Condition": "Dev"}]}
    assert EVALUATION.resolve(value, LOOKUPS) is False


def test_each_condition_holds_or_does_not() -> None:
    assert EVALUATION.conditions == {
        "Prod": False,
        "Dev": True,
        "Three": True,
        "Both": True,
        "Either": False,
        "Map": True,
        "Alias": True,
        "Nested": True,
        "Lists": True,
    }


def test_a_long_chain_of_conditions_is_evaluated() -> None:
    chain = "".join(f"  C{at}: !Not [!Condition C{at + 1}]\n" for at in range(3000))
    found = evaluation("Conditions:\n" + chain + "  C3000: !Equals [a, a]\nResources: {A: {Type: T}}\n").conditions
    assert (found["C0"], found["C1"]) == (True, False)


def test_what_has_a_condition_is_there_where_it_holds() -> None:
    template = EVALUATION.template
    assert {name: EVALUATION.exists(one) for name, one in template.resources.items()} == {"A": True, "B": False}
    assert [EVALUATION.exists(one) for one in template.outputs.values()] == [True, True]
    assert evaluation(Env="prod").exists(template.resources["B"])


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ({"Fn::If": ["Dev", {"Ref": "A"}, {"Ref": "B"}]}, {"A"}),
        ({"Fn::If": ["Prod", {"Ref": "A"}, {"Fn::If": ["Dev", {"Fn::Sub": "${B.Arn}"}, "x"]}]}, {"B"}),
        ([{"Fn::GetAtt": "A.Arn"}, {"Ref": "Env"}, {"Ref": "AWS::Region"}], {"A", "Env"}),
    ],
)
def test_what_a_value_mentions_is_of_the_branches_that_are_taken(value: Any, names: set[str]) -> None:
    assert EVALUATION.mentions(value) == names


CHOICE = "Parameters: {E: {Type: String, Default: dev}}\nConditions: {Prod: !Equals [!Ref E, prod]}\nResources:\n"


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (
            "  A: {Type: T, Condition: Prod}\n  B: {Type: T, DependsOn: A, Properties: {P: !If [Prod, !Ref A, x]}}",
            {"B": set()},
        ),
        (
            "  A: {Type: T}\n  B: {Type: T, DependsOn: A, Properties: {P: !If [Prod, x, !Ref C]}}\n  C: {Type: T}",
            {"A": set(), "B": {"A", "C"}, "C": set()},
        ),
        (
            "  A: {Type: T, Condition: Prod}\n  B: {Type: T, Properties: {P: !Ref A}}",
            "Template format error: Unresolved resource dependencies [A] in the Resources block of the template",
        ),
        (
            "  A: {Type: T, Condition: Prod}\n  B: {Type: T}\nOutputs: {O: {Value: !Ref A}}",
            "Unresolved resource dependencies [A] in the Outputs block of the template",
        ),
        (
            "  A: {Type: T, Condition: Prod}\n  B: {Type: T}\nOutputs: {O: {Value: !Ref A, Condition: Prod}}",
            {"B": set()},
        ),
        (
            "  A: {Type: T, Properties: {P: !If [Prod, x, !Ref B]}}\n  B: {Type: T, DependsOn: A}",
            "Circular dependency between resources: [A, B]",
        ),
        (
            "  A: {Type: T, Properties: {P: !If [Prod, !Ref B, x]}}\n  B: {Type: T, DependsOn: A}",
            {"A": set(), "B": {"A"}},
        ),
    ],
)
def test_dependencies_are_of_what_exists(resources: str, expected: dict[str, set[str]] | str) -> None:
    one = evaluation(CHOICE + resources + "\n")
    if isinstance(expected, str):
        with pytest.raises(Fault) as raised:
            one.dependencies()
        assert raised.value.message == expected
    else:
        assert one.dependencies() == expected


RULES = (
    TEMPLATE
    + "Rules:\n  R:\n    RuleCondition: CONDITION\n    Assertions: [{Assert: ASSERT, AssertDescription: broken}]\n"
)


def broken(assertion: str, condition: str = "!Equals [a, a]", lookups: Lookups | None = None) -> list[str]:
    rules = RULES.replace("CONDITION", condition).replace("ASSERT,", f"{assertion},")
    return evaluation(rules).rules_broken(lookups)


@pytest.mark.parametrize(
    ("assertion", "holds"),
    [
        ("!Equals [!Ref Env, dev]", True),
        ("{'Fn::Contains': [[dev, prod], !Ref Env]}", True),
        ("{'Fn::Contains': [[test], !Ref Env]}", False),
        ("{'Fn::EachMemberIn': [!Ref List, [a, b, c, d]]}", True),
        ("{'Fn::EachMemberIn': [!Ref List, [a]]}", False),
        ("{'Fn::EachMemberEquals': [[dev, dev], !Ref Env]}", True),
        ("{'Fn::EachMemberEquals': [!Ref List, a]}", False),
        ("{'Fn::Contains': [{'Fn::RefAll': 'AWS::EC2::VPC::Id'}, vpc-3]}", True),
        ("{'Fn::EachMemberIn': [{'Fn::RefAll': 'AWS::EC2::VPC::Id'}, [vpc-1, vpc-2]]}", False),
        ("!Equals [{'Fn::ValueOf': [Vpc, Tags.Team]}, '<Vpc.Tags.Team>']", True),
        ("{'Fn::Contains': [{'Fn::ValueOfAll': ['AWS::EC2::VPC::Id', Tags.Team]}, '<Vpcs.Tags.Team>']}", True),
        ("!Not [{'Fn::Contains': [{'Fn::ValueOfAll': ['AWS::EC2::VPC::Id', List]}, y]}]", False),
        ("!Or [!Equals [a, b], {Condition: Dev}]", True),
    ],
)
def test_a_rule_is_broken_where_an_assertion_fails(assertion: str, holds: bool) -> None:
    assert broken(assertion, lookups=LOOKUPS) == ([] if holds else ["broken"])


def test_a_rule_whose_condition_does_not_hold_is_not_asked() -> None:
    assert broken("!Equals [a, b]", "!Equals [!Ref Env, prod]") == []
    assert broken("!Equals [a, b]", "!Equals [!Ref Env, dev]") == ["broken"]


def test_attributes_of_parameters_take_lookups() -> None:
    with pytest.raises(Fault) as raised:
        broken("!Equals [{'Fn::ValueOf': [Vpc, Tags.Team]}, x]")
    assert raised.value.message == ERROR + "Cannot use Fn::ValueOf in Rules."


def test_availability_zones_are_not_for_conditions() -> None:
    one = evaluation("Conditions: {C: !Equals [!Select [0, !GetAZs ''], x]}\nResources: {A: {Type: T}}\n")
    with pytest.raises(Fault) as raised:
        _ = one.conditions
    assert raised.value.message == ERROR + "Cannot use Fn::GetAZs in Conditions."


NAMES = st.text("abc", min_size=1, max_size=3)
SCALARS = st.one_of(st.text(max_size=5), st.booleans(), st.integers(-9, 9), st.floats(-9, 9))
VALUES = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3))
)


@given(VALUES)
def test_a_value_without_functions_is_itself(value: Any) -> None:
    assert EVALUATION.resolve(value, LOOKUPS) == value
    assert json.loads(EVALUATION.resolve({"Fn::ToJsonString": [value]}, LOOKUPS)) == [value]


@given(st.dictionaries(NAMES, SCALARS, min_size=1), st.text("-/$ "))
def test_a_sub_is_the_join_of_its_values(values: Mapping[str, Any], delimiter: str) -> None:
    string = delimiter.join(f"${{{name}}}" for name in values)
    substituted = EVALUATION.resolve({"Fn::Sub": [string, values]}, LOOKUPS)
    assert substituted == EVALUATION.resolve({"Fn::Join": [delimiter, [*values.values()]]}, LOOKUPS)


@given(st.lists(st.text("abc"), min_size=1), st.text("-/", min_size=1))
def test_the_split_of_a_join_is_its_list(items: list[str], delimiter: str) -> None:
    joined = {"Fn::Join": [delimiter, items]}
    assert EVALUATION.resolve({"Fn::Split": [delimiter, joined]}, LOOKUPS) == items


@given(st.lists(SCALARS, min_size=1, max_size=9), st.integers(0, 8))
def test_a_select_is_the_item_at_its_place(items: list[Any], at: int) -> None:
    at %= len(items)
    assert EVALUATION.resolve({"Fn::Select": [at, items]}, LOOKUPS) == items[at]


@given(st.booleans(), st.booleans())
def test_conditions_are_those_of_logic(one: bool, other: bool) -> None:
    def truth(value: bool) -> dict[str, Any]:
        return {"Fn::Equals": [value, "true"]}

    def value(function: str, *arguments: Any) -> Any:
        return EVALUATION.resolve({function: [*arguments]}, LOOKUPS)

    assert value("Fn::And", truth(one), truth(other)) is (one and other)
    assert value("Fn::Or", truth(one), truth(other)) is (one or other)
    assert value("Fn::Not", truth(one)) is not one
