"""Conditions, held against recordings of AWS's answers: what is made, what may refer to what is not, what is told."""

from __future__ import annotations

from typing import Any

import pytest

from support.inprocess import InProcess
from support.plane import refused
from support.stacks import Stacks, template

TOGGLE: dict[str, Any] = {
    "Parameters": {"Toggle": {"Type": "String", "Default": "no"}},
    "Conditions": {"On": {"Fn::Equals": [{"Ref": "Toggle"}, "yes"]}},
}
QUEUE: dict[str, Any] = {"Type": "AWS::SQS::Queue", "Condition": "On"}
UNRESOLVED = "Unresolved resource dependencies [Maybe] in the {} block of the template"


def parameter(value: Any, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}, **more}


def toggled(resources: dict[str, Any], **outputs: Any) -> str:
    return template(resources, **TOGGLE, **({"Outputs": outputs} if outputs else {}))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            toggled({"Maybe": QUEUE, "Always": parameter({"Ref": "Maybe"})}),
            "Template format error: " + UNRESOLVED.format("Resources"),
        ),
        (
            toggled({"Maybe": QUEUE, "Always": parameter({"Fn::GetAtt": ["Maybe", "QueueName"]})}),
            "Template format error: " + UNRESOLVED.format("Resources"),
        ),
        (
            toggled({"Maybe": QUEUE, "Always": parameter("x")}, Told={"Value": {"Ref": "Maybe"}}),
            UNRESOLVED.format("Outputs"),
        ),
    ],
    ids=["ref", "attribute", "output"],
)
def test_a_reference_to_what_is_not_made_is_refused_at_once(stacks: Stacks, body: str, message: str) -> None:
    names = {"StackName": "unresolved", "ChangeSetName": "first", "ChangeSetType": "CREATE"}
    fault = refused(stacks.client.create_change_set, TemplateBody=body, **names)
    assert (fault.code, fault.status, fault.message) == ("ValidationError", 400, message)
    assert refused(stacks.client.describe_stacks, StackName="unresolved").code == "ValidationError"


def test_what_is_not_made_and_its_outputs_may_refer_to_one_another(stacks: Stacks) -> None:
    body = toggled(
        {
            "Always": parameter("x"),
            "Maybe": parameter({"Fn::GetAtt": ["Always", "Value"]}, Condition="On"),
            "Other": parameter({"Fn::GetAtt": ["Maybe", "Value"]}, Condition="On"),
        },
        Told={"Condition": "On", "Value": {"Fn::GetAtt": ["Maybe", "Value"]}},
    )
    assert stacks.create("disabled", body) == "CREATE_COMPLETE"
    assert list(stacks.physical("disabled")) == ["Always"]
    assert "Outputs" not in stacks.told("disabled")
    chosen = [{"ParameterKey": "Toggle", "ParameterValue": "yes"}]
    assert stacks.create("enabled", body, Parameters=chosen) == "CREATE_COMPLETE"
    assert list(stacks.physical("enabled")) == ["Always", "Maybe", "Other"]
    assert stacks.outputs("enabled") == {"Told": "x"}


def test_a_branch_that_is_not_taken_may_refer_to_what_is_not_made(stacks: Stacks) -> None:
    chosen = {"Fn::If": ["On", {"Ref": "Maybe"}, "instead"]}
    body = toggled(
        {"Maybe": QUEUE, "Always": parameter(chosen, DependsOn="Maybe")},
        Told={"Value": chosen},
        Attribute={"Value": {"Fn::If": ["On", {"Fn::GetAtt": ["Maybe", "Arn"]}, "none"]}},
    )
    assert stacks.create("branches", body) == "CREATE_COMPLETE"
    assert list(stacks.physical("branches")) == ["Always"]
    assert stacks.outputs("branches") == {"Told": "instead", "Attribute": "none"}


