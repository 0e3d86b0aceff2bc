"""Providers of API Gateway's REST, HTTP and WebSocket APIs."""

from __future__ import annotations

from typing import Any

import pytest

from locum.core.errors import Fault
from locum.services.cloudformation.providers.apigateway_patches import method_settings, parts
from locum.services.cloudformation.providers.base import Resource
from support.deployed import role
from support.inprocess import InProcess, refusal
from support.plane import trusting
from support.remaking import Remaking, own

REST = "AWS::ApiGateway::"
HTTP = "AWS::ApiGatewayV2::"


@pytest.fixture(scope="module")
def making(plane: InProcess) -> Remaking:
    return Remaking(plane)


@pytest.fixture(scope="module")
def client(plane: InProcess) -> Any:
    return plane.client("apigateway")


@pytest.fixture(scope="module")
def api(making: Remaking) -> Resource:
    return making.create(f"{REST}RestApi", "Api", Name="orders")


@pytest.fixture(scope="module")
def deployment(making: Remaking, api: Resource) -> Resource:
    """A deployment of the API, which has a method."""
    of = {"RestApiId": api.physical, "ResourceId": api.attributes["RootResourceId"], "HttpMethod": "GET"}
    making.create(f"{REST}Method", "Root", **of, Integration={"Type": "MOCK"})
    return making.create(f"{REST}Deployment", "First", RestApiId=api.physical, Description="first")


def test_settings_of_methods_are_patched_by_their_paths() -> None:
    whole = [{"HttpMethod": "*", "ResourcePath": "/*", "MetricsEnabled": True}]
    one = [{"HttpMethod": "GET", "ResourcePath": "/a/b", "ThrottlingBurstLimit": 5}]
    assert method_settings([], whole) == [{"op": "replace", "path": "/*/*/metrics/enabled", "value": True}]
    assert method_settings(whole, one) == [
        {"op": "remove", "path": "/*/*/metrics"[: -len("/metrics")]},
        {"op": "replace", "path": "/~1a~1b/GET/throttling/burstLimit", "value": 5},
    ]
    assert parts({"A": 1}, None, "/x") == [{"op": "remove", "path": "/x"}]
    assert parts({"A": 1}, {"A": 1, "Bc": 2}, "/x") == [{"op": "replace", "path": "/x/bc", "value": 2}]


def test_an_api_has_its_description_and_tags(making: Remaking, client: Any) -> None:
    made = making.create(f"{REST}RestApi", Name="one", Description="x", Tags=[{"Key": "a", "Value": "b"}])
    assert made.attributes["RootResourceId"]
    assert own(client.get_rest_api(restApiId=made.physical)["tags"]) == {"a": "b"}
    making.update(made, Name="two", Tags=[{"Key": "a", "Value": "b"}])
    seen = client.get_rest_api(restApiId=made.physical)
    assert (seen["name"], seen.get("description", "")) == ("two", "")
    making.delete(made)
    making.delete(made)
    assert refusal(client.get_rest_api, restApiId=made.physical)[0] == "NotFoundException"
    with pytest.raises(Fault, match="Name"):
        making.create(f"{REST}RestApi")


def test_an_api_may_be_a_definition(making: Remaking, client: Any) -> None:
    body = {"openapi": "3.0.1", "info": {"title": "defined", "version": "1"}, "paths": {"/a": {"get": {}}}}
    made = making.create(f"{REST}RestApi", Body=body)
    assert client.get_rest_api(restApiId=made.physical)["name"] == "defined"
    paths = {each["path"] for each in client.get_resources(restApiId=made.physical)["items"]}
    assert paths == {"/", "/a"}
    making.delete(made)


def test_a_definition_in_swagger_with_answers_of_its_own_is_imported(making: Remaking, client: Any) -> None:
    """What the transform AWS::Serverless makes of an API: Swagger 2, and a mock for requests before others."""
    mock = {"type": "mock", "responses": {"default": {"statusCode": "200"}}}
    options = {"responses": {"200": {"description": "x"}}, "x-amazon-apigateway-integration": mock}
    body = {"swagger": "2.0", "info": {"title": "old", "version": "1"}, "paths": {"/a": {"options": options}}}
    made = making.create(f"{REST}RestApi", Body=body)
    found = {it["path"]: it for it in client.get_resources(restApiId=made.physical)["items"]}
    of = {"restApiId": made.physical, "resourceId": found["/a"]["id"], "httpMethod": "OPTIONS"}
    assert client.get_integration(**of)["type"] == "mock"
    making.delete(made)


