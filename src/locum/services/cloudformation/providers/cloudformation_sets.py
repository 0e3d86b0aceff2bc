"""CloudFormation's stack sets as resources.

CloudFormation Template Reference, AWS::CloudFormation::StackSet: StackInstancesGroup is "a group of stack instances
with parameters in some specific accounts and Regions".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import (
    Began,
    Ending,
    Made,
    Pause,
    Properties,
    Provider,
    Request,
    Resource,
    Work,
    ended,
    is_gone,
    picked,
)
from locum.services.cloudformation.providers.steps import Steps, changed, listed, pairs, until

_OF_SET: Final = (
    "AdministrationRoleARN",
    "AutoDeployment",
    "Capabilities",
    "Description",
    "ExecutionRoleName",
    "ManagedExecution",
    "Parameters",
    "PermissionModel",
    "Tags",
    "TemplateBody",
    "TemplateURL",
)
_BUSY: Final = "OperationInProgressException"
_SECONDS: Final = 0.25
_ATTEMPTS: Final = 4 * 43_200

Group = Mapping[str, Any]


def _create(resource: Resource) -> Work:
    """The set, and its instances. A creation that was interrupted begins the same operations again."""
    properties = resource.properties
    params = {"StackSetName": properties["StackSetName"], **_own(resource), **picked(properties, *_OF_SET)}
    params["Tags"] = _tags(resource)
    answer = yield Request("cloudformation", "CreateStackSet", {**params, "ClientRequestToken": resource.client_token})
    identifier = str(answer["StackSetId"])
    yield Began(identifier)
    for number, group in enumerate(_groups(properties).values()):
        more = {"OperationId": f"{resource.client_token}-{number}"}
        yield from _operated(resource, identifier, "CreateStackInstances", {**group, **more})
    return Made(identifier, {"StackSetId": identifier})


def _update(resource: Resource, before: Properties) -> Work:
    """What is not to be there any more is deleted first: it may be what cannot be updated."""
    properties, identifier = resource.properties, resource.physical
    wanted, there = _groups(properties), _groups(before)
    for key, group in there.items():
        if key not in wanted:
            yield from _operated(resource, identifier, "DeleteStackInstances", _to_delete(group))
    if changed(before, properties, *_OF_SET) or resource.again:
        params = {**picked(properties, *_OF_SET), "Tags": _tags(resource)}
        yield from _operated(resource, identifier, "UpdateStackSet", params)
    for key, group in wanted.items():
        if key not in there:
            yield from _operated(resource, identifier, "CreateStackInstances", group)
        elif group != there[key]:
            yield from _operated(resource, identifier, "UpdateStackInstances", {"ParameterOverrides": [], **group})
    return Made(identifier, {"StackSetId": identifier})


def _delete(resource: Resource) -> Ending:
    """The instances that the template has, and the set: it stays where it has others."""
    identifier = resource.physical
    try:
        yield Request("cloudformation", "DescribeStackSet", {"StackSetName": identifier, **_own(resource)})
    except Fault as fault:
        if is_gone(fault):
            return
        raise
    for group in _groups(resource.properties).values():
        yield from _operated(resource, identifier, "DeleteStackInstances", _to_delete(group))
    yield from ended(Request("cloudformation", "DeleteStackSet", {"StackSetName": identifier, **_own(resource)}))


def _own(resource: Resource) -> dict[str, Any]:
    """What all calls for the set say."""
    return picked(resource.properties, "CallAs")


def _tags(resource: Resource) -> list[dict[str, str]]:
    """The tags that the set has of its own: it passes them on to its stacks, which have none of this one."""
    return pairs({tag["Key"]: tag["Value"] for tag in listed(resource.properties.get("Tags"))})


def _groups(properties: Properties) -> dict[str, Group]:
    """The parameters of the operations on instances: one for each region of each account or unit, by these.

    Accounts that a filter picks out of units stay together.
    """
    found: dict[str, Group] = {}
    for group in listed(properties.get("StackInstancesGroup")):
        for targets in _targets(group["DeploymentTargets"]):
            for region in listed(group["Regions"]):
                one = {"DeploymentTargets": targets, "Regions": [region], **picked(group, "ParameterOverrides")}
                found[json.dumps([targets, region], sort_keys=True)] = one
    return found


def _targets(targets: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "AccountFilterType" in targets or "AccountsUrl" in targets or len(targets) != 1:
        yield targets
        return
    ((name, values),) = targets.items()
    for value in listed(values):
        yield {name: [value]}


def _to_delete(group: Group) -> dict[str, Any]:
    return {**picked(group, "DeploymentTargets", "Regions"), "RetainStacks": False}


def _operated(resource: Resource, identifier: str, operation: str, params: Mapping[str, Any]) -> Steps[None]:
    """Begin an operation on the set, once there is no other one, and wait for its end. Raises Fault where it fails."""
    named = {"StackSetName": identifier, **_own(resource)}
    given = {**named, **picked(resource.properties, "OperationPreferences"), **params}
    for _ in range(_ATTEMPTS):
        try:
            answer = yield Request("cloudformation", operation, given)
            break
        except Fault as fault:
            if fault.code != _BUSY:
                raise
            yield Pause(_SECONDS)
    else:
        raise Fault("NotStabilized", "Another operation on the stack set does not end")
    begun = {**named, "OperationId": answer["OperationId"]}
    asked = Request("cloudformation", "DescribeStackSetOperation", begun)
    over = yield from until(
        asked, lambda it: "EndTimestamp" in it["StackSetOperation"], attempts=_ATTEMPTS, seconds=_SECONDS
    )
    if over["StackSetOperation"]["Status"] != "SUCCEEDED":
        results = (yield Request("cloudformation", "ListStackSetOperationResults", begun))["Summaries"]
        reasons = dict.fromkeys(it.get("StatusReason", "") for it in results if it["Status"] == "FAILED")
        told = f"Stack set operation [{begun['OperationId']}] was unexpectedly stopped or failed."
        raise Fault("GeneralServiceException", f"{told} Status reason(s): [{', '.join(reasons)}]")


PROVIDERS: Final[dict[str, Provider]] = {"AWS::CloudFormation::StackSet": Provider(_create, _delete, _update)}
