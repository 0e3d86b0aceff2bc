"""State machines and activities of Step Functions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Properties, Provider, Request, Resource, Work
from locum.services.cloudformation.providers.steps import Steps, lenient, without
from locum.services.cloudformation.providers.table import Call, Change, Listing, Name, Part, Row, Shown, Tags, provider

_SERVICE: Final = "stepfunctions"
_TAGS: Final = Tags(
    Call("TagResource", {"resourceArn": "{id}", "tags": "{tags}"}),
    Call("UntagResource", {"resourceArn": "{id}", "tagKeys": "{keys}"}),
    member="tags",
    key="key",
    value="value",
)
_TOLD_TAGS: Final = (Part("Tags", Call("ListTagsForResource", {"resourceArn": "{id}"}), "tags"),)
_DEFINITION: Final = ("Definition", "DefinitionS3Location", "DefinitionString", "DefinitionSubstitutions")
_MACHINE_TAKES: Final = "Definition EncryptionConfiguration LoggingConfiguration RoleArn TracingConfiguration"


def _arn(kind: str, name: str, resource: Resource) -> str:
    partition = resource.stack_arn.split(":")[1]
    return f"arn:{partition}:states:{resource.region}:{resource.account}:{kind}:{name}"


def _machine_arn(resource: Resource) -> str:
    return _arn("stateMachine", resource.properties.get("StateMachineName") or resource.name(80), resource)


_MACHINE: Final = Row(
    _SERVICE,
    Call("CreateStateMachine", takes=f"type=StateMachineType {_MACHINE_TAKES}"),
    "{c.stateMachineArn}",
    (Call("DeleteStateMachine", {"stateMachineArn": "{id}"}),),
    attributes={"Arn": "{id}", "Name": "{r.name}", "StateMachineRevisionId": "{r.revisionId}"},
    name=Name("StateMachineName", 80, member="name"),
    tags=_TAGS,
    read=Call("DescribeStateMachine", {"stateMachineArn": "{id}"}),
    exists=frozenset({"StateMachineAlreadyExists"}),
    adopted=_machine_arn,
    settings=(
        Change(
            Call("UpdateStateMachine", {"stateMachineArn": "{id}"}, _MACHINE_TAKES),
            defaults={
                "LoggingConfiguration": {"level": "OFF"},
                "TracingConfiguration": {"enabled": False},
                "EncryptionConfiguration": {"type": "AWS_OWNED_KEY"},
            },
        ),
    ),
    shown=Shown(
        hides="Definition",
        parts=_TOLD_TAGS,
        lists=Listing(Call("ListStateMachines"), "stateMachines", "{item.stateMachineArn}"),
    ),
)
_OF_MACHINE: Final = provider(_MACHINE)


def _defined(properties: Properties) -> Steps[dict[str, Any]]:
    """Properties of a state machine with one definition, in which all is substituted."""
    made = without(properties, _DEFINITION)
    given = properties.get("Definition", properties.get("DefinitionString"))
    if "DefinitionS3Location" in properties:
        given = yield from _stored(properties["DefinitionS3Location"])
    if given is None:
        raise Fault("InvalidRequest", "Property validation failure: one definition of the state machine is required")
    text = given if isinstance(given, str) else json.dumps(given)
    for name, value in (properties.get("DefinitionSubstitutions") or {}).items():
        text = text.replace(f"${{{name}}}", value if isinstance(value, str) else json.dumps(value))
    return {**made, "Definition": text}


def _stored(location: Mapping[str, Any]) -> Steps[str]:
    """A definition that is an object of S3. Those in YAML are refused by Step Functions."""
    params = {"Bucket": location["Bucket"], "Key": location["Key"]}
    params |= {"VersionId": location["Version"]} if "Version" in location else {}
    body = (yield Request("s3", "GetObject", params)).get("Body", b"")
    content = body if isinstance(body, (bytes, bytearray)) else body.read()
    return bytes(content).decode()


def _create_machine(resource: Resource) -> Work:
    properties = yield from _defined(resource.properties)
    return (yield from _OF_MACHINE.create(replace(resource, properties=properties)))


def _update_machine(resource: Resource, before: Properties) -> Work:
    properties = yield from _defined(resource.properties)
    former = without(before, _DEFINITION)
    if all(before.get(name) == resource.properties.get(name) for name in _DEFINITION):
        former["Definition"] = properties["Definition"]
    assert _OF_MACHINE.update is not None
    return (yield from _OF_MACHINE.update(replace(resource, properties=properties), former))


_ACTIVITY: Final = Row(
    _SERVICE,
    Call("CreateActivity", takes="EncryptionConfiguration"),
    "{c.activityArn}",
    (Call("DeleteActivity", {"activityArn": "{id}"}),),
    attributes={"Arn": "{id}", "Name": "{name}"},
    name=Name("Name", 80),
    tags=_TAGS,
    exists=frozenset({"ActivityAlreadyExists"}),
    adopted=lambda resource: _arn("activity", resource.properties["Name"], resource),
    shown=Shown(
        Call("DescribeActivity", {"activityArn": "{id}"}),
        "",
        parts=_TOLD_TAGS,
        lists=Listing(Call("ListActivities"), "activities", "{item.activityArn}"),
    ),
)

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::StepFunctions::Activity": lenient(provider(_ACTIVITY), "ActivityDoesNotExist"),
    "AWS::StepFunctions::StateMachine": lenient(
        _OF_MACHINE._replace(create=_create_machine, update=_update_machine), "StateMachineDoesNotExist"
    ),
}