def test_a_method_has_its_integration_and_answers(making: Remaking, client: Any, api: Resource) -> None:
    given = {"RestApiId": api.physical, "ParentId": api.attributes["RootResourceId"], "PathPart": "items"}
    resource = making.create(f"{REST}Resource", **given)
    assert making.again(resource).physical == resource.physical
    of = {"RestApiId": api.physical, "ResourceId": resource.physical, "HttpMethod": "POST"}
    answers = [{"StatusCode": 200, "SelectionPattern": ""}]
    integration = {"Type": "MOCK", "RequestTemplates": {"application/json": "{}"}, "IntegrationResponses": answers}
    method = making.create(
        f"{REST}Method",
        **of,
        AuthorizationType="AWS_IAM",
        Integration=integration,
        MethodResponses=[{"StatusCode": 200}],
    )
    assert method.physical == f"{api.physical}|{resource.physical}|POST" == making.again(method).physical
    where = {"restApiId": api.physical, "resourceId": resource.physical, "httpMethod": "POST"}
    seen = client.get_method(**where)
    assert (seen["authorizationType"], seen["methodIntegration"]["type"]) == ("AWS_IAM", "MOCK")
    assert list(seen["methodIntegration"]["integrationResponses"]) == list(seen["methodResponses"]) == ["200"]
    making.update(method, **of, Integration={"Type": "HTTP", "IntegrationHttpMethod": "GET", "Uri": "http://x.test/"})
    seen = client.get_method(**where)
    assert (seen["authorizationType"], seen["methodIntegration"]["type"]) == ("NONE", "HTTP")
    for made in (method, resource):
        making.delete(made)
        making.delete(made)
    assert refusal(client.get_method, **where)[0] == "NotFoundException"


def test_a_stage_has_a_deployment_and_settings(
    making: Remaking, client: Any, api: Resource, deployment: Resource
) -> None:
    of = {"RestApiId": api.physical, "DeploymentId": deployment.physical, "StageName": "live"}
    metrics = [{"HttpMethod": "*", "ResourcePath": "/*", "MetricsEnabled": "true"}]
    stage = making.create(f"{REST}Stage", **of, Variables={"a": "b"}, MethodSettings=metrics, TracingEnabled="true")
    assert stage.physical == "live" == making.again(stage).physical
    named = {"restApiId": api.physical, "stageName": "live"}
    seen = client.get_stage(**named)
    assert (seen["variables"], seen["tracingEnabled"]) == ({"a": "b"}, True)
    assert seen["methodSettings"]["*/*"]["metricsEnabled"] is True
    stage = making.update(stage, **of, Variables={"a": "c"}, Description="x", Tags=[{"Key": "k", "Value": "v"}])
    seen = client.get_stage(**named)
    assert (seen["variables"], seen["description"], own(seen["tags"])) == ({"a": "c"}, "x", {"k": "v"})
    making.delete(stage)
    making.delete(stage)
    assert refusal(client.get_stage, **named)[0] == "NotFoundException"


def test_a_deployment_may_make_its_stage(making: Remaking, client: Any, api: Resource, deployment: Resource) -> None:
    described = {"Variables": {"a": "b"}, "Description": "made"}
    made = making.create(f"{REST}Deployment", RestApiId=api.physical, StageName="with", StageDescription=described)
    named = {"restApiId": api.physical, "stageName": "with"}
    assert client.get_stage(**named)["variables"] == {"a": "b"}
    made = making.update(made, RestApiId=api.physical, StageName="with", StageDescription={"Description": "other"})
    assert client.get_stage(**named)["description"] == "other"
    making.delete(made)
    making.delete(made)
    assert refusal(client.get_stage, **named)[0] == "NotFoundException"
    assert deployment.attributes["DeploymentId"] == deployment.physical


def test_keys_are_of_plans_of_stages(making: Remaking, client: Any, api: Resource, deployment: Resource) -> None:
    of = {"RestApiId": api.physical, "DeploymentId": deployment.physical}
    stage = making.create(f"{REST}Stage", "Sold", **of, StageName="sold")
    stages = [{"ApiId": api.physical, "Stage": "sold"}]
    plan = making.create(f"{REST}UsagePlan", ApiStages=stages, Quota={"Limit": "10", "Period": "DAY"})
    plan = making.update(
        plan, ApiStages=stages, Quota={"Limit": 20, "Period": "DAY"}, Throttle={"RateLimit": 5}, Description="x"
    )
    seen = client.get_usage_plan(usagePlanId=plan.physical)
    assert (seen["quota"]["limit"], seen["description"]) == (20, "x")
    key = making.create(f"{REST}ApiKey", Enabled="true", Tags=[{"Key": "a", "Value": "b"}])
    assert client.get_api_key(apiKey=key.physical)["enabled"] is True
    key = making.update(key, Description="y", Tags=[{"Key": "a", "Value": "b"}])
    seen = client.get_api_key(apiKey=key.physical)
    assert (seen["enabled"], seen["description"], own(seen["tags"])) == (False, "y", {"a": "b"})
    member = making.create(f"{REST}UsagePlanKey", KeyId=key.physical, KeyType="API_KEY", UsagePlanId=plan.physical)
    assert member.physical == f"{key.physical}:{plan.physical}"
    for made in (member, key, plan, stage):
        making.delete(made)
        making.delete(made)
    assert client.get_usage_plans()["items"] == []


