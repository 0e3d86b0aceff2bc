"""Systems Manager: parameters."""

from __future__ import annotations

from typing import Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Properties, Provider
from locum.services.cloudformation.providers.table import Call, Change, Listing, Name, Part, Row, Shown, Tags, provider

_PARAMETER: Final = {"ResourceType": "Parameter", "ResourceId": "{id}"}
_MEMBERS: Final = "AllowedPattern DataType Description Policies Tier Type Value"


def _shaped(properties: Properties) -> Properties:
    """The properties. Template Reference: "CloudFormation doesn't support creating a SecureString parameter type"."""
    if properties.get("Type") == "SecureString":
        raise Fault("InvalidRequest", "SecureString parameters are not supported by AWS::SSM::Parameter")
    return properties


_PARAMETERS: Final = Row(
    service="ssm",
    create=Call("PutParameter", takes=_MEMBERS),
    name=Name("Name", 1011, head="CFN"),
    tags=Tags(
        add=Call("AddTagsToResource", {**_PARAMETER, "Tags": "{tags}"}),
        remove=Call("RemoveTagsFromResource", {**_PARAMETER, "TagKeys": "{keys}"}),
    ),
    exists=frozenset({"ParameterAlreadyExists"}),
    read=Call("GetParameters", {"Names": ["{name}"]}),
    physical="{name}",
    attributes={"Arn": "{r.Parameters.0.ARN}", "Type": "{p.Type}", "Value": "{p.Value}"},
    settings=(
        Change(
            Call("PutParameter", {"Name": "{id}", "Overwrite": True}, _MEMBERS),
            defaults={"AllowedPattern": "", "Description": "", "Policies": "[]"},
        ),
    ),
    deletes=(Call("DeleteParameter", {"Name": "{id}"}),),
    shaped=_shaped,
    shown=Shown(
        at="Parameters.0",
        parts=(
            Part(
                "Description",
                Call("DescribeParameters", {"ParameterFilters": [{"Key": "Name", "Values": ["{id}"]}]}),
                "Parameters.0.Description",
            ),
            Part(
                "Tags",
                Call("ListTagsForResource", {"ResourceType": "Parameter", "ResourceId": "{id}"}),
                "TagList",
            ),
        ),
        lists=Listing(Call("DescribeParameters"), "Parameters", "{item.Name}"),
    ),
)

PROVIDERS: Final[dict[str, Provider]] = {"AWS::SSM::Parameter": provider(_PARAMETERS)}
