"""Transforms of templates: what AWS's macros make of them, and the texts of those that fail."""

from __future__ import annotations

import json

import pytest

from locum.core.errors import Fault
from locum.services.cloudformation import transforms
from locum.services.cloudformation.intrinsics import Evaluation
from locum.services.cloudformation.proposals import template_before
from locum.services.cloudformation.templates import decoded
from support.one_account import ACCOUNT, Plane
from support.transformed import (
    EXPAND,
    FUNCTION,
    PSEUDO,
    ROLE_AND_FUNCTION,
    SAM,
    function,
    processed,
    proposal,
    refused,
    types,
)

LOOPS = "Transform: AWS::LanguageExtensions\n"
FAILED = "Transform AWS::LanguageExtensions failed with: "
INCLUDE = "Transform AWS::Include failed with: "
CONTENT = INCLUDE + "The specified S3 object's content should be valid Yaml/JSON."
LOCATION = INCLUDE + "The location parameter is not a valid S3 uri."

# -- AWS::LanguageExtensions ---------------------------------------------------------------------------------


def test_a_loop_makes_a_resource_of_each_item() -> None:
    text = LOOPS + (
        "Resources:\n"
        "  'Fn::ForEach::Topics':\n"
        "  - Name\n"
        "  - !Ref Names\n"
        "  - 'Topic${Name}':\n"
        "      Type: AWS::SNS::Topic\n"
        "      DependsOn: 'Queue${Name}'\n"
        "      Properties: {TopicName: !Ref Name, DisplayName: !Sub '${AWS::Region}-${Name}', P: 'x${Name}y'}\n"
        "    'Queue${Name}': {Type: AWS::SQS::Queue}\n"
    )
    found = processed(text, Names=["A", "B"])["Resources"]
    assert list(found) == ["TopicA", "QueueA", "TopicB", "QueueB"]
    assert found["TopicB"] == {
        "Type": "AWS::SNS::Topic",
        "DependsOn": "QueueB",
        "Properties": {"TopicName": "B", "DisplayName": {"Fn::Sub": "${AWS::Region}-B"}, "P": "xBy"},
    }


def test_loops_are_nested_in_all_sections_and_in_properties() -> None:
    text = LOOPS + (
        "Mappings: {M: {A: {Names: [x, z]}, B: {Names: [y]}}}\n"
        "Conditions: {'Fn::ForEach::C': [I, [A, B], {'Is${I}': {'Fn::Equals': [!Ref Kind, !Ref I]}}]}\n"
        "Resources:\n"
        "  'Fn::ForEach::Outer':\n"
        "  - I\n"
        "  - [A, B]\n"
        "  - 'Fn::ForEach::Inner':\n"
        "    - J\n"
        "    - !FindInMap [M, !Ref I, Names]\n"
        "    - 'R${I}${J}':\n"
        "        Type: AWS::S3::Bucket\n"
        "        Condition: 'Is${I}'\n"
        "        Properties: {'Fn::ForEach::P': [K, [P, Q], {'${K}': '${I}${J}${K}'}], Z: 1}\n"
        "Outputs: {'Fn::ForEach::O': [I, [A, B], {'O${I}': {Value: !GetAtt [!Sub 'R${I}y', Arn]}}]}\n"
    )
    found = processed(text.replace("R${I}y", "R${I}z").replace("[A, B], {'O", "[A], {'O"), Kind="A")
    assert found["Conditions"] == {name: {"Fn::Equals": [{"Ref": "Kind"}, name[2:]]} for name in ("IsA", "IsB")}
    assert list(found["Resources"]) == ["RAx", "RAz", "RBy"]
    assert found["Resources"]["RAz"]["Properties"] == {"P": "AzP", "Q": "AzQ", "Z": 1}
    assert found["Resources"]["RBy"]["Condition"] == "IsB"
    assert found["Outputs"] == {"OA": {"Value": {"Fn::GetAtt": ["RAz", "Arn"]}}}


def test_an_ampersand_leaves_out_what_no_name_may_have() -> None:
    text = LOOPS + "Resources: {'Fn::ForEach::I': [Ip, ['10.0.0.1'], {'R&{Ip}': {Type: T, Properties: {P: '${Ip}'}}}]}"
    assert processed(text)["Resources"] == {"R10001": {"Type": "T", "Properties": {"P": "10.0.0.1"}}}


def test_an_item_is_no_variable_of_a_substitution() -> None:
    text = LOOPS + "Resources: {'Fn::ForEach::L': [I, !Ref Names, {'R&{I}': {Type: T, Properties: {P: !Sub 'a${I}'}}}]}"
    found = processed(text, Names=["${Secret}"])
    assert found["Resources"]["RSecret"]["Properties"] == {"P": {"Fn::Sub": "a${!Secret}"}}


