"""Attacks on the secrets of stacks: what a template takes from one is told nowhere, whichever way it takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.inprocess import InProcess
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
