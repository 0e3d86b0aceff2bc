"""Attacks on the secrets of stacks: what a template takes from one is told nowhere, whichever way it takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.inprocess import InProcess
from support.plane import allow, refused
from support.stack_sets import StackSets
from support.stacks import Stacks, template

SECRET = "sesame-of-stacks"
PARAMETERS = {"P": {"Type": "String", "NoEcho": True}}
GIVEN = [{"ParameterKey": "P", "ParameterValue": SECRET}]


def parameter(value: Any, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value, **more}}


@pytest.mark.parametrize("way", ["parameter", "reference"])
def test_the_attribute_of_a_resource_that_has_a_secret_discloses_it_in_no_event_and_no_change_set(
    plane: InProcess, way: str
) -> None:
    stacks = Stacks(plane)
    if way == "reference":
        plane.client("secretsmanager").create_secret(Name="of-events", SecretString=SECRET)
    source = {"parameter": {"Ref": "P"}, "reference": "{{resolve:secretsmanager:of-events}}"}[way]
    resources = {
        "First": parameter(source),
        "Second": parameter({"Fn::GetAtt": ["First", "Value"]}),
        "Third": parameter({"Fn::Sub": "a ${Second.Value}"}),
    }
    given: dict[str, Any] = {"Parameters": GIVEN}
    assert stacks.create(way, template(resources, Parameters=PARAMETERS), **given) == "CREATE_COMPLETE"
    third = plane.client("ssm").get_parameter(Name=stacks.physical(way)["Third"])["Parameter"]
    assert third["Value"] == f"a {SECRET}"
    changed = {**resources, "Third": parameter({"Fn::Sub": "b ${Second.Value}"})}
    made = stacks.client.create_change_set(
        StackName=way, ChangeSetName="c", TemplateBody=template(changed, Parameters=PARAMETERS), Parameters=GIVEN
    )
    told = [
        stacks.client.describe_change_set(ChangeSetName=made["Id"], IncludePropertyValues=True),
        stacks.client.describe_stack_events(StackName=way),
    ]
    assert SECRET not in json.dumps(told, default=str)
    assert stacks.delete(way) == "DELETE_COMPLETE"


def test_who_may_propose_but_not_update_is_not_told_a_secret_by_another_template(plane: InProcess) -> None:
    stacks = Stacks(plane)
    body = template({"First": parameter({"Ref": "P"})}, Parameters=PARAMETERS)
    assert stacks.create("proposed", body, Parameters=GIVEN) == "CREATE_COMPLETE"
    reviewer = plane.client(
        "cloudformation",
        plane.user("reviewer", allow(["cloudformation:CreateChangeSet", "cloudformation:DescribeChangeSet"])),
    )
    open_parameter = {"P": {"Type": "String"}}
    changed = template({"First": parameter({"Fn::Sub": "x ${P}"})}, Parameters=open_parameter)
    again = [{"ParameterKey": "P", "UsePreviousValue": True}]
    made = reviewer.create_change_set(StackName="proposed", ChangeSetName="c", TemplateBody=changed, Parameters=again)
    told = reviewer.describe_change_set(ChangeSetName=made["Id"], IncludePropertyValues=True)
    assert SECRET not in json.dumps(told, default=str)
    mapped = template(
        {"First": parameter({"Fn::FindInMap": ["M", {"Ref": "P"}, "k"]})},
        Parameters=open_parameter,
        Mappings={"M": {"a": {"k": "v"}}},
    )
    wanted = {"StackName": "proposed", "ChangeSetName": "d", "TemplateBody": mapped, "Parameters": again}
    assert SECRET not in refused(reviewer.create_change_set, **wanted).message
    assert stacks.delete("proposed") == "DELETE_COMPLETE"


def test_the_secret_of_a_stack_set_is_not_told_by_another_template(plane: InProcess) -> None:
    sets = StackSets(plane)
    sets.make("secretive", template({"First": parameter({"Ref": "P"})}, Parameters=PARAMETERS), Parameters=GIVEN)
    shown = template({"First": parameter({"Ref": "P"})}, Parameters={"P": {"Type": "String"}})
    sets.change("secretive", TemplateBody=shown, Parameters=[{"ParameterKey": "P", "UsePreviousValue": True}])
    assert SECRET not in json.dumps(sets.client.describe_stack_set(StackSetName="secretive"), default=str)
