"""Policies of IoT: a new version of one that changes becomes the default, and the former ones are deleted."""

from __future__ import annotations

from typing import Final

from locum.services.cloudformation.providers.base import (
    Ending,
    Made,
    Properties,
    Provider,
    Request,
    Resource,
    Work,
    ended,
)
from locum.services.cloudformation.providers.table import Call, Name, Row, Tags, provider

_SERVICE: Final = "iot"
_POLICY: Final = provider(
    Row(
        _SERVICE,
        Call("CreatePolicy", takes="PolicyDocument"),
        "{name}",
        (Call("DeletePolicy", {"policyName": "{id}"}),),
        attributes={"Arn": "{c.policyArn}", "Id": "{id}"},
        name=Name("PolicyName", 128, member="policyName"),
        tags=Tags(member="tags"),
        exists=frozenset({"ResourceAlreadyExistsException"}),
    )
)


def _former_versions(resource: Resource) -> Ending:
    """Delete the versions of a policy that are not its default."""
    named = {"policyName": resource.physical}
    found = yield Request(_SERVICE, "ListPolicyVersions", named)
    for version in found.get("policyVersions") or ():
        if not version.get("isDefaultVersion"):
            request = Request(_SERVICE, "DeletePolicyVersion", {**named, "policyVersionId": version["versionId"]})
            yield from ended(request)


def _update(resource: Resource, before: Properties) -> Work:
    document, arn = resource.properties["PolicyDocument"], resource.attributes.get("Arn")
    if document != before.get("PolicyDocument"):
        params = {"policyName": resource.physical, "policyDocument": document, "setAsDefault": True}
        yield from _former_versions(resource)
        yield Request(_SERVICE, "CreatePolicyVersion", params)
        yield from _former_versions(resource)
    added, removed = resource.tag_changes(resource.properties.get("Tags"), before.get("Tags"))
    if removed:
        yield Request(_SERVICE, "UntagResource", {"resourceArn": arn, "tagKeys": removed})
    if added:
        tags = [{"Key": key, "Value": value} for key, value in added.items()]
        yield Request(_SERVICE, "TagResource", {"resourceArn": arn, "tags": tags})
    return Made(resource.physical, resource.attributes)


def _delete(resource: Resource) -> Ending:
    yield from _former_versions(resource)
    yield from _POLICY.delete(resource)


PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::IoT::Policy": _POLICY._replace(update=_update, delete=_delete, immutable=frozenset({"PolicyName"}))
}