NESTED = template(
    {
        "Base": {
            "Type": "AWS::SNS::Topic",
            "Condition": "Named",
            "Properties": {"TopicName": {"Ref": "Name"}},
        },
        "Extra": {
            "Type": "AWS::SNS::TopicPolicy",
            "Condition": "NamedInProduction",
            "Properties": {
                "Topics": [{"Ref": "Base"}],
                "PolicyDocument": {
                    "Statement": [
                        {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": {"Ref": "Base"}}
                    ]
                },
            },
        },
    },
    Parameters={"Stage": {"Type": "String", "AllowedValues": ["prod", "test"]}, "Name": {"Type": "String"}},
    Conditions={
        "Production": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
        "Named": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Name"}, ""]}]},
        "NamedInProduction": {"Fn::And": [{"Condition": "Production"}, {"Condition": "Named"}]},
    },
)


@pytest.mark.parametrize(
    ("stage", "name", "made"),
    [("test", "", []), ("test", "one", ["Base"]), ("prod", "", []), ("prod", "two", ["Base", "Extra"])],
)
def test_conditions_of_conditions(plane: InProcess, stacks: Stacks, stage: str, name: str, made: list[str]) -> None:
    stack = f"nested-{stage}-{bool(name)}"
    values = [{"ParameterKey": "Stage", "ParameterValue": stage}, {"ParameterKey": "Name", "ParameterValue": name}]
    names = {"StackName": stack, "ChangeSetName": "initial"}
    stacks.client.create_change_set(TemplateBody=NESTED, ChangeSetType="CREATE", Parameters=values, **names)
    plane.settle_stacks()
    told = stacks.client.describe_change_set(**names)
    assert (told["Status"], told["ExecutionStatus"], told.get("StatusReason")) == ("CREATE_COMPLETE", "AVAILABLE", None)
    assert [one["ResourceChange"]["LogicalResourceId"] for one in told["Changes"]] == made
    assert told["Capabilities"] == told["NotificationARNs"] == []
    stacks.client.execute_change_set(**names)
    assert stacks.settled(stack) == "CREATE_COMPLETE"
    assert list(stacks.physical(stack)) == made
    events = stacks.events(stack)
    assert events[:2] == [(stack, "REVIEW_IN_PROGRESS"), (stack, "CREATE_IN_PROGRESS")]
    assert [status for logical, status in events[2:-1]] == [
        "CREATE_IN_PROGRESS",
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
    ] * len(made)
    assert events[-1] == (stack, "CREATE_COMPLETE")
    one = stacks.told(stack)
    assert "LastUpdatedTime" in one
    assert {it["ParameterKey"]: it["ParameterValue"] for it in one["Parameters"]} == {"Stage": stage, "Name": name}


def test_a_condition_may_have_the_name_of_a_parameter(stacks: Stacks) -> None:
    body = template(
        {"Made": parameter({"Fn::If": ["Toggle", {"Ref": "Toggle"}, "off"]})},
        Parameters={"Toggle": {"Type": "String", "Default": "yes"}},
        Conditions={"Toggle": {"Fn::Equals": [{"Ref": "Toggle"}, "yes"]}},
        Outputs={"Told": {"Value": {"Fn::GetAtt": ["Made", "Value"]}}},
    )
    assert stacks.create("named-alike", body) == "CREATE_COMPLETE"
    assert stacks.outputs("named-alike") == {"Told": "yes"}


def test_functions_within_conditions(stacks: Stacks) -> None:
    region = stacks.client.meta.region_name
    body = template(
        {"Made": parameter("x", Condition="Same"), "Other": parameter("y", Condition="Suffixed")},
        Parameters={
            "Name": {"Type": "String", "Default": f"a-{region}"},
            "Start": {"Type": "String", "Default": "a"},
            "Many": {"Type": "CommaDelimitedList", "Default": "b,c"},
        },
        Conditions={
            "Same": {"Fn::Equals": [{"Ref": "Name"}, {"Fn::Sub": "${Start}-${AWS::Region}"}]},
            "Suffixed": {
                "Fn::And": [
                    {"Condition": "Same"},
                    {"Fn::Equals": [{"Fn::Select": [1, {"Ref": "Many"}]}, "c"]},
                    {"Fn::Equals": [{"Fn::Join": ["", {"Ref": "Many"}]}, "bc"]},
                ]
            },
        },
    )
    assert stacks.create("functions", body) == "CREATE_COMPLETE"
    assert list(stacks.physical("functions")) == ["Made", "Other"]


def test_conditions_may_come_with_an_update(stacks: Stacks) -> None:
    assert stacks.create("conditioned", template({"First": parameter("x")})) == "CREATE_COMPLETE"
    body = template(
        {
            "First": parameter("x"),
            "Second": parameter("y", Condition="On"),
            "Third": parameter("z", Condition="Off"),
        },
        Conditions={"On": {"Fn::Equals": ["a", "a"]}, "Off": {"Fn::Not": [{"Condition": "On"}]}},
    )
    assert stacks.update("conditioned", body) == "UPDATE_COMPLETE"
    assert list(stacks.physical("conditioned")) == ["First", "Second"]