def test_policies_and_names_may_be_functions_of_parameters() -> None:
    text = LOOPS + (
        "Parameters: {Stage: {Type: String}, Policy: {Type: String}}\n"
        "Conditions: {Prod: !Equals [!Ref Stage, prod]}\n"
        "Mappings: {M: {Condition: {A: Prod}}}\n"
        "Resources:\n"
        "  A:\n"
        "    Type: AWS::S3::Bucket\n"
        "    DeletionPolicy: !If [Prod, Retain, Delete]\n"
        "    UpdateReplacePolicy: !Ref Policy\n"
        "    Condition: {'Fn::FindInMap': [M, Condition, A, {DefaultValue: !Ref 'AWS::NoValue'}]}\n"
        "  B:\n"
        "    Type: AWS::S3::Bucket\n"
        "    Condition: {'Fn::FindInMap': [M, Condition, B, {DefaultValue: !Ref 'AWS::NoValue'}]}\n"
        "    Properties: {BucketName: {Ref: {'Fn::Sub': 'A'}}}\n"
    )
    given = [
        {"ParameterKey": "Stage", "ParameterValue": "prod"},
        {"ParameterKey": "Policy", "ParameterValue": "Retain"},
    ]
    found = proposal(text, Capabilities=EXPAND, Parameters=given).template.resources
    assert (found["A"].deletion_policy, found["A"].replace_policy, found["A"].condition) == ("Retain", "Retain", "Prod")
    assert (found["B"].condition, found["B"].properties) == ("", {"BucketName": {"Ref": "A"}})


def test_the_other_functions_are_evaluated() -> None:
    text = LOOPS + (
        "Parameters: {Names: {Type: CommaDelimitedList}}\n"
        "Resources: {'Fn::ForEach::L': [I, !Ref Names, {'R${I}': {Type: AWS::SQS::Queue, Properties: "
        "{DelaySeconds: {'Fn::Length': !Ref Names}, P: {'Fn::ToJsonString': {Name: !Ref I}}}}}]}\n"
    )
    given = [{"ParameterKey": "Names", "ParameterValue": "A,B"}]
    found = proposal(text, Capabilities=EXPAND, Parameters=given)
    evaluation: Evaluation = found.evaluation
    resolved = evaluation.resolve(found.template.resources["RB"].properties, None)  # type: ignore[arg-type]
    assert resolved == {"DelaySeconds": 2, "P": '{"Name":"B"}'}


def nested_loops(number: int) -> str:
    fragment = "{R: {Type: T}}"
    for loop in range(number):
        fragment = f"{{'Fn::ForEach::L{loop}': [I{loop}, [a], {fragment}]}}"
    return f"{LOOPS}Resources: {fragment}"


@pytest.mark.parametrize(
    ("loop", "message"),
    [
        ("[I, [a]]", "Fn::ForEach::L layout is incorrect"),
        ("{I: [a]}", "Fn::ForEach::L layout is incorrect"),
        ("[1, [a], {}]", "Fn::ForEach::L layout is incorrect"),
        ("['I-', [a], {}]", "Fn::ForEach::L layout is incorrect"),
        ("[I, a, {}]", "Fn::ForEach::L layout is incorrect"),
        ("[I, [[a]], {}]", "Fn::ForEach::L layout is incorrect"),
        ("[I, [a], []]", "Fn::ForEach::L layout is incorrect"),
        ("[Names, [a], {}]", "Fn::ForEach::L layout is incorrect"),
        ("[I, !GetAtt [R, Names], {}]", "Template error: Cannot use Fn::GetAtt in Resources."),
        ("[I, [a, b], {R: {Type: T}}]", "Duplicate key 'R' when merging keys to parent object in Fn::ForEach"),
        ("[I, [a, b], {'R${I}': {Type: T}, Ra: {Type: T}}]",
         "Duplicate key 'Ra' when merging keys to parent object in Fn::ForEach"),
    ],
)  # fmt: skip
def test_a_loop_that_is_none_is_refused(loop: str, message: str) -> None:
    assert refused(f"{LOOPS}Resources: {{'Fn::ForEach::L': {loop}}}", Names=["a"]) == FAILED + message


def test_loops_are_nested_five_deep_at_most() -> None:
    assert processed(nested_loops(5))["Resources"] == {"R": {"Type": "T"}}
    assert refused(nested_loops(6)) == FAILED + "Fn::ForEach may be nested at most 5 deep"


def test_loops_end() -> None:
    items = ",".join(f"i{number}" for number in range(1000))
    fragment = "{}"
    for loop in range(5):
        fragment = f"{{'Fn::ForEach::L{loop}': [I{loop}, [{items}], {fragment}]}}"
    assert refused(f"{LOOPS}Resources: {fragment}") == FAILED + "Transformation data limit exceeded"


