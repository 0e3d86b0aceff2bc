"""REST APIs of API Gateway, their stages and what belongs to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.apigateway_patches import (
    SETTINGS,
    Patch,
    entries,
    members,
    method_settings,
    parts,
    replaced,
)
from locum.services.cloudformation.providers.base import (
    Ending,
    Made,
    Properties,
    Provider,
    Request,
    Resource,
    Work,
    ended,
    is_gone,
    or_undone,
    picked,
)
from locum.services.cloudformation.providers.steps import Steps, changed, listed, refuse_others, seen_first

SERVICE: Final = "apigateway"


def tagged(resource: Resource, before: Properties, path: str) -> Ending:
    """Give an updated resource at `path` its own tags. (The embedded backend can tag stages alone.)"""
    own = {tag["Key"]: tag["Value"] for tag in listed(resource.properties.get("Tags"))}
    added, removed = resource.tag_changes(own, before.get("Tags"))
    added = {key: value for key, value in added.items() if key in own}
    arn = f"arn:{resource.stack_arn.split(':')[1]}:apigateway:{resource.region}::{path}"
    if removed:
        yield Request(SERVICE, "UntagResource", {"resourceArn": arn, "tagKeys": removed})
    if added:
        yield Request(SERVICE, "TagResource", {"resourceArn": arn, "tags": added})


# -- APIs ------------------------------------------------------------------------------------------------

_API: Final = (
    "BinaryMediaTypes",
    "CloneFrom",
    "Description",
    "DisableExecuteApiEndpoint",
    "EndpointAccessMode",
    "EndpointConfiguration",
    "MinimumCompressionSize",
    "Policy",
    "SecurityPolicy",
    "Version",
)
_BODY: Final = ("Body", "BodyS3Location", "FailOnWarnings", "Mode", "Parameters")
_API_PATHS: Final = {
    "ApiKeySourceType": "/apiKeySource",
    "Description": "/description",
    "DisableExecuteApiEndpoint": "/disableExecuteApiEndpoint",
    "EndpointAccessMode": "/endpointAccessMode",
    "MinimumCompressionSize": "/minimumCompressionSize",
    "Name": "/name",
    "Policy": "/policy",
    "SecurityPolicy": "/securityPolicy",
    "Version": "/version",
}


def _create_api(resource: Resource) -> Work:
    own = resource.properties
    refuse_others(own, (*_API, *_BODY, "ApiKeySourceType", "Name", "Tags"))
    body = yield from _body(own)
    name = own.get("Name") or _title(body)
    if not name:
        raise Fault("InvalidRequest", "Property Name is required where there is no Body with a title")
    params = {"name": name, **picked(own, *_API), **picked(own, apiKeySource="ApiKeySourceType")}
    answer = yield Request(SERVICE, "CreateRestApi", params | {"tags": resource.all_tags(own.get("Tags"))})
    api = str(answer["id"])
    undo = ended(Request(SERVICE, "DeleteRestApi", {"restApiId": api}))
    return (yield from or_undone(_with_body(api, own, body), undo))


def _with_body(api: str, own: Properties, body: bytes) -> Work:
    if body:
        params = {"restApiId": api, **picked(own, "FailOnWarnings", "Mode", "Parameters")}
        yield Request(SERVICE, "PutRestApi", {"mode": "overwrite", **params, "body": body})
    return (yield from _read_api(api))


def _body(own: Properties) -> Steps[bytes]:
    """The definition of an API in OpenAPI, empty where there is none."""
    if "BodyS3Location" in own:
        place = own["BodyS3Location"]
        params = picked(place, "Bucket", "Key", VersionId="Version")
        body = (yield Request("s3", "GetObject", params)).get("Body", b"")
        return bytes(body if isinstance(body, (bytes, bytearray)) else body.read())
    given = own.get("Body")
    if given is None:
        return b""
    return (given if isinstance(given, str) else json.dumps(given)).encode()


def _title(body: bytes) -> str:
    try:
        return str(json.loads(body)["info"]["title"])
    except (KeyError, TypeError, ValueError):
        return ""


def _read_api(api: str) -> Work:
    resources = yield Request(SERVICE, "GetResources", {"restApiId": api})
    roots = [each["id"] for each in resources.get("items") or () if each.get("path") == "/"]
    return Made(api, {"RestApiId": api, "RootResourceId": "".join(roots[:1])})


def _update_api(resource: Resource, before: Properties) -> Work:
    own, api = resource.properties, resource.physical
    patches = replaced(before, own, {name: _API_PATHS[name] for name in _API_PATHS if name != "Name" or name in own})
    patches += members(before.get("BinaryMediaTypes"), own.get("BinaryMediaTypes"), "/binaryMediaTypes")
    had, wanted = (listed((side.get("EndpointConfiguration") or {}).get("Types")) for side in (before, own))
    if wanted and had != wanted:
        kind = had[0] if had else "EDGE"
        patches.append({"op": "replace", "path": f"/endpointConfiguration/types/{kind}", "value": wanted[0]})
    yield from patched("UpdateRestApi", {"restApiId": api}, patches)
    yield from tagged(resource, before, f"/restapis/{api}")
    body = (yield from _body(own)) if changed(before, own, *_BODY) else b""
    return (yield from _with_body(api, own, body))


def patched(operation: str, named: Mapping[str, Any], patches: list[Patch]) -> Ending:
    """Make the call of an update, if there is something to change."""
    if patches:
        yield Request(SERVICE, operation, {**named, "patchOperations": patches})


def _delete_api(resource: Resource) -> Ending:
    yield from ended(Request(SERVICE, "DeleteRestApi", {"restApiId": resource.physical}))


# -- methods ---------------------------------------------------------------------------------------------

_METHOD: Final = (
    "ApiKeyRequired",
    "AuthorizationScopes",
    "AuthorizerId",
    "OperationName",
    "RequestModels",
    "RequestParameters",
    "RequestValidatorId",
)


def _of_method(own: Properties) -> dict[str, Any]:
    return picked(own, restApiId="RestApiId", resourceId="ResourceId", httpMethod="HttpMethod")


def _create_method(resource: Resource) -> Work:
    own = resource.properties
    refuse_others(
        own,
        (*_METHOD, "AuthorizationType", "HttpMethod", "Integration", "MethodResponses", "ResourceId", "RestApiId"),
    )
    if resource.again:
        yield from _end_method(own)
    return (yield from or_undone(_put_method(own), _end_method(own)))


def _put_method(own: Properties) -> Work:
    of = _of_method(own)
    authorization = {"authorizationType": own.get("AuthorizationType", "NONE")}
    yield Request(SERVICE, "PutMethod", {**of, **authorization, **picked(own, *_METHOD)})
    for answer in listed(own.get("MethodResponses")):
        yield Request(SERVICE, "PutMethodResponse", {**of, **answer})
    integration = dict(own.get("Integration") or {})
    answers = listed(integration.pop("IntegrationResponses", None))
    if integration:
        yield Request(SERVICE, "PutIntegration", {**of, **integration})
    for answer in answers:
        yield Request(SERVICE, "PutIntegrationResponse", {**of, **answer})
    return Made("|".join(str(own[name]) for name in ("RestApiId", "ResourceId", "HttpMethod")))


def _end_method(own: Properties) -> Ending:
    yield from ended(Request(SERVICE, "DeleteMethod", _of_method(own)))


def _delete_method(resource: Resource) -> Ending:
    yield from _end_method(resource.properties)


def _update_method(resource: Resource, _before: Properties) -> Work:
    """Make the method anew: it is of no effect before it is deployed."""
    yield from _end_method(resource.properties)
    return (yield from _put_method(resource.properties))


# -- deployments and stages ------------------------------------------------------------------------------

_STAGED: Final = ("CacheClusterEnabled", "CacheClusterSize", "TracingEnabled", "Variables")
_STAGE_PATHS: Final = {
    "CacheClusterEnabled": "/cacheClusterEnabled",
    "CacheClusterSize": "/cacheClusterSize",
    "ClientCertificateId": "/clientCertificateId",
    "DeploymentId": "/deploymentId",
    "Description": "/description",
    "DocumentationVersion": "/documentationVersion",
    "TracingEnabled": "/tracingEnabled",
}
_STAGE_REST: Final = ("AccessLogSetting", "CanarySetting", "ClientCertificateId", "MethodSettings", *SETTINGS)


def _create_deployment(resource: Resource) -> Work:
    own = resource.properties
    refuse_others(own, ("DeploymentCanarySettings", "Description", "RestApiId", "StageDescription", "StageName"))
    stage = own.get("StageDescription") or {}
    params = picked(own, "Description", "RestApiId", "StageName", canarySettings="DeploymentCanarySettings")
    params |= picked(stage, *_STAGED, stageDescription="Description")
    deployment = str((yield Request(SERVICE, "CreateDeployment", params))["id"])
    undo = _end_deployment(own, deployment)
    return (yield from or_undone(_with_stage(own, stage, deployment), undo))


def _with_stage(own: Properties, stage: Properties, deployment: str) -> Work:
    known = (*_STAGED, *_STAGE_REST, *_STAGE_PATHS, "Tags")
    refuse_others(stage, known)
    if "StageName" in own:
        named = picked(own, restApiId="RestApiId", stageName="StageName")
        yield from patched("UpdateStage", named, _stage_rest({}, stage))
    return Made(deployment, {"DeploymentId": deployment})


def _update_deployment(resource: Resource, before: Properties) -> Work:
    own, deployment = resource.properties, resource.physical
    named = {"restApiId": own["RestApiId"], "deploymentId": deployment}
    yield from patched("UpdateDeployment", named, replaced(before, own, {"Description": "/description"}))
    if "StageName" in own:
        had, stage = (side.get("StageDescription") or {} for side in (before, own))
        yield from patched(
            "UpdateStage", picked(own, restApiId="RestApiId", stageName="StageName"), stage_patches(had, stage)
        )
    return Made(deployment, resource.attributes)


def _delete_deployment(resource: Resource) -> Ending:
    yield from _end_deployment(resource.properties, resource.physical)


def _end_deployment(own: Properties, deployment: str) -> Ending:
    """Delete a deployment, and the stage that was made with it where it still has it."""
    if "StageName" in own:
        named = picked(own, restApiId="RestApiId", stageName="StageName")
        try:
            if (yield Request(SERVICE, "GetStage", named)).get("deploymentId") == deployment:
                yield from ended(Request(SERVICE, "DeleteStage", named))
        except Fault as fault:
            if not is_gone(fault):
                raise
    yield from ended(Request(SERVICE, "DeleteDeployment", {"restApiId": own["RestApiId"], "deploymentId": deployment}))


def stage_patches(before: Properties, after: Properties) -> list[Patch]:
    """The patches for all that can be changed in a stage."""
    patches = replaced(before, after, _STAGE_PATHS)
    patches += entries(before.get("Variables"), after.get("Variables"), "/variables")
    return patches + _stage_rest(before, after)


def _stage_rest(before: Properties, after: Properties) -> list[Patch]:
    """The patches for what the creation of a stage does not take."""
    patches = parts(before.get("AccessLogSetting"), after.get("AccessLogSetting"), "/accessLogSettings")
    patches += parts(before.get("CanarySetting"), after.get("CanarySetting"), "/canarySettings")
    if not before:
        patches += replaced(before, after, {"ClientCertificateId": "/clientCertificateId"})
    settings = ([*listed(side.get("MethodSettings")), picked(side, *SETTINGS)] for side in (before, after))
    return patches + method_settings(*settings)


def _create_stage(resource: Resource) -> Work:
    own = resource.properties
    refuse_others(own, (*_STAGED, *_STAGE_REST[:4], *_STAGE_PATHS, "RestApiId", "StageName", "Tags"))
    name = own.get("StageName") or resource.name(128).replace("-", "_")
    named = {"restApiId": own["RestApiId"], "stageName": name}
    params = {**named, **picked(own, "DeploymentId", "Description", "DocumentationVersion", *_STAGED)}
    try:
        yield Request(SERVICE, "CreateStage", params | {"tags": resource.all_tags(own.get("Tags"))})
    except Fault as fault:
        if not (resource.again and fault.code == "ConflictException"):
            raise
    return (yield from or_undone(_with_settings(named, own), ended(Request(SERVICE, "DeleteStage", named))))


def _with_settings(named: Mapping[str, Any], own: Properties) -> Work:
    yield from patched("UpdateStage", named, _stage_rest({}, own))
    return Made(str(named["stageName"]))


def _update_stage(resource: Resource, before: Properties) -> Work:
    api, name = resource.properties["RestApiId"], resource.physical
    patches = stage_patches(before, resource.properties)
    yield from patched("UpdateStage", {"restApiId": api, "stageName": name}, patches)
    yield from tagged(resource, before, f"/restapis/{api}/stages/{name}")
    return Made(name, resource.attributes)


def _delete_stage(resource: Resource) -> Ending:
    named = {"restApiId": resource.properties["RestApiId"], "stageName": resource.physical}
    yield from ended(Request(SERVICE, "DeleteStage", named))


PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::ApiGateway::Deployment": Provider(
        _create_deployment, _delete_deployment, _update_deployment, frozenset({"StageName"})
    ),
    "AWS::ApiGateway::Method": Provider(_create_method, _delete_method, _update_method),
    "AWS::ApiGateway::RestApi": seen_first(
        Provider(_create_api, _delete_api, _update_api, frozenset({"CloneFrom"})),
        lambda api: Request(SERVICE, "GetRestApi", {"restApiId": api.physical}),
    ),
    "AWS::ApiGateway::Stage": Provider(_create_stage, _delete_stage, _update_stage),
}
