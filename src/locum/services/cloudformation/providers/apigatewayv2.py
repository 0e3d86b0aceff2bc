"""HTTP and WebSocket APIs of API Gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Properties, Provider, Resource, Work
from locum.services.cloudformation.providers.table import Call, Change, Name, Row, Shown, Tags, provider

_SERVICE: Final = "apigatewayv2"
_NOT_IMPLEMENTED: Final = 501
"""The status of a call that a backend cannot carry out."""

_API: Final = {"ApiId": "{id}"}
_OF_API: Final = {"ApiId": "{p.ApiId}"}


def _tags(arn: str) -> Tags:
    return Tags(
        Call("TagResource", {"ResourceArn": arn, "Tags": "{tags}"}),
        Call("UntagResource", {"ResourceArn": arn, "TagKeys": "{keys}"}),
        form="map",
    )


_TAKES: Final = (
    "ApiKeySelectionExpression CorsConfiguration CredentialsArn Description DisableExecuteApiEndpoint "
    "DisableSchemaValidation IpAddressType Name RouteKey RouteSelectionExpression Target Version"
)


def _titled(properties: Properties) -> Properties:
    """Properties of an API, which has its name from its definition, and is an HTTP API, where it has one."""
    body = properties.get("Body")
    if not isinstance(body, Mapping):
        return properties
    return {"Name": (body.get("info") or {}).get("title", ""), "ProtocolType": "HTTP", **properties}


_HTTP: Final = Row(
    _SERVICE,
    Call("CreateApi", takes=f"ProtocolType {_TAKES}"),
    "{c.ApiId}",
    (Call("DeleteApi", _API),),
    attributes={
        "ApiId": "{id}",
        "ApiEndpoint": "{r.ApiEndpoint}",
        "ExecuteApiArn": "arn:aws:execute-api:{region}:{account}:{id}",
    },
    tags=_tags("arn:aws:apigateway:{region}::/apis/{id}"),
    read=Call("GetApi", _API),
    settings=(
        Change(Call("UpdateApi", _API, _TAKES), defaults={"Description": "", "Version": ""}),
        Change(
            Call(
                "ReimportApi",
                {**_API, "Basepath": "{p.BasePath}", "FailOnWarnings": "{p.FailOnWarnings}"},
                "Body",
            ),
            on="BasePath FailOnWarnings",
            at_creation=True,
        ),
    ),
    shaped=_titled,
)


def _part(kind: str, takes: str, fixed: str = "", answer: str = "") -> Row:
    """A part of an API, with an id of its own."""
    member = answer or f"{kind}Id"
    of = {**_OF_API, member: "{id}"}
    return Row(
        _SERVICE,
        Call(f"Create{kind}", takes=f"ApiId {fixed} {takes}"),
        f"{{c.{member}}}",
        (Call(f"Delete{kind}", of),),
        attributes={member: "{id}"},
        settings=(Change(Call(f"Update{kind}", of, takes)),),
        shown=Shown(Call(f"Get{kind}", of), ""),
    )


_ROUTE: Final = _part(
    "Route",
    "ApiKeyRequired AuthorizationScopes AuthorizationType AuthorizerId ModelSelectionExpression OperationName "
    "RequestModels RequestParameters RouteKey RouteResponseSelectionExpression Target",
)
_INTEGRATION: Final = _part(
    "Integration",
    "ConnectionId ConnectionType ContentHandlingStrategy CredentialsArn Description IntegrationMethod "
    "IntegrationSubtype IntegrationType IntegrationUri PassthroughBehavior PayloadFormatVersion RequestParameters "
    "RequestTemplates ResponseParameters TemplateSelectionExpression TimeoutInMillis TlsConfig",
)
_AUTHORIZER: Final = _part(
    "Authorizer",
    "AuthorizerCredentialsArn AuthorizerPayloadFormatVersion AuthorizerResultTtlInSeconds AuthorizerType AuthorizerUri "
    "EnableSimpleResponses IdentitySource IdentityValidationExpression JwtConfiguration Name",
)
_DEPLOYMENT: Final = _part("Deployment", "Description", "StageName")

_STAGED: Final = (
    "AccessLogSettings AutoDeploy ClientCertificateId DefaultRouteSettings DeploymentId Description RouteSettings "
    "StageVariables"
)
_OF_STAGE: Final = {**_OF_API, "StageName": "{id}"}
_STAGE: Final = Row(
    _SERVICE,
    Call("CreateStage", takes=f"ApiId {_STAGED}"),
    "{name}",
    (Call("DeleteStage", _OF_STAGE),),
    name=Name("StageName", 128),
    tags=_tags("arn:aws:apigateway:{region}::/apis/{p.ApiId}/stages/{id}"),
    exists=frozenset({"ConflictException"}),
    settings=(Change(Call("UpdateStage", _OF_STAGE, _STAGED)),),
    shown=Shown(Call("GetStage", _OF_STAGE), ""),
)


def _stages() -> Provider:
    """Stages. One is made anew by a backend that cannot change it, which the embedded one cannot."""
    row = provider(_STAGE)
    assert row.update is not None
    change = row.update

    def update(resource: Resource, before: Properties) -> Work:
        try:
            return (yield from change(resource, before))
        except Fault as fault:
            if fault.status != _NOT_IMPLEMENTED:
                raise
        yield from row.delete(resource)
        return (yield from row.create(resource))

    return row._replace(update=update)


PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::ApiGatewayV2::Api": provider(_HTTP),
    "AWS::ApiGatewayV2::Authorizer": provider(_AUTHORIZER),
    "AWS::ApiGatewayV2::Deployment": provider(_DEPLOYMENT),
    "AWS::ApiGatewayV2::Integration": provider(_INTEGRATION),
    "AWS::ApiGatewayV2::Route": provider(_ROUTE),
    "AWS::ApiGatewayV2::Stage": _stages(),
}
