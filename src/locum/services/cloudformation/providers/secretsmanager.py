"""Secrets Manager: secrets, their policies, rotation, and what they are attached to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Properties, Provider, Request, Resource, Work
from locum.services.cloudformation.providers.secret_targets import ATTACHMENTS
from locum.services.cloudformation.providers.steps import Steps, without
from locum.services.cloudformation.providers.table import Call, Change, Each, Listing, Name, Row, Shown, Tags, provider

_REQUEST_ID: Final = "ClientRequestToken"
_SECRET: Final = {"SecretId": "{id}"}
_UPDATED: Final = {**_SECRET, _REQUEST_ID: f"{{p.{_REQUEST_ID}}}"}

_SECRETS: Final = Row(
    service="secretsmanager",
    create=Call("CreateSecret", {_REQUEST_ID: "{client_token}"}, "Description KmsKeyId SecretString Type"),
    name=Name("Name", 512),
    tags=Tags(
        add=Call("TagResource", {**_SECRET, "Tags": "{tags}"}),
        remove=Call("UntagResource", {**_SECRET, "TagKeys": "{keys}"}),
    ),
    exists=frozenset({"ResourceExistsException"}),
    read=Call("DescribeSecret", {"SecretId": "{id|name}"}),
    physical="{c.ARN|r.ARN}",
    attributes={"Id": "{it.ARN|id}"},
    settings=(
        Change(Call("UpdateSecret", _UPDATED, "Description KmsKeyId Type"), defaults={"Description": ""}),
        Change(Call("UpdateSecret", _UPDATED, "SecretString")),
    ),
    items=(
        Each(
            "ReplicaRegions",
            Call("ReplicateSecretToRegions", {**_SECRET, "AddReplicaRegions": ["{item}"]}),
            Call("RemoveRegionsFromReplication", {**_SECRET, "RemoveReplicaRegions": ["{item.Region}"]}),
            key="{item.Region}",
            replaced=True,
        ),
    ),
    deletes=(Call("DeleteSecret", {**_SECRET, "ForceDeleteWithoutRecovery": True}),),
    unused=frozenset({_REQUEST_ID}),
    shown=Shown(
        at="",
        hides="ReplicaRegions",
        told="Description KmsKeyId Tags",
        lists=Listing(Call("ListSecrets"), "SecretList", "{item.ARN}"),
    ),
)
"""Template Reference, "DeletionPolicy": secrets are deleted without recovery."""


def _secrets() -> Provider:
    """Secrets, whose values may be generated. Another `GenerateSecretString` generates another value."""
    row = provider(_SECRETS)
    row_update = row.update
    assert row_update is not None

    def create(resource: Resource) -> Work:
        return (yield from row.create(replace(resource, properties=(yield from _valued(resource.properties)))))

    def update(resource: Resource, before: Properties) -> Work:
        former, wanted = before.get(_GENERATE), resource.properties.get(_GENERATE)
        kept = without(resource.properties, [_GENERATE])
        properties = kept if wanted == former else (yield from _valued(resource.properties))
        token = {_REQUEST_ID: (yield from _next_version(resource))}
        wanted_now = replace(resource, properties={**properties, **token})
        return (yield from row_update(wanted_now, without(before, [_GENERATE])))

    return row._replace(create=create, update=update)


def _next_version(resource: Resource) -> Steps[str]:
    """The id of the version that follows the current one. It says nothing of its value."""
    answer = yield Request("secretsmanager", "DescribeSecret", {"SecretId": resource.physical})
    current = sorted(version for version, stages in answer.get("VersionIdsToStages", {}).items() if _CURRENT in stages)
    return sha256(f"{resource.client_token} {current}".encode()).hexdigest()


_CURRENT: Final = "AWSCURRENT"
_GENERATE: Final = "GenerateSecretString"
_AROUND: Final = ("GenerateStringKey", "SecretStringTemplate")


def _valued(properties: Properties) -> Steps[Properties]:
    """The properties, with a generated value in the place of how it is generated."""
    if _GENERATE not in properties:
        return properties
    if "SecretString" in properties:
        raise Fault("InvalidRequest", "You can't specify both SecretString and GenerateSecretString.")
    how: Mapping[str, Any] = properties[_GENERATE]
    given = [name for name in _AROUND if name in how]
    if len(given) == 1:
        raise Fault("InvalidRequest", "GenerateStringKey and SecretStringTemplate are given together, or neither is.")
    answer = yield Request("secretsmanager", "GetRandomPassword", without(how, _AROUND))
    value = answer["RandomPassword"]
    if given:
        value = json.dumps({**_template(how), how["GenerateStringKey"]: value})
    return {**without(properties, [_GENERATE]), "SecretString": value}


def _template(how: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        found = json.loads(how["SecretStringTemplate"])
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Fault("InvalidRequest", "The SecretStringTemplate is not a valid JSON object.")
    return found


_POLICIES: Final = Row(
    service="secretsmanager",
    create=Call("PutResourcePolicy", takes="SecretId BlockPublicPolicy ResourcePolicy"),
    physical="{c.ARN}",
    attributes={"Id": "{it.ARN|id}"},
    settings=(Change(Call("PutResourcePolicy", _SECRET, "BlockPublicPolicy ResourcePolicy")),),
    deletes=(Call("DeleteResourcePolicy", _SECRET),),
    shown=Shown(
        Call("GetResourcePolicy", _SECRET),
        "",
        members={"SecretId": "{it.ARN}", "ResourcePolicy": "{it.ResourcePolicy}"},
    ),
)

_ROTATED: Final = (
    "RotationLambdaARN RotationRules ExternalSecretRotationMetadata ExternalSecretRotationRoleArn "
    "RotateImmediately=RotateImmediatelyOnUpdate"
)
_ROTATIONS: Final = Row(
    service="secretsmanager",
    create=Call("RotateSecret", {"ClientRequestToken": "{client_token}"}, f"SecretId {_ROTATED}"),
    physical="{c.ARN}",
    attributes={"Id": "{id}"},
    settings=(Change(Call("RotateSecret", _SECRET, _ROTATED)),),
    deletes=(Call("CancelRotateSecret", _SECRET),),
)
"""`HostedRotationLambda` is for the transform AWS::SecretsManager, which replaces it."""

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::SecretsManager::ResourcePolicy": provider(_POLICIES),
    "AWS::SecretsManager::RotationSchedule": provider(_ROTATIONS),
    "AWS::SecretsManager::Secret": _secrets(),
    "AWS::SecretsManager::SecretTargetAttachment": ATTACHMENTS,
}
