"""What belongs to REST APIs of API Gateway: resources, authorizers, keys, usage plans and the like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.services.cloudformation.providers.apigateway import SERVICE, patched, tagged
from locum.services.cloudformation.providers.apigateway_patches import Patch, parts, replaced, values
from locum.services.cloudformation.providers.base import (
    Ending,
    Made,
    Properties,
    Provider,
    Request,
    Resource,
    Work,
    picked,
)
from locum.services.cloudformation.providers.steps import Steps, adopting, listed, seen_first
from locum.services.cloudformation.providers.table import Call, Change, Listing, Name, Row, Shown, Tags, provider

_OF_API: Final = {"restApiId": "{p.RestApiId}"}

_RESOURCE: Final = Row(
    SERVICE,
    Call("CreateResource", takes="ParentId PathPart RestApiId"),
    "{c.id}",
    (Call("DeleteResource", {**_OF_API, "resourceId": "{id}"}),),
    attributes={"ResourceId": "{id}"},
    shown=Shown(Call("GetResource", {"restApiId": "{p.RestApiId}", "resourceId": "{id}"}), ""),
)


def _resource_before(resource: Resource) -> Steps[Mapping[str, Any] | None]:
    own = resource.properties
    found = yield Request(SERVICE, "GetResources", {"restApiId": own["RestApiId"], "limit": 500})
    wanted = own["ParentId"], own["PathPart"]
    same = (each for each in found.get("items") or () if (each.get("parentId"), each.get("pathPart")) == wanted)
    return next(same, None)


def _see(operation: str, resource: Resource, member: str) -> Request:
    return Request(SERVICE, operation, {"restApiId": resource.properties["RestApiId"], member: resource.physical})


# -- authorizers -----------------------------------------------------------------------------------------

_AUTHORIZER: Final = Row(
    SERVICE,
    Call(
        "CreateAuthorizer",
        takes="AuthType AuthorizerCredentials AuthorizerResultTtlInSeconds AuthorizerUri IdentitySource "
        "IdentityValidationExpression Name ProviderARNs RestApiId Type",
    ),
    "{c.id}",
    (Call("DeleteAuthorizer", {**_OF_API, "authorizerId": "{id}"}),),
    attributes={"AuthorizerId": "{id}"},
    shown=Shown(Call("GetAuthorizer", {"restApiId": "{p.RestApiId}", "authorizerId": "{id}"}), ""),
)
_AUTHORIZER_PATHS: Final = {
    "AuthType": "/authType",
    "AuthorizerCredentials": "/authorizerCredentials",
    "AuthorizerResultTtlInSeconds": "/authorizerResultTtlInSeconds",
    "AuthorizerUri": "/authorizerUri",
    "IdentitySource": "/identitySource",
    "IdentityValidationExpression": "/identityValidationExpression",
    "Name": "/name",
    "Type": "/type",
}


def _update_authorizer(resource: Resource, before: Properties) -> Work:
    own = resource.properties
    patches = replaced(before, own, _AUTHORIZER_PATHS)
    patches += values(before.get("ProviderARNs"), own.get("ProviderARNs"), "/providerARNs")
    named = {"restApiId": own["RestApiId"], "authorizerId": resource.physical}
    yield from patched("UpdateAuthorizer", named, patches)
    return Made(resource.physical, resource.attributes)


# -- keys and plans --------------------------------------------------------------------------------------

_KEY: Final = Row(
    SERVICE,
    Call("CreateApiKey", takes="CustomerId Description Enabled GenerateDistinctId StageKeys Value"),
    "{c.id}",
    (Call("DeleteApiKey", {"apiKey": "{id}"}),),
    attributes={"APIKeyId": "{id}"},
    name=Name("Name", 1024),
    tags=Tags(form="map", member="tags"),
    shaped=lambda properties: {"Enabled": False, **properties},
    shown=Shown(
        Call("GetApiKey", {"apiKey": "{id}"}),
        "",
        hides="Value",
        lists=Listing(Call("GetApiKeys"), "items", "{item.id}"),
    ),
)


def _update_key(resource: Resource, before: Properties) -> Work:
    own = resource.properties
    defaults = {"Enabled": False}
    paths = {"CustomerId": "/customerId", "Description": "/description", "Enabled": "/enabled"}
    patches = replaced({**defaults, **before}, {**defaults, **own}, paths)
    patches += values(_stages(before.get("StageKeys")), _stages(own.get("StageKeys")), "/stages")
    yield from patched("UpdateApiKey", {"apiKey": resource.physical}, patches)
    yield from tagged(resource, before, f"/apikeys/{resource.physical}")
    return Made(resource.physical, resource.attributes)


def _stages(given: Any) -> list[str]:
    return [f"{each['RestApiId']}/{each['StageName']}" for each in listed(given)]


_PLAN: Final = Row(
    SERVICE,
    Call("CreateUsagePlan", takes="ApiStages Description Quota Throttle"),
    "{c.id}",
    (Call("DeleteUsagePlan", {"usagePlanId": "{id}"}),),
    attributes={"Id": "{id}"},
    name=Name("UsagePlanName", 255, member="name"),
    tags=Tags(form="map", member="tags"),
    shown=Shown(
        Call("GetUsagePlan", {"usagePlanId": "{id}"}),
        "",
        members={"UsagePlanName": "{it.name}"},
        lists=Listing(Call("GetUsagePlans"), "items", "{item.id}"),
    ),
)


def _plan_patches(before: Properties, own: Properties) -> list[Patch]:
    patches = replaced(before, own, {"Description": "/description"})
    if "UsagePlanName" in own:
        patches += replaced(before, own, {"UsagePlanName": "/name"})
    had, wanted = ([f"{each['ApiId']}:{each['Stage']}" for each in _api_stages(side)] for side in (before, own))
    patches += values(had, wanted, "/apiStages")
    patches += parts(before.get("Quota"), own.get("Quota"), "/quota")
    return patches + parts(before.get("Throttle"), own.get("Throttle"), "/throttle")


def _api_stages(properties: Properties) -> list[Mapping[str, Any]]:
    return listed(properties.get("ApiStages"))


def _update_plan(resource: Resource, before: Properties) -> Work:
    patches = _plan_patches(before, resource.properties)
    yield from patched("UpdateUsagePlan", {"usagePlanId": resource.physical}, patches)
    yield from tagged(resource, before, f"/usageplans/{resource.physical}")
    return Made(resource.physical, resource.attributes)


def _delete_plan(resource: Resource) -> Ending:
    """Delete a plan, which must have no stages."""
    stages = [f"{each['ApiId']}:{each['Stage']}" for each in _api_stages(resource.properties)]
    if stages:
        yield from patched("UpdateUsagePlan", {"usagePlanId": resource.physical}, values(stages, [], "/apiStages"))
    yield from provider(_PLAN).delete(resource)


_PLAN_KEY: Final = Row(
    SERVICE,
    Call("CreateUsagePlanKey", takes="KeyId KeyType UsagePlanId"),
    "{p.KeyId}:{p.UsagePlanId}",
    (Call("DeleteUsagePlanKey", {"usagePlanId": "{p.UsagePlanId}", "keyId": "{p.KeyId}"}),),
    attributes={"Id": "{id}"},
    exists=frozenset({"ConflictException"}),
)

# -- others ----------------------------------------------------------------------------------------------


def _create_account(resource: Resource) -> Work:
    yield from _set_account(resource.properties.get("CloudWatchRoleArn", ""))
    name = resource.name()
    return Made(name, {"Id": name})


def _set_account(role: Any) -> Ending:
    yield from patched("UpdateAccount", {}, [{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}])


def _update_account(resource: Resource, _before: Properties) -> Work:
    yield from _set_account(resource.properties.get("CloudWatchRoleArn", ""))
    return Made(resource.physical, resource.attributes)


def _delete_account(_resource: Resource) -> Ending:
    """Nothing: "deleting the stack does not" take back the role of the account."""
    yield from ()


_MODEL: Final = Row(
    SERVICE,
    Call("CreateModel", takes="ContentType Description RestApiId Schema"),
    "{name}",
    (Call("DeleteModel", {**_OF_API, "modelName": "{id}"}),),
    name=Name("Name", 128),
    exists=frozenset({"ConflictException"}),
    settings=(
        Change(
            Call(
                "UpdateModel",
                {
                    **_OF_API,
                    "modelName": "{id}",
                    "patchOperations": [
                        {"op": "replace", "path": "/schema", "value": "{p.Schema}"},
                        {"op": "replace", "path": "/description", "value": "{p.Description}"},
                    ],
                },
            ),
            on="Description Schema",
            defaults={"Description": "", "Schema": {}},
        ),
    ),
    shaped=lambda properties: {"Description": "", "ContentType": "application/json", **properties},
    shown=Shown(Call("GetModel", {"restApiId": "{p.RestApiId}", "modelName": "{id}"}), ""),
)

_VALIDATOR: Final = Row(
    SERVICE,
    Call("CreateRequestValidator", takes="RestApiId ValidateRequestBody ValidateRequestParameters"),
    "{c.id}",
    (Call("DeleteRequestValidator", {**_OF_API, "requestValidatorId": "{id}"}),),
    attributes={"RequestValidatorId": "{id}"},
    name=Name("Name", 128),
    settings=(
        Change(
            Call(
                "UpdateRequestValidator",
                {
                    **_OF_API,
                    "requestValidatorId": "{id}",
                    "patchOperations": [
                        {"op": "replace", "path": f"/validateRequest{what}", "value": f"{{p.ValidateRequest{what}}}"}
                        for what in ("Body", "Parameters")
                    ],
                },
            ),
            on="ValidateRequestBody ValidateRequestParameters",
        ),
    ),
    shaped=lambda properties: {"ValidateRequestBody": False, "ValidateRequestParameters": False, **properties},
    shown=Shown(Call("GetRequestValidator", {"restApiId": "{p.RestApiId}", "requestValidatorId": "{id}"}), ""),
)

_OF_RESPONSE: Final = {**_OF_API, "responseType": "{p.ResponseType}"}
_RESPONDED: Final = "ResponseParameters ResponseTemplates StatusCode"
_RESPONSE: Final = Row(
    SERVICE,
    Call("PutGatewayResponse", _OF_RESPONSE, f"{_RESPONDED}"),
    "{p.RestApiId}:{p.ResponseType}",
    (Call("DeleteGatewayResponse", _OF_RESPONSE),),
    attributes={"Id": "{id}"},
    settings=(Change(Call("PutGatewayResponse", _OF_RESPONSE, _RESPONDED)),),
    unused=frozenset({"RestApiId", "ResponseType"}),
)

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::ApiGateway::Account": Provider(_create_account, _delete_account, _update_account),
    "AWS::ApiGateway::ApiKey": provider(_KEY)._replace(update=_update_key, immutable=frozenset()),
    "AWS::ApiGateway::Authorizer": seen_first(
        provider(_AUTHORIZER)._replace(update=_update_authorizer, immutable=frozenset()),
        lambda own: _see("GetAuthorizer", own, "authorizerId"),
    ),
    "AWS::ApiGateway::GatewayResponse": provider(_RESPONSE),
    "AWS::ApiGateway::Model": provider(_MODEL),
    "AWS::ApiGateway::RequestValidator": provider(_VALIDATOR),
    "AWS::ApiGateway::Resource": adopting(
        seen_first(provider(_RESOURCE), lambda own: _see("GetResource", own, "resourceId")), _resource_before
    ),
    "AWS::ApiGateway::UsagePlan": seen_first(
        provider(_PLAN)._replace(delete=_delete_plan, update=_update_plan, immutable=frozenset()),
        lambda plan: Request(SERVICE, "GetUsagePlan", {"usagePlanId": plan.physical}),
    ),
    "AWS::ApiGateway::UsagePlanKey": seen_first(
        provider(_PLAN_KEY),
        lambda key: Request(
            SERVICE, "GetUsagePlanKey", picked(key.properties, usagePlanId="UsagePlanId", keyId="KeyId")
        ),
    ),
}
