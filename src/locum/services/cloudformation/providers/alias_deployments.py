"""Aliases of functions whose version CodeDeploy changes, by the update policy CodeDeployLambdaAliasUpdate.

CloudFormation Template Reference, "UpdatePolicy attribute". What was begun is kept (`Notes`): after a restart it is
waited for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from itertools import count
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import (
    Ending,
    Notes,
    Pause,
    Properties,
    Provider,
    Request,
    Resource,
    Work,
)

_SERVICE: Final = "codedeploy"
_VERSION: Final = "FunctionVersion"
_SECONDS: Final = 1.0
_BEGINS: Final = 300
"""Looks at a deployment until it must have begun."""
_DONE: Final = "Succeeded"
_OVER: Final = frozenset({_DONE, "Failed", "Stopped"})
_HOOKS: Final = {"BeforeAllowTraffic": "BeforeAllowTrafficHook", "AfterAllowTraffic": "AfterAllowTrafficHook"}


def deployed(made_by: Provider) -> Provider:
    """`made_by`, whose aliases change their version by a deployment where the update policy says so.

    On the way back they change at once.
    """

    def update(resource: Resource, before: Properties) -> Work:
        assert made_by.update is not None
        policy = resource.update_policy.get("CodeDeployLambdaAliasUpdate")
        version = before.get(_VERSION)
        if resource.back or not isinstance(policy, Mapping) or resource.properties.get(_VERSION) == version:
            return (yield from made_by.update(resource, before))
        as_it_is = replace(resource, properties={**resource.properties, _VERSION: version})
        made = yield from made_by.update(as_it_is, before)
        yield from _moved(resource, policy, str(version))
        return made

    return made_by._replace(update=update)


def _moved(resource: Resource, policy: Mapping[str, Any], version: str) -> Ending:
    """Have CodeDeploy move an alias from `version` to the one that it is to have. Raises Fault."""
    deployment = (yield Notes())["Notes"].get("deployment")
    if not deployment:
        deployment = (yield Request(_SERVICE, "CreateDeployment", _request(resource, policy, version)))["deploymentId"]
        yield Notes({"deployment": deployment})
    for looks in count():
        told = (yield Request(_SERVICE, "GetDeployment", {"deploymentId": deployment}))["deploymentInfo"]
        if told.get("status") in _OVER:
            break
        if told.get("status") == "Created" and looks > _BEGINS:
            raise Fault("NotStabilized", f"CodeDeploy deployment {deployment} does not begin")
        yield Pause(_SECONDS)
    if told["status"] != _DONE:
        why = (told.get("errorInformation") or {}).get("message", "")
        raise Fault("GeneralServiceException", f"CodeDeploy deployment {deployment} has status {told['status']}. {why}")


def _request(resource: Resource, policy: Mapping[str, Any], version: str) -> dict[str, Any]:
    names = ("ApplicationName", "DeploymentGroupName")
    for name in names:
        if not policy.get(name):
            raise Fault("InvalidRequest", f"CodeDeployLambdaAliasUpdate has no {name}", 400)
    properties = {
        "Name": str(resource.properties["FunctionName"]),
        "Alias": str(resource.properties["Name"]),
        "CurrentVersion": version,
        "TargetVersion": str(resource.properties[_VERSION]),
    }
    spec: dict[str, Any] = {
        "version": 0.0,
        "Resources": [{resource.logical: {"Type": "AWS::Lambda::Function", "Properties": properties}}],
    }
    if hooks := [{event: policy[name]} for event, name in _HOOKS.items() if policy.get(name)]:
        spec["Hooks"] = hooks
    content = json.dumps(spec)
    text = {"content": content, "sha256": sha256(content.encode()).hexdigest()}
    return {
        "applicationName": policy[names[0]],
        "deploymentGroupName": policy[names[1]],
        "revision": {"revisionType": "AppSpecContent", "appSpecContent": text},
    }
