"""Templates as values, and the texts of what is wrong with one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.core.errors import Fault
from locum.services.cloudformation.graphs import circular, ordered
from locum.services.cloudformation.template import dependencies, parsed, references
from locum.services.cloudformation.templates import decoded

BUCKET = "Resources: {B: {Type: 'AWS::S3::Bucket'}}\n"


def refused(template: dict[str, Any]) -> str:
    with pytest.raises(Fault) as raised:
        parsed(template)
    assert (raised.value.code, raised.value.status) == ("ValidationError", 400)
    return raised.value.message


def with_property(value: str) -> str:
    return f"Resources: {{B: {{Type: 'AWS::S3::Bucket', Properties: {{P: {value}}}}}}}\n"


def as_json(value: str) -> str:
    """A template in JSON, with a value at the sixth column of its third line."""
    properties = f'{{\n"NaN": ["Infinity"],\n"P": {value}}}'
    return f'{{"Resources": {{"B": {{"Type": "AWS::S3::Bucket", "Properties": {properties}}}}}}}'


FORMAT = "Template format error: "
ERROR = "Template error: "
BLOCK = "block of the template"
GET_ATT = (
    ERROR + "every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute"
)
JOIN = (
    ERROR + "every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be "
    "joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
)
SPLIT = (
    ERROR + "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a "
    "function that returns a string to be split."
)
SUB = (
    ERROR + "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first "
    "argument, and an optional second argument to specify a mapping of values to replace in the string"
)
MAP = (
    ERROR + "every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return "
    "value"
)
IMPORT = ERROR + "the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs"
NAME = (
    ERROR
    + "variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons"
)
CIDR = (
    ERROR + "every Fn::Cidr object requires two or three parameters, (1) a CIDR block, (2) the number of CIDRs to "
    "generate, between 1 and 256, and (3) the number of subnet bits"
)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("Description: x", FORMAT + "At least one Resources member must be defined."),
        ("Resources: {}", FORMAT + "At least one Resources member must be defined."),
        ("Resources: []", FORMAT + "Any Resources member must be an object."),
        (BUCKET + "Foo: 1\nBar: 2", "Invalid template property or properties [Foo, Bar]"),
        (BUCKET + "AWSTemplateFormatVersion: 2011-09-09", FORMAT + "unsupported value for AWSTemplateFormatVersion."),
        (BUCKET + "Description: []", FORMAT + "Every Description member must be a string."),
        (BUCKET + f"Description: {'x' * 1025}", FORMAT + "'Description' length is greater than 1024."),
        (BUCKET + "Transform: {A: 1}", FORMAT + "Transform must be a string or a list of strings."),
        (BUCKET + "Outputs:", "[/Outputs] 'null' values are not allowed in templates"),
        (with_property("[1, null]"), "[/Resources/B/Properties/P/1] 'null' values are not allowed in templates"),
        (with_property(".inf"), FORMAT + "[/Resources/B/Properties/P] unsupported value"),
        (with_property(".nan"), FORMAT + "[/Resources/B/Properties/P] unsupported value"),
        ("Resources: {B: 1}", FORMAT + "[/Resources/B] resource definition is malformed"),
        ("Resources: {'Fn::ForEach::X': []}", FORMAT + "[/Resources/Fn::ForEach::X] resource definition is malformed"),
        ("Resources: {B: {}}", FORMAT + "[/Resources/B] Every Resources object must contain a Type member."),
        ("Resources: {a-b: {Type: T}}", FORMAT + "Resource name a-b is non alphanumeric."),
        ("Resources: {B: {Type: T, Tags: []}}", "Invalid template resource property 'Tags'"),
        (
            "Resources: {B: {Type: T, Properties: []}}",
            FORMAT + "[/Resources/B/Properties] Every Properties member must be a map",
        ),
        (
            "Resources: {B: {Type: T, Condition: []}}",
            FORMAT + "Every Condition member must be a string: [/Resources/B]",
        ),
        (
            "Resources: {B: {Type: T, DependsOn: [{Ref: B}]}}",
            FORMAT + "DependsOn must be a string or list of strings.",
        ),
        (
            "Resources: {B: {Type: T, DeletionPolicy: Keep}}",
            FORMAT + "Unrecognized DeletionPolicy Keep for resource B",
        ),
        (
            "Resources: {B: {Type: T, UpdateReplacePolicy: RetainExceptOnCreate}}",
            FORMAT + "Unrecognized UpdateReplacePolicy RetainExceptOnCreate for resource B",
        ),
        (
            BUCKET + "Parameters: {P: {}}",
            FORMAT + "[/Parameters/P] Every Parameters object must contain a Type member.",
        ),
        (BUCKET + "Parameters: {P: {Type: Strin}}", FORMAT + "Unrecognized parameter type: Strin"),
        (BUCKET + "Parameters: {P: {Type: String, Foo: 1}}", "Invalid template parameter property 'Foo'"),
        (
            BUCKET + "Parameters: {P: {Type: String, Default: [1]}}",
            FORMAT + "Every Default member must be a string.",
        ),
        (
            BUCKET + "Parameters: {P: {Type: String, AllowedValues: 1}}",
            FORMAT + "Every AllowedValues member must be a list.",
        ),
        (BUCKET + "Parameters: {p-q: {Type: String}}", FORMAT + "Parameter name p-q is non alphanumeric."),
        (BUCKET + "Parameters: {B: {Type: String}}", FORMAT + "Duplicate logical names [B]"),
        (BUCKET + "Mappings: {M: 1}", FORMAT + "Every Mappings member M must be a map"),
        (BUCKET + "Mappings: {M: {a: b}}", FORMAT + "Every Mappings member a must be a map"),
        (
            BUCKET + "Mappings: {M: {a: {b: {c: d}}}}",
            FORMAT + "Every Mappings attribute must be a String or a List.",
        ),
        (BUCKET + "Mappings: {m-n: {a: {b: c}}}", FORMAT + "Mappings name m-n is non alphanumeric."),
        (BUCKET + "Rules: {R: {}}", FORMAT + "Rule R must contain a list of Assertions."),
        (
            BUCKET + "Rules: {R: {Assertions: [{}]}}",
            FORMAT + "Every Assertions member of rule R must contain an Assert object.",
        ),
        (BUCKET + "Outputs: {O: {}}", FORMAT + "Every Outputs member must contain a Value object"),
        (BUCKET + "Outputs: {O: text}", FORMAT + "Every Outputs member must contain a Value object"),
        (BUCKET + "Outputs: {O: {Ref: B}}", FORMAT + "Invalid outputs property : [Ref]"),
        (BUCKET + "Outputs: {o-p: {Value: 1}}", FORMAT + "Outputs name o-p is non alphanumeric."),
        (
            BUCKET + "Outputs: {O: {Value: 1, Condition: []}}",
            FORMAT + "Every Condition member must be a string: [/Outputs/O]",
        ),
        (
            BUCKET + "Outputs: {O: {Value: 1, Export: text}}",
            FORMAT + "Output O is malformed. The Name field of every Export member must be specified and consist only "
            "of alphanumeric characters, colons, or hyphens.",
        ),
        (
            BUCKET + "Outputs: {O: {Value: 1, Export: {Name: !Ref B}}}",
            FORMAT + "Output O is malformed. The Name field of Export must not depend on any resources, imported "
            "values, or Fn::GetAZs.",
        ),
    ],
)
def test_a_template_of_another_structure_is_refused(template: str, message: str) -> None:
    assert refused(decoded(template)) == message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{Ref: [A]}", ERROR + "every Ref object must have a single String value."),
        ("{'Fn::GetAtt': [B]}", GET_ATT),
        ("{'Fn::GetAtt': B}", GET_ATT),
        ("{'Fn::GetAtt': [B, '']}", GET_ATT),
        ("{'Fn::GetAtt': [B, [x]]}", GET_ATT),
        ("{'Fn::Join': [',']}", JOIN),
        ("{'Fn::Join': [{Ref: B}, []]}", JOIN),
        ("{'Fn::Join': [',', text]}", JOIN),
        ("{'Fn::Split': [',']}", SPLIT),
        ("{'Fn::Split': [',', [a]]}", SPLIT),
        (
            "{'Fn::Select': []}",
            ERROR + "Fn::Select requires a list argument with a valid index value as its first element",
        ),
        (
            "{'Fn::Select': [1]}",
            ERROR + "Fn::Select requires a list argument with two elements: an integer index and a list",
        ),
        ("{'Fn::FindInMap': [A, B]}", MAP),
        ("{'Fn::FindInMap': [A, B, C, D]}", MAP),
        ("{'Fn::Sub': [a]}", SUB),
        ("{'Fn::Sub': [a, text]}", SUB),
        ("{'Fn::Sub': {Ref: B}}", SUB),
        ("{'Fn::Sub': '${A:-default}'}", NAME),
        ("{'Fn::Sub': '${}'}", NAME),
        (
            "{'Fn::Sub': ['', {a-b: c}]}",
            ERROR + "every key of the context object of every Fn::Sub object must contain only alphanumeric characters "
            "and underscores",
        ),
        (
            "{'Fn::Sub': ['', {a: [c]}]}",
            ERROR + "every value of the context object of every Fn::Sub object must be a string or a function that "
            "returns a string",
        ),
        (
            "{'Fn::If': [{Ref: A}, 1, 2]}",
            ERROR + "Fn::If requires a list argument with the first element being a condition",
        ),
        ("{'Fn::If': [A, 1]}", ERROR + "Fn::If requires a list argument with three elements"),
        ("{'Fn::If': [A, 1, 2]}", ERROR + "unresolved condition dependency A in Fn::If"),
        ("{'Fn::Equals': [1]}", ERROR + "every Fn::Equals object requires a list of 2 string parameters."),
        ("{'Fn::Equals': [1, 2]}", ERROR + "Fn::Equals cannot be partially collapsed"),
        ("{'Fn::Base64': [a]}", ERROR + "every Fn::Base64 object must have a String-typed value."),
        ("{'Fn::GetAZs': [a]}", ERROR + "every Fn::GetAZs object must have a String-typed value."),
        ("{'Fn::ImportValue': [a]}", ERROR + "every Fn::ImportValue object must have a String-typed value."),
        ("{'Fn::ImportValue': {Ref: B}}", IMPORT),
        ("{'Fn::ImportValue': {'Fn::Sub': '${B.Arn}'}}", IMPORT),
        ("{'Fn::ImportValue': {'Fn::ImportValue': x}}", IMPORT),
        ("{'Fn::Cidr': [a]}", CIDR),
        ("{'Fn::Length': 3}", ERROR + "Fn::Length requires a list or a function that returns a list"),
        ("{'Fn::ToJsonString': text}", ERROR + "Fn::ToJsonString requires an object or a list"),
        ("{'Fn::Transform': {Name: X}}", ERROR + "unsupported intrinsic function Fn::Transform"),
        ("{'Fn::ForEach::X': []}", ERROR + "unsupported intrinsic function Fn::ForEach::X"),
        ("{'Fn::Sub': x, Other: y}", ERROR + "Fn::Sub cannot be partially collapsed"),
        ("{'Fn::RefAll': x}", ERROR + "Cannot use Fn::RefAll in Resources."),
        ("{'Fn::Contains': x}", ERROR + "Fn::Contains requires a list argument with two elements"),
        (
            "{'Fn::FindInMap': [M, a, b]}",
            ERROR + "Mapping named 'M' is not present in the 'Mappings' section of template.",
        ),
        ("{Ref: Gone}", FORMAT + f"Unresolved resource dependencies [Gone] in the Resources {BLOCK}"),
        (
            "[{Ref: Gone}, {'Fn::Sub': '${Or} ${!X}'}]",
            FORMAT + f"Unresolved resource dependencies [Gone, Or] in the Resources {BLOCK}",
        ),
        ("{Ref: 'AWS::Resion'}", FORMAT + f"Unresolved resource dependencies [AWS::Resion] in the Resources {BLOCK}"),
        ("{'Fn::GetAtt': [Gone, Arn]}", ERROR + "instance of Fn::GetAtt references undefined resource Gone"),
        ("{'Fn::Sub': '${Gone.Arn}'}", ERROR + "instance of Fn::Sub references invalid resource attribute Gone.Arn"),
    ],
)
def test_a_function_with_other_arguments_is_refused(value: str, message: str) -> None:
    assert refused(decoded(with_property(value))) == message


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (
            "Resources: {B: {Type: T, DependsOn: [Gone]}}",
            FORMAT + f"Unresolved resource dependencies [Gone] in the Resources {BLOCK}",
        ),
        (
            BUCKET + "Outputs: {O: {Value: !Ref Gone}}",
            f"Unresolved resource dependencies [Gone] in the Outputs {BLOCK}",
        ),
        (
            BUCKET + "Outputs: {O: {Value: !GetAtt Gone.Arn}}",
            ERROR + "instance of Fn::GetAtt references undefined resource Gone",
        ),
        (
            "Resources: {B: {Type: T, Condition: Gone}}",
            FORMAT + f"Unresolved condition dependency Gone in the Resources {BLOCK}",
        ),
        (
            BUCKET + "Outputs: {O: {Value: 1, Condition: Gone}}",
            FORMAT + f"Unresolved condition dependency Gone in the Outputs {BLOCK}",
        ),
        (
            BUCKET + "Conditions: {C: !Not [!Condition Gone]}",
            FORMAT + f"Unresolved condition dependency Gone in the Conditions {BLOCK}",
        ),
        (
            BUCKET + "Conditions: {C: !Equals [!Ref B, x]}",
            FORMAT + f"Unresolved dependencies [B]. Cannot reference resources in the Conditions {BLOCK}",
        ),
        (
            BUCKET + "Rules: {R: {Assertions: [{Assert: !Equals [!Ref B, x]}]}}",
            FORMAT + f"Unresolved dependencies [B]. Cannot reference resources in the Rules {BLOCK}",
        ),
        (
            BUCKET + "Conditions: {C: 'yes'}",
            FORMAT + "Conditions can only be boolean operations on parameters and other conditions",
        ),
        (
            BUCKET + "Conditions: {C: !Equals [!ImportValue x, y]}",
            ERROR + "Cannot use Fn::ImportValue in Conditions.",
        ),
        (
            BUCKET + "Conditions: {C: !And [!Equals [a, b]]}",
            ERROR + "every Fn::And object requires a list of at least 2 and at most 10 boolean parameters.",
        ),
        (
            BUCKET + f"Conditions: {{C: !Or [{', '.join(['!Equals [a, b]'] * 11)}]}}",
            ERROR + "every Fn::Or object requires a list of at least 2 and at most 10 boolean parameters.",
        ),
        (BUCKET + "Conditions: {C: !Not []}", ERROR + "Fn::Not requires a list argument with one element"),
        (BUCKET + "Conditions: {C: !Not [text]}", ERROR + "Fn::Not requires a list argument with one function token"),
        (
            BUCKET + "Conditions: {A: !Not [!Condition B], B: !Not [!Condition A], C: !Not [!Condition A]}",
            FORMAT + "Circular dependencies between conditions: [A, B]",
        ),
        (
            "Resources: {A: {Type: T, DependsOn: B}, B: {Type: T, Metadata: {M: !Ref A}}, C: {Type: T, DependsOn: A}}",
            "Circular dependency between resources: [A, B]",
        ),
        ("Resources: {A: {Type: T, DependsOn: A}}", "Circular dependency between resources: [A]"),
    ],
)
def test_a_reference_to_what_is_not_there_is_refused(template: str, message: str) -> None:
    assert refused(decoded(template)) == message


@pytest.mark.parametrize(
    ("section", "kind", "most", "member"),
    [
        ("Resources", "resources", 500, {"Type": "T"}),
        ("Parameters", "parameters", 200, {"Type": "String"}),
        ("Outputs", "outputs", 200, {"Value": "x"}),
        ("Mappings", "mappings", 200, {"a": {"b": "c"}}),
    ],
)
def test_a_template_has_so_many_members_of_a_section_at_most(
    section: str, kind: str, most: int, member: dict[str, Any]
) -> None:
    template: dict[str, Any] = {"Resources": {"B": {"Type": "T"}}}
    template[section] = {f"N{number}": member for number in range(most)}
    parsed(template)
    template[section]["More"] = member
    assert refused(template) == FORMAT + f"Number of {kind}, {most + 1}, is greater than maximum allowed, {most}"


def test_a_value_nested_too_deeply_is_refused() -> None:
    value: Any = "x"
    for _ in range(250):
        value = [value]
    assert refused({"Resources": {"B": {"Type": "T", "Properties": {"P": value}}}}) == (FORMAT + "nested too deeply.")


@pytest.mark.parametrize(
    ("value", "column"), [("NaN", 7), ("-Infinity", 7), ('["NaN", "a \\" Infinity", {"a": Infinity}]', 38)]
)
def test_what_is_no_number_is_no_json(value: str, column: int) -> None:
    with pytest.raises(Fault) as raised:
        decoded(as_json(value))
    assert raised.value.message == f"{FORMAT}JSON not well-formed. (line 3, column {column})"


def test_what_is_no_number_in_json_is_a_text_in_yaml() -> None:
    for text in ('{Resources: {B: {Type: "AWS::S3::Bucket", Properties: {P: NaN}}}}', with_property('"NaN"')):
        assert parsed(decoded(text)).resources["B"].properties == {"P": "NaN"}
    assert parsed(decoded(as_json('"NaN"'))).resources["B"].properties == {"NaN": ["Infinity"], "P": "NaN"}


def test_dates_and_keys_of_yaml_become_strings() -> None:
    template = parsed(
        decoded(
            "AWSTemplateFormatVersion: 2010-09-09\n"
            "Mappings: {M: {123456789012: {a: 2012-10-17}}}\n"
            "Resources: {B: {Type: T, Properties: {V: 2012-10-17, T: 2012-10-17 01:02:03, D: [{true: 1.5}]}}}"
        )
    )
    assert template.mappings == {"M": {"123456789012": {"a": "2012-10-17"}}}
    assert template.resources["B"].properties == {
        "V": "2012-10-17",
        "T": "2012-10-17T01:02:03",
        "D": [{"true": 1.5}],
    }
    assert template.source["AWSTemplateFormatVersion"] == "2010-09-09"


def test_a_resource_is_as_its_template_defines_it() -> None:
    template = parsed(
        decoded(
            "Description: d\n"
            "Transform: AWS::LanguageExtensions\n"
            "Conditions: {C: !Equals [a, a]}\n"
            "Resources:\n"
            "  A: {Type: T}\n"
            "  B: {Type: T, DependsOn: A, Condition: C, DeletionPolicy: RetainExceptOnCreate,"
            " UpdateReplacePolicy: Retain, CreationPolicy: {a: b}, UpdatePolicy: {c: d}, Metadata: {e: f}}\n"
        )
    )
    first, second = template.resources.values()
    assert first == ("A", "T", {}, (), "", "Delete", "Delete", {}, {}, {})
    assert second == ("B", "T", {}, ("A",), "C", "RetainExceptOnCreate", "Retain", {"a": "b"}, {"c": "d"}, {"e": "f"})
    assert (template.description, template.transforms) == ("d", ("AWS::LanguageExtensions",))


@pytest.mark.parametrize(
    ("kind", "properties", "policy"),
    [
        ("AWS::RDS::DBCluster", {}, "Snapshot"),
        ("AWS::RDS::DBInstance", {}, "Snapshot"),
        ("AWS::RDS::DBInstance", {"DBClusterIdentifier": "c"}, "Delete"),
        ("AWS::EC2::Volume", {}, "Delete"),
    ],
)
def test_databases_are_kept_in_snapshots(kind: str, properties: dict[str, Any], policy: str) -> None:
    template = parsed({"Resources": {"R": {"Type": kind, "Properties": properties}}})
    assert template.resources["R"].deletion_policy == policy


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ({"Ref": "A"}, {"A"}),
        ({"Ref": "AWS::Region"}, set()),
        ({"Fn::GetAtt": ["A", "B.C"]}, {"A"}),
        ({"Fn::GetAtt": "A.B.C"}, {"A"}),
        ({"Fn::GetAtt": ["A", {"Ref": "P"}]}, {"A", "P"}),
        ({"Fn::Sub": "${A} ${B.Arn} ${!C} ${AWS::Region} ${D"}, {"A", "B"}),
        ({"Fn::Sub": ["${A} ${B}", {"A": {"Ref": "C"}}]}, {"B", "C"}),
        ({"Fn::If": ["C", {"Ref": "A"}, {"Ref": "B"}]}, {"A", "B"}),
        ({"Ref": "A", "Other": 1}, set()),
        ([{"x": [{"Ref": "A"}]}, "Ref", {"Condition": "C"}], {"A"}),
    ],
)
def test_references_are_what_functions_name(value: Any, names: set[str]) -> None:
    assert references(value) == names


def test_dependencies_are_of_both_branches_and_of_depends_on() -> None:
    template = parsed(
        decoded(
            "Parameters: {P: {Type: String}}\n"
            "Conditions: {C: !Equals [!Ref P, x]}\n"
            "Resources:\n"
            "  A: {Type: T}\n"
            "  B: {Type: T, Properties: {P: !If [C, !Ref A, !Ref P]}}\n"
            "  C: {Type: T, DependsOn: [B], Metadata: {M: !Sub '${A.Arn}'}}\n"
        )
    )
    assert dependencies(template) == {"A": set(), "B": {"A"}, "C": {"A", "B"}}


def test_a_cycle_through_a_branch_is_for_the_evaluation() -> None:
    parsed(
        decoded(
            "Conditions: {C: !Equals [a, b]}\n"
            "Resources: {A: {Type: T, Properties: {P: !If [C, !Ref B, x]}}, B: {Type: T, DependsOn: A}}"
        )
    )


NODES = st.sampled_from("abcdef")


@given(st.dictionaries(NODES, st.sets(NODES)))
def test_a_node_has_its_place_or_is_behind_a_cycle(graph: dict[str, set[str]]) -> None:
    order = ordered(graph)
    for place, name in enumerate(order):
        assert graph[name] & graph.keys() <= {*order[:place]}
    assert bool(circular(graph)) is (len(order) < len(graph))
    assert not set(circular(graph)) & {*order}