def test_parts_of_an_api_change_in_place(plane: InProcess, making: Remaking, client: Any, api: Resource) -> None:
    of = {"RestApiId": api.physical}
    token = {**of, "Name": "who", "Type": "TOKEN", "IdentitySource": "method.request.header.Authorization"}
    uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/f/invocations"
    authorizer = making.create(f"{REST}Authorizer", **token, AuthorizerUri=uri)
    making.update(authorizer, **token, AuthorizerUri=uri, AuthorizerResultTtlInSeconds=60)
    seen = client.get_authorizer(restApiId=api.physical, authorizerId=authorizer.physical)
    assert str(seen["authorizerResultTtlInSeconds"]) == "60"
    validator = making.create(f"{REST}RequestValidator", **of, ValidateRequestBody="true")
    validator = making.update(validator, **of, ValidateRequestParameters=True)
    seen = client.get_request_validator(restApiId=api.physical, requestValidatorId=validator.physical)
    assert (str(seen["validateRequestBody"]).lower(), str(seen["validateRequestParameters"]).lower()) == (
        "false",
        "true",
    )
    model = making.create(f"{REST}Model", **of, Name="Order", ContentType="application/json", Schema={"type": "object"})
    assert making.again(model).physical == "Order"
    response = making.create(f"{REST}GatewayResponse", **of, ResponseType="DEFAULT_4XX", StatusCode="404")
    response = making.update(response, **of, ResponseType="DEFAULT_4XX", StatusCode="410")
    assert client.get_gateway_response(restApiId=api.physical, responseType="DEFAULT_4XX")["statusCode"] == "410"
    for made in (response, validator, authorizer, authorizer):
        making.delete(made)
    logs = role(plane, trusting(Service="apigateway.amazonaws.com"))
    account = making.create(f"{REST}Account", CloudWatchRoleArn=logs)
    assert client.get_account()["cloudwatchRoleArn"] == logs
    making.delete(account)


def test_an_http_api_has_routes_to_integrations(plane: InProcess, making: Remaking) -> None:
    http = plane.client("apigatewayv2")
    api = making.create(f"{HTTP}Api", Name="web", ProtocolType="HTTP", Tags={"a": "b"})
    assert api.attributes["ApiEndpoint"].startswith("http")
    api = making.update(api, Name="web", ProtocolType="HTTP", Description="x", Tags={"c": "d"})
    seen = http.get_api(ApiId=api.physical)
    assert (seen["Description"], own(seen["Tags"])) == ("x", {"c": "d"})
    of = {"ApiId": api.physical}
    proxied = {**of, "IntegrationType": "HTTP_PROXY", "IntegrationMethod": "GET", "PayloadFormatVersion": "1.0"}
    integration = making.create(f"{HTTP}Integration", **proxied, IntegrationUri="http://x.test/")
    integration = making.update(integration, **proxied, IntegrationUri="http://y.test/")
    assert http.get_integration(**of, IntegrationId=integration.physical)["IntegrationUri"] == "http://y.test/"
    route = making.create(f"{HTTP}Route", **of, RouteKey="GET /", Target=f"integrations/{integration.physical}")
    route = making.update(route, **of, RouteKey="GET /a", Target=f"integrations/{integration.physical}")
    assert http.get_route(**of, RouteId=route.physical)["RouteKey"] == "GET /a"
    jwt = {"Audience": ["me"], "Issuer": "https://x.test"}
    known = {
        **of,
        "AuthorizerType": "JWT",
        "IdentitySource": ["$request.header.Authorization"],
        "JwtConfiguration": jwt,
    }
    authorizer = making.create(f"{HTTP}Authorizer", **known, Name="one")
    authorizer = making.update(authorizer, **known, Name="two")
    stage = making.create(f"{HTTP}Stage", **of, StageName="$default", AutoDeploy="true")
    assert http.get_stage(**of, StageName="$default")["AutoDeploy"] is True
    stage = making.update(stage, **of, StageName="$default", AutoDeploy="true", StageVariables={"a": "b"})
    assert http.get_stage(**of, StageName="$default")["StageVariables"] == {"a": "b"}
    for made in (stage, authorizer, route, integration, api):
        making.delete(made)
        making.delete(made)
    assert refusal(http.get_api, ApiId=api.physical)[0] == "NotFoundException"


def test_an_http_api_may_be_a_definition(plane: InProcess, making: Remaking) -> None:
    http = plane.client("apigatewayv2")
    proxied = {"type": "HTTP_PROXY", "httpMethod": "GET", "uri": "http://x.test/", "payloadFormatVersion": "1.0"}
    paths = {"/a": {"get": {"x-amazon-apigateway-integration": proxied}}}
    body = {"openapi": "3.0.1", "info": {"title": "defined", "version": "1"}, "paths": paths}
    api = making.create(f"{HTTP}Api", Body=body)
    assert http.get_api(ApiId=api.physical)["Name"] == "defined"
    assert [route["RouteKey"] for route in http.get_routes(ApiId=api.physical)["Items"]] == ["GET /a"]
    making.delete(api)