def test_a_result_is_no_larger_than_a_template_may_be() -> None:
    items = ",".join(f"i{number}" for number in range(200))
    resource = f"{{'R${{I}}': {{Type: T, Properties: {{P: {'x' * 6000}}}}}}}"
    message = refused(f"{LOOPS}Resources: {{'Fn::ForEach::L': [I, [{items}], {resource}]}}")
    assert message == "Template may not exceed 1048576 bytes in size."


def test_a_loop_takes_the_transform() -> None:
    with pytest.raises(Fault, match="Template format error"):
        proposal("Resources: {'Fn::ForEach::L': [I, [a], {'R${I}': {Type: T}}]}", Capabilities=EXPAND)


def test_transforms_are_applied_in_the_order_in_which_they_are_listed() -> None:
    text = (
        "Resources: {'Fn::ForEach::L': [I, [A, B], {'F${I}': {Type: AWS::Serverless::SimpleTable}}]}\n"
        "Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]\n"
    )
    assert types(processed(text)) == ["DynamoDB::Table", "DynamoDB::Table"]


# -- AWS::Include --------------------------------------------------------------------------------------------


def include(location: str) -> str:
    return f"{{Name: 'AWS::Include', Parameters: {{Location: {location}}}}}"


def within(location: str) -> str:
    return f"Resources: {{A: {{Type: T}}, 'Fn::Transform': {include(location)}}}\n"


BUCKET = '{"B": {"Type": "AWS::S3::Bucket"}}'


def test_a_snippet_is_behind_what_is_there() -> None:
    found = processed(within("s3://bucket/a/b.json"), {"bucket/a/b.json": BUCKET})
    assert found == {"Resources": {"A": {"Type": "T"}, "B": {"Type": "AWS::S3::Bucket"}}}
    assert list(found["Resources"]) == ["A", "B"]


def test_snippets_are_yaml_too_and_anywhere_in_the_template() -> None:
    text = (
        f"Mappings: {{'Fn::Transform': {include('s3://bucket/m')}}}\n"
        f"Resources: {{A: {{Type: T, Properties: {{L: [!Transform {include('s3://bucket/p')}]}}}}}}\n"
    )
    found = processed(text, {"bucket/m": "M:\n  K: {V: 1}\n", "bucket/p": "When: 2012-10-17\nRef: A\n"})
    assert found["Mappings"] == {"M": {"K": {"V": 1}}}
    assert found["Resources"]["A"]["Properties"] == {"L": [{"When": "2012-10-17", "Ref": "A"}]}


def test_a_snippet_is_included_at_the_top() -> None:
    text = f"Transform: {include('s3://bucket/top')}\nResources: {{A: {{Type: T}}}}\n"
    found = processed(text, {"bucket/top": f'{{"Resources": {BUCKET}, "Outputs": {{"O": {{"Value": 1}}}}}}'})
    assert found == {
        "Resources": {"A": {"Type": "T"}, "B": {"Type": "AWS::S3::Bucket"}},
        "Outputs": {"O": {"Value": 1}},
    }


def test_what_is_included_is_transformed() -> None:
    text = within("s3://bucket/f").replace("A: {Type: T}, ", "") + SAM
    found = processed(text, {"bucket/f": json.dumps(decoded(FUNCTION))})
    assert types(found) == ROLE_AND_FUNCTION


def test_a_location_may_be_a_function_of_parameters() -> None:
    found = processed(within("!Sub 's3://${Bucket}/k'"), {"bucket/k": BUCKET}, Bucket="bucket")
    assert "B" in found["Resources"]


@pytest.mark.parametrize("location", ["https://bucket/k", "s3://bucket", "[s3://bucket/k]", "!Ref Nope", "s3://B/k"])
def test_a_location_is_an_object_of_s3(location: str) -> None:
    assert refused(within(location)) == LOCATION


def test_an_include_has_a_location() -> None:
    assert refused("Resources: {'Fn::Transform': {Name: 'AWS::Include'}}") == LOCATION
    assert refused("Transform: AWS::Include\nResources: {A: {Type: T}}") == LOCATION


@pytest.mark.parametrize(
    "content",
    ["", "[]", "text", "{", "A: !Ref B", "A: &a {}\nB: *a", json.dumps({"Fn::Transform": {"Name": "AWS::Include"}}),
     "[" * 300 + "]" * 300, '{"A":' * 3000, "? {a: b}\n: c"],
)  # fmt: skip
def test_a_snippet_is_key_value_pairs(content: str) -> None:
    assert refused(within("s3://bucket/k"), {"bucket/k": content}) == CONTENT


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault("NoSuchBucket", "The specified bucket does not exist", 404), "S3 bucket [bucket] does not exist."),
        (Fault("NoSuchKey", "The specified key does not exist.", 404), "The specified key does not exist."),
        (Fault("AccessDenied", "Access Denied", 403), "Access Denied"),
    ],
)
def test_what_s3_refuses_is_told(fault: Fault, message: str) -> None:
    assert refused(within("s3://bucket/k"), {"bucket/k": fault}) == INCLUDE + message


