"""Templates, held against recordings of AWS's answers: what is refused and how, what functions give, summaries."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.inprocess import InProcess
from support.plane import refused
from support.stacks import Stacks, template

TOPIC: dict[str, Any] = {"Type": "AWS::SNS::Topic"}
FORMAT = "Template format error: "


def parameter(value: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}


# -- what is refused ------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "null": (
        {"Resources": {"T": TOPIC}, "Outputs": {"Told": {"Value": None}}},
        "[/Outputs/Told/Value] 'null' values are not allowed in templates",
    ),
    "nulls": (
        {"Resources": {"T": TOPIC}, "Outputs": {"Told": {"Value": None, "Other": None}}},
        "[/Outputs/Told/Value] 'null' values are not allowed in templates",
    ),
    "no-value": (
        {"Resources": {"T": TOPIC}, "Outputs": {"Told": {}}},
        FORMAT + "Every Outputs member must contain a Value object",
    ),
    "no-resources": ({}, FORMAT + "At least one Resources member must be defined."),
    "text-of-resources": ({"Resources": "", "Outputs": ""}, FORMAT + "Any Resources member must be an object."),
    "no-type": (
        {"Resources": {"A": {"Properties": {}}}},
        FORMAT + "[/Resources/A] Every Resources object must contain a Type member.",
    ),
    "strange-member": ({"Resources": {"A": TOPIC | {"Strange": 10}}}, "Invalid template resource property 'Strange'"),
    "name": ({"Resources": {"not-a-name": TOPIC}}, FORMAT + "Resource name not-a-name is non alphanumeric."),
    "depends-on-nothing": (
        {"Resources": {"A": TOPIC | {"DependsOn": "Nothing"}}},
        FORMAT + "Unresolved resource dependencies [Nothing] in the Resources block of the template",
    ),
    "equals-of-one": (
        {"Conditions": {"C": {"Fn::Equals": ["a"]}}, "Resources": {"T": TOPIC}},
        "Template error: every Fn::Equals object requires a list of 2 string parameters.",
    ),
    "equals-of-lists": (
        {
            "Parameters": {"Many": {"Type": "CommaDelimitedList", "Default": "a,b"}},
            "Conditions": {"C": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Many"}, ""]}]}},
            "Resources": {"T": TOPIC},
        },
        "Template error: every Fn::Equals object requires a list of 2 string parameters.",
    ),
    "output-of-nothing": (
        {"Resources": {"T": TOPIC}, "Outputs": {"Told": {"Value": {"Ref": "Nothing"}}}},
        "Unresolved resource dependencies [Nothing] in the Outputs block of the template",
    ),
    "shallow-mapping": (
        {"Mappings": {"M": {"a": "b"}}, "Resources": {"T": TOPIC}},
        FORMAT + "Every Mappings member a must be a map",
    ),
    "deep-mapping": (
        {"Mappings": {"M": {"a": {"b": {"c": "d"}}}}, "Resources": {"T": TOPIC}},
        FORMAT + "Every Mappings attribute must be a String or a List.",
    ),
    "function-in-mapping": (
        {"Mappings": {"M": {"a": {"b": {"Ref": "AWS::Region"}}}}, "Resources": {"T": TOPIC}},
        FORMAT + "Every Mappings attribute must be a String or a List.",
    ),
}


@pytest.mark.parametrize(("body", "message"), REFUSED.values(), ids=REFUSED)
def test_a_template_is_refused_by_every_call_that_takes_it(stacks: Stacks, body: dict[str, Any], message: str) -> None:
    text = json.dumps(body)
    calls: list[tuple[Any, dict[str, str]]] = [
        (stacks.client.validate_template, {}),
        (stacks.client.create_stack, {"StackName": "refused"}),
        (
            stacks.client.create_change_set,
            {"StackName": "refused", "ChangeSetName": "first", "ChangeSetType": "CREATE"},
        ),
    ]
    for call, names in calls:
        fault = refused(call, TemplateBody=text, **names)
        assert (fault.code, fault.status, fault.message) == ("ValidationError", 400, message)


def test_a_key_that_a_mapping_does_not_have_is_told_at_once(stacks: Stacks) -> None:
    body = template(
        {"Made": parameter({"Fn::FindInMap": ["Suffixes", {"Ref": "Key"}, "Suffix"]})},
        Mappings={"Suffixes": {"A": {"Suffix": "a"}}},
        Parameters={"Key": {"Type": "String", "Default": "C"}},
    )
    names = {"StackName": "mapped", "ChangeSetName": "first", "ChangeSetType": "CREATE"}
    fault = refused(stacks.client.create_change_set, TemplateBody=body, **names)
    assert (fault.code, fault.message) == (
        "ValidationError",
        "Template error: Unable to get mapping for Suffixes::C::Suffix",
    )


def test_a_branch_that_is_not_taken_is_not_looked_at(stacks: Stacks) -> None:
    found = {"Fn::FindInMap": ["Suffixes", "C", "Suffix"]}
    body = template(
        {"Made": parameter({"Fn::If": ["Never", found, "taken"]}), "Other": parameter(found) | {"Condition": "Never"}},
        Mappings={"Suffixes": {"A": {"Suffix": "a"}}},
        Conditions={"Never": {"Fn::Equals": ["a", "b"]}},
    )
    assert stacks.create("branch", body) == "CREATE_COMPLETE"


def test_an_attribute_that_a_type_does_not_have_fails_the_stack_before_anything_is_made(stacks: Stacks) -> None:
    body = template({"Made": parameter("x")}, Outputs={"Told": {"Value": {"Fn::GetAtt": ["Made", "Strange"]}}})
    names = {"StackName": "attribute", "ChangeSetName": "first", "ChangeSetType": "CREATE"}
    made = stacks.client.create_change_set(TemplateBody=body, **names)
    stacks.client.execute_change_set(ChangeSetName=made["Id"])
    assert stacks.settled("attribute") == "ROLLBACK_COMPLETE"
    assert stacks.events("attribute") == [
        ("attribute", "REVIEW_IN_PROGRESS"),
        ("attribute", "CREATE_IN_PROGRESS"),
        ("attribute", "ROLLBACK_IN_PROGRESS"),
        ("attribute", "ROLLBACK_COMPLETE"),
    ]
    assert stacks.reason("attribute", "attribute", "ROLLBACK_IN_PROGRESS") == (
        "[Error] /Outputs/Told/Value/Fn::GetAtt: Resource type AWS::SSM::Parameter does not support attribute "
        "{Strange}. Rollback requested by user."
    )


def test_a_parameter_of_systems_manager_without_a_value_is_refused_by_its_name(stacks: Stacks) -> None:
    kinds = {"AWS::SSM::Parameter::Value<String>": "Parameter Read should either have input value or default value"}
    kinds["String"] = "Parameters: [Read] must have values"
    for kind, message in kinds.items():
        body = template({"Made": parameter({"Ref": "Read"})}, Parameters={"Read": {"Type": kind}})
        fault = refused(stacks.client.create_stack, StackName="valueless", TemplateBody=body)
        assert (fault.code, fault.message) == ("ValidationError", message)


def test_what_begins_as_json_is_refused_as_json(stacks: Stacks) -> None:
    fault = refused(stacks.client.validate_template, TemplateBody='{"this is"="no JSON"}')
    assert (fault.code, fault.message) == ("ValidationError", FORMAT + "JSON not well-formed. (line 1, column 12)")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://of-nobody/made.yaml", "S3 error: Domain name specified in of-nobody is not a valid S3 domain"),
        ("https://example.com/made.yaml", "TemplateURL must be a supported URL."),
    ],
)
def test_a_template_url_is_one_of_s3(stacks: Stacks, url: str, message: str) -> None:
    fault = refused(stacks.client.create_stack, StackName="by-url", TemplateURL=url)
    assert (fault.code, fault.message) == ("ValidationError", message)


# -- what functions give --------------------------------------------------------------------------------------


def test_the_values_of_functions_in_outputs(stacks: Stacks) -> None:
    ref, name, value = {"Ref": "Made"}, {"Fn::GetAtt": ["Made", "Name"]}, {"Fn::GetAtt": "Made.Value"}
    outputs = {
        "Name": name,
        "Value": value,
        "Kind": {"Fn::GetAtt": ["Made", "Type"]},
        "Sub": {"Fn::Sub": "${Made} - ${Made.Value} - ${AWS::Region} - ${Given}"},
        "SubOfMap": {"Fn::Sub": ["${a}|${b}|${Given}", {"a": ref, "b": value}]},
        "Joined": {"Fn::Join": ["|", {"Ref": "List"}]},
        "JoinedOfNothing": {"Fn::Join": ["", [{"Ref": "AWS::NoValue"}]]},
        "JoinedWithNothing": {"Fn::Join": ["", [{"Ref": "AWS::NoValue"}, "Sample"]]},
        "JoinedByCondition": {"Fn::Join": ["", [{"Fn::If": ["Never", "no", {"Ref": "AWS::NoValue"}]}]]},
        "Id": {"Fn::Select": ["2", {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]},
    }
    body = template(
        {"Made": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "given", "Type": "String", "Value": "held"}}},
        Parameters={"Given": {"Type": "String", "Default": "text"}, "List": {"Type": "CommaDelimitedList"}},
        Conditions={"Never": {"Fn::Equals": ["a", "b"]}},
        Outputs={output: {"Value": one} for output, one in outputs.items()},
    )
    assert (
        stacks.create("functions", body, Parameters=[{"ParameterKey": "List", "ParameterValue": "foo,bar"}])
        == "CREATE_COMPLETE"
    )
    assert stacks.outputs("functions") == {
        "Name": "given",
        "Value": "held",
        "Kind": "String",
        "Sub": "given - held - us-east-1 - text",
        "SubOfMap": "given|held|text",
        "Joined": "foo|bar",
        "JoinedOfNothing": "",
        "JoinedWithNothing": "Sample",
        "JoinedByCondition": "",
        "Id": stacks.told("functions")["StackId"].rpartition("/")[2],
    }


def test_a_property_is_an_attribute(stacks: Stacks) -> None:
    topic = TOPIC | {"Properties": {"TopicName": "attributed", "DisplayName": "shown"}}
    told = {name: {"Value": {"Fn::GetAtt": ["Topic", name]}} for name in ("TopicName", "TopicArn", "DisplayName")}
    assert stacks.create("attributes", template({"Topic": topic}, Outputs=told)) == "CREATE_COMPLETE"
    arn = "arn:aws:sns:us-east-1:000000000000:attributed"
    assert stacks.outputs("attributes") == {"TopicName": "attributed", "TopicArn": arn, "DisplayName": "shown"}
    assert stacks.physical("attributes") == {"Topic": arn}


def test_values_become_what_the_service_takes(plane: InProcess, stacks: Stacks) -> None:
    queue = {
        "Type": "AWS::SQS::Queue",
        "Properties": {"QueueName": "converted.fifo", "FifoQueue": "true", "DelaySeconds": "2"},
    }
    assert stacks.create("converted", template({"Queue": queue})) == "CREATE_COMPLETE"
    sqs = plane.client("sqs")
    url = sqs.get_queue_url(QueueName="converted.fifo")["QueueUrl"]
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (told["FifoQueue"], told["DelaySeconds"], told["VisibilityTimeout"]) == ("true", "2", "30")


def test_exports_are_told_with_their_stack(stacks: Stacks) -> None:
    outputs = {f"Told{number}": {"Value": "held", "Export": {"Name": f"exports-{number}"}} for number in range(3)}
    stacks.create("exports", template({"Made": parameter("x")}, Outputs=outputs))
    told = stacks.client.list_exports()["Exports"]
    arn = stacks.told("exports")["StackId"]
    assert [it for it in told if it["ExportingStackId"] == arn] == [
        {"ExportingStackId": arn, "Name": f"exports-{number}", "Value": "held"} for number in range(3)
    ]


# -- summaries ------------------------------------------------------------------------------------------------


def test_a_summary_tells_of_resources_and_metadata(stacks: Stacks) -> None:
    body = template(
        {"Topic": TOPIC, "Bucket": {"Type": "AWS::S3::Bucket"}},
        AWSTemplateFormatVersion="2010-09-09",
        Metadata={"TopicName": "simple"},
    )
    told = stacks.client.get_template_summary(TemplateBody=body)
    assert (told["Version"], told["Metadata"], told["Parameters"]) == ("2010-09-09", "{'TopicName': 'simple'}", [])
    assert told["ResourceTypes"] == ["AWS::SNS::Topic", "AWS::S3::Bucket"]
    assert told["ResourceIdentifierSummaries"] == [
        {"ResourceType": "AWS::SNS::Topic", "LogicalResourceIds": ["Topic"]},
        {"ResourceType": "AWS::S3::Bucket", "LogicalResourceIds": ["Bucket"], "ResourceIdentifiers": ["BucketName"]},
    ]
    assert {"Capabilities", "CapabilitiesReason", "DeclaredTransforms", "Description"}.isdisjoint(told)


def test_a_stack_under_review_has_no_summary(stacks: Stacks) -> None:
    names = {"StackName": "reviewed", "ChangeSetName": "first", "ChangeSetType": "CREATE"}
    stacks.client.create_change_set(TemplateBody=template({"Topic": TOPIC}), **names)
    fault = refused(stacks.client.get_template_summary, StackName="reviewed")
    assert fault.message == "GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks."
    fault = refused(stacks.client.get_template_summary, TemplateBody="{}")
    assert fault.message == FORMAT + "At least one Resources member must be defined."


def test_a_parameter_is_validated_without_a_default_where_it_has_none(stacks: Stacks) -> None:
    key = {"Type": "AWS::EC2::KeyPair::KeyName", "Description": "A key"}
    told = stacks.client.validate_template(TemplateBody=template({"Topic": TOPIC}, Parameters={"Key": key}))
    assert told["Parameters"] == [{"ParameterKey": "Key", "NoEcho": False, "Description": "A key"}]
    assert {"Capabilities", "Description", "DeclaredTransforms"}.isdisjoint(told)


@pytest.mark.parametrize("text", ["Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n", template({"Topic": TOPIC})])
def test_a_template_is_given_back_as_it_was_given(stacks: Stacks, text: str) -> None:
    name = "yaml" if text.startswith("Resources") else "json"
    stacks.create(name, text)
    for stage in ("Original", "Processed"):
        told = stacks.client.get_template(StackName=name, TemplateStage=stage)
        assert told["StagesAvailable"] == ["Original", "Processed"]
        assert told["TemplateBody"] == (text if name == "yaml" else json.loads(text))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("\nResources:\nnot-a-pair\n", "line 4, column 1"),
        ("\n        One:\n    Two:\n        Three: 10\n    ", "line 3, column 5"),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_place(stacks: Stacks, text: str, where: str) -> None:
    names = {"StackName": "malformed", "ChangeSetName": "first", "ChangeSetType": "CREATE"}
    fault = refused(stacks.client.create_change_set, TemplateBody=text, **names)
    assert (fault.code, fault.message) == ("ValidationError", FORMAT + f"YAML not well-formed. ({where})")


def test_a_snippet_of_a_property_is_in_the_processed_template(plane: InProcess, stacks: Stacks) -> None:
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="snippets")
    s3.put_object(Bucket="snippets", Key="data.yaml", Body=b"Value: included\n")
    text = (
        "Parameters:\n  Name:\n    Type: String\nResources:\n  Made:\n    Type: AWS::SSM::Parameter\n    Properties:\n"
        "      Type: String\n      Fn::Transform:\n        Name: AWS::Include\n        Parameters:\n"
        "          Location: !Sub s3://${Name}/data.yaml\n"
    )
    given = [{"ParameterKey": "Name", "ParameterValue": "snippets"}]
    assert stacks.create("snippet", text, Parameters=given) == "CREATE_COMPLETE"
    told = {
        stage: stacks.client.get_template(StackName="snippet", TemplateStage=stage)["TemplateBody"]
        for stage in ("Original", "Processed")
    }
    assert told["Original"] == text
    assert told["Processed"] == {
        "Parameters": {"Name": {"Type": "String"}},
        "Resources": {"Made": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "included"}}},
    }


def test_a_template_with_a_transform_can_be_updated_to_itself(stacks: Stacks) -> None:
    body = template({"Made": parameter("x")}, Transform="AWS::LanguageExtensions")
    fault = refused(stacks.client.create_stack, StackName="transformed", TemplateBody=body)
    assert (fault.code, fault.message) == (
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_AUTO_EXPAND]",
    )
    assert stacks.create("transformed", body) == "CREATE_COMPLETE"
    assert stacks.update("transformed", body) == "UPDATE_COMPLETE"


def test_the_value_of_an_export_is_told_before_it_is_imported(stacks: Stacks) -> None:
    exporting = {"Told": {"Value": "exported-value", "Export": {"Name": "told-before"}}}
    stacks.create("exporting", template({"Made": parameter("x")}, Outputs=exporting))
    made = stacks.client.create_change_set(
        StackName="importing",
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=template({"Made": parameter({"Fn::ImportValue": "told-before"})}),
    )
    told = stacks.client.describe_change_set(ChangeSetName=made["Id"], IncludePropertyValues=True)
    context = json.loads(told["Changes"][0]["ResourceChange"]["AfterContext"])
    assert context == {"Properties": {"Type": "String", "Value": "exported-value"}}


def test_an_export_that_is_not_there_fails_the_stack_before_anything_is_made(stacks: Stacks) -> None:
    body = template({"Other": TOPIC, "Made": parameter({"Fn::ImportValue": {"Fn::Sub": "${AWS::StackName}-none"}})})
    assert stacks.create("imports-none", body) == "ROLLBACK_COMPLETE"
    assert stacks.events("imports-none") == [
        ("imports-none", "CREATE_IN_PROGRESS"),
        ("imports-none", "ROLLBACK_IN_PROGRESS"),
        ("imports-none", "ROLLBACK_COMPLETE"),
    ]
    reason = stacks.reason("imports-none", "imports-none", "ROLLBACK_IN_PROGRESS")
    assert reason == "No export named imports-none-none found. Rollback requested by user."


def test_an_update_with_an_export_that_is_not_there_goes_back(stacks: Stacks) -> None:
    assert stacks.create("imports-later", template({"Other": TOPIC})) == "CREATE_COMPLETE"
    body = template({"Other": TOPIC, "Made": parameter({"Fn::ImportValue": "nowhere"})})
    assert stacks.update("imports-later", body) == "UPDATE_ROLLBACK_COMPLETE"
    reason = stacks.reason("imports-later", "imports-later", "UPDATE_ROLLBACK_IN_PROGRESS")
    assert reason == "No export named nowhere found"
    assert "Made" not in stacks.physical("imports-later")


# -- capabilities ---------------------------------------------------------------------------------------------

NESTED = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://s3.amazonaws.com/b/k"}}
KEY = {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": {"Ref": "U"}}}


@pytest.mark.parametrize(
    ("resources", "capabilities", "kinds"),
    [
        ({"U": {"Type": "AWS::IAM::User"}, "K": KEY}, ["CAPABILITY_IAM"], "AWS::IAM::AccessKey, AWS::IAM::User"),
        ({"S": NESTED}, ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"], "AWS::CloudFormation::Stack"),
    ],
    ids=["sorted", "nested"],
)
def test_the_types_that_take_capabilities_are_told(
    stacks: Stacks, resources: dict[str, Any], capabilities: list[str], kinds: str
) -> None:
    for call in (stacks.client.validate_template, stacks.client.get_template_summary):
        told = call(TemplateBody=template(resources))
        assert told["Capabilities"] == capabilities
        assert told["CapabilitiesReason"] == f"The following resource(s) require capabilities: [{kinds}]"