@pytest.mark.parametrize(
    ("text", "snippet", "message"),
    [
        (within("s3://bucket/k"), '{"A": {"Type": "T"}}', "Duplicate key 'A' when merging keys to parent object."),
        (
            f"Transform: {include('s3://bucket/k')}\nResources: {{A: {{Type: T}}}}",
            '{"Resources": {"A": {"Type": "T"}}}',
            "Duplicate key 'A' when merging keys to parent object.",
        ),
        (
            f"Transform: {include('s3://bucket/k')}\nResources: {{A: {{Type: T}}}}",
            '{"Parameters": {"A": {"Type": "String"}}}',
            "Parameters cannot be included.",
        ),
    ],
)
def test_a_snippet_replaces_nothing(text: str, snippet: str, message: str) -> None:
    assert refused(text, {"bucket/k": snippet}) == INCLUDE + message


def test_what_is_included_is_bounded() -> None:
    one = include("s3://bucket/k")
    text = f"Resources: {{A: {{Type: T, Properties: {{P: [{','.join([f'!Transform {one}'] * 50)}]}}}}}}"
    snippet = json.dumps({"A": "x" * 100_000})
    assert refused(text, {"bucket/k": snippet}) == "Transformation data limit exceeded"
    many = ",".join(f"!Transform {include(f's3://bucket/{number}')}" for number in range(51))
    objects = {f"bucket/{number}": BUCKET for number in range(51)}
    message = "A template may not include more than 50 objects."
    assert refused(f"Resources: {{A: {{Type: T, Properties: {{P: [{many}]}}}}}}", objects) == message


# -- names and capabilities ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Transform: MyMacro\nResources: {A: {Type: T}}", f"No transform named {ACCOUNT}::MyMacro found."),
        (
            f"Transform: [{SAM.split()[1]}, Other]\nResources: {{A: {{Type: T}}}}",
            f"No transform named {ACCOUNT}::Other found.",
        ),
        ("Resources: {A: {Type: T, 'Fn::Transform': [{Name: Inner}]}}", f"No transform named {ACCOUNT}::Inner found."),
        (
            "Resources: {'Fn::Transform': {Name: 'AWS::LanguageExtensions'}}",
            "Template error: transform AWS::LanguageExtensions must be declared in the Transform section.",
        ),
        (
            "Resources: {'Fn::Transform': {Parameters: {}}}",
            "Key Name of transform definition must be a string.",
        ),
        (
            "Transform: {Name: 1}\nResources: {A: {Type: T}}",
            "Template format error: Transform must be a string or a list of strings.",
        ),
    ],
)
def test_a_transform_that_there_is_not_is_refused(text: str, message: str) -> None:
    assert refused(text) == message


@pytest.mark.parametrize(
    "text",
    [function(""), f"{LOOPS}Resources: {{T: {{Type: AWS::S3::Bucket}}}}", within("s3://bucket/k").replace(": T", ": "
     "AWS::S3::Bucket")],
)  # fmt: skip
def test_transforms_are_acknowledged_except_for_change_sets(text: str) -> None:
    objects = {"bucket/k": BUCKET}
    with pytest.raises(Fault) as raised:
        proposal(text, objects, Capabilities=["CAPABILITY_NAMED_IAM"])
    assert raised.value.code == "InsufficientCapabilitiesException"
    assert raised.value.message == "Requires capabilities : [CAPABILITY_AUTO_EXPAND]"
    proposal(text, objects, Capabilities=EXPAND)
    proposal(text, objects, Capabilities=["CAPABILITY_NAMED_IAM"], ChangeSetName="c")


def test_what_a_transform_adds_takes_its_capability() -> None:
    with pytest.raises(Fault) as raised:
        proposal(function(""), Capabilities=["CAPABILITY_AUTO_EXPAND"])
    assert raised.value.message == "Requires capabilities : [CAPABILITY_IAM]"


@pytest.mark.parametrize("text", [function("Timeout: 9"), function("Nope: 1")])
def test_an_expansion_is_remembered_whatever_the_id_of_the_stack(text: str) -> None:
    """The verb runs beside the event loop first, and again in the transaction, where it has to be quick."""
    context, template = Plane("cloudformation", {}).context(), template_before(text)
    found = []
    for stack in ("one", "other"):
        before = transforms._processed.cache_info().misses
        try:
            next(transforms.expanded(context, template, {}, PSEUDO._replace(stack_id=stack)))
        except StopIteration as done:
            found.append(done.value)
        except Fault as fault:
            found.append(fault.message)
    assert found[0] == found[1]
    assert transforms._processed.cache_info().misses == before
