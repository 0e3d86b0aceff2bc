"""Which operation a request is, for all services but S3."""

from __future__ import annotations

import pytest

from locum import wire
from locum.core.http import HttpRequest
from support.wire_requests import form, name_of, refusal, rest, target


def test_a_codec_is_made_once() -> None:
    first = wire.resolve(form("sts", "GetCallerIdentity"), "sts")
    assert first is wire.resolve(form("sts", "GetCallerIdentity"), "sts")
    assert (first.protocol, first.signing_name, first.api_version) == ("query", "sts", "2011-06-15")
    assert first.model.name == "GetCallerIdentity"


@pytest.mark.parametrize(
    ("signing_name", "method", "path", "found"),
    [
        ("lambda", "GET", "/2015-03-31/functions", "lambda.ListFunctions"),
        ("lambda", "GET", "/2015-03-31/functions/", "lambda.ListFunctions"),
        ("lambda", "GET", "/2015-03-31/functions/arn%3Aaws%3Alambda%3A%2Fx/policy", "lambda.GetPolicy"),
        ("lambda", "GET", "/2018-10-31/layers", "lambda.ListLayers"),
        ("lambda", "GET", "/2018-10-31/layers?find=LayerVersion&Arn=x", "lambda.GetLayerVersionByArn"),
        ("lambda", "GET", "/2018-10-31/layers?find=%4cayerVersion&Arn=x", "lambda.GetLayerVersionByArn"),
        ("apigateway", "GET", "/restapis/abc/resources", "apigateway.GetResources"),
        ("apigateway", "POST", "/restapis?mode=import", "apigateway.ImportRestApi"),
        ("apigateway", "POST", "/restapis", "apigateway.CreateRestApi"),
        ("apigateway", "GET", "/v2/apis", "apigatewayv2.GetApis"),
        ("execute-api", "POST", "/@connections/abc", "apigatewaymanagementapi.PostToConnection"),
        ("execute-api", "POST", "/%40connections/abc", "apigatewaymanagementapi.PostToConnection"),
        ("es", "GET", "/2015-01-01/domain", "es.ListDomainNames"),
        ("es", "GET", "/2021-01-01/domain", "opensearch.ListDomainNames"),
        ("ses", "POST", "/v2/email/outbound-emails", "sesv2.SendEmail"),
        ("lex", "GET", "/bots/", "lex-models.GetBots"),
        ("lex", "POST", "/bots/", "lexv2-models.ListBots"),
        ("sagemaker", "POST", "/endpoints/e/invocations", "sagemaker-runtime.InvokeEndpoint"),
        ("route53", "GET", "/2013-04-01/hostedzone", "route53.ListHostedZones"),
        ("workspaces-web", "PUT", "/portals/arn:aws:x/y/z/browserSettings", "workspaces-web.AssociateBrowserSettings"),
    ],
)
def test_a_path_finds_its_service_and_operation(signing_name: str, method: str, path: str, found: str) -> None:
    assert name_of(rest(method, path), signing_name) == found


@pytest.mark.parametrize(
    ("signing_name", "name", "found"),
    [
        ("dynamodb", "DynamoDB_20120810.GetItem", "dynamodb.GetItem"),
        ("dynamodb", "DynamoDBStreams_20120810.GetRecords", "dynamodbstreams.GetRecords"),
        ("kinesisanalytics", "KinesisAnalytics_20180523.ListApplications", "kinesisanalyticsv2.ListApplications"),
        ("timestream", "Timestream_20181101.WriteRecords", "timestream-write.WriteRecords"),
        ("timestream", "Timestream_20181101.Query", "timestream-query.Query"),
        (None, "AWSCognitoIdentityProviderService.InitiateAuth", "cognito-idp.InitiateAuth"),
    ],
)
def test_a_target_finds_its_service_and_operation(signing_name: str | None, name: str, found: str) -> None:
    assert name_of(target(name, {}), signing_name) == found


@pytest.mark.parametrize(
    ("action", "version", "found"),
    [
        ("CreateDBInstance", "2014-10-31", "rds.CreateDBInstance"),
        ("CreateGlobalCluster", "2014-10-31", "rds.CreateGlobalCluster"),
        ("AddRoleToDBCluster", "2014-10-31", "rds.AddRoleToDBCluster"),
    ],
)
def test_services_of_one_name_and_version_are_told_apart_by_the_operation(
    action: str, version: str, found: str
) -> None:
    request = form("iam", action)
    request.body = f"Action={action}&Version={version}".encode()
    assert name_of(request, "rds") == found


def test_the_version_tells_the_two_load_balancing_apis_apart() -> None:
    for version, found in (("2012-06-01", "elb"), ("2015-12-01", "elbv2")):
        request = form("iam", "DescribeLoadBalancers")
        request.body = f"Action=DescribeLoadBalancers&Version={version}".encode()
        assert name_of(request, "elasticloadbalancing") == f"{found}.DescribeLoadBalancers"


def test_a_presigned_call_has_its_action_in_the_query_string() -> None:
    request = rest("GET", "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=60")
    assert name_of(request, "sts") == "sts.GetCallerIdentity"


def test_cbor_is_routed_by_its_path() -> None:
    path = "/service/GraniteServiceVersion20100801/operation/ListMetrics"
    codec = wire.resolve(rest("POST", path, smithy_protocol="rpc-v2-cbor"), "monitoring")
    assert (codec.service, codec.operation, codec.protocol) == ("cloudwatch", "ListMetrics", "smithy-rpc-v2-cbor")
    fault = refusal(rest("POST", path + "X", smithy_protocol="rpc-v2-cbor"), "monitoring")
    assert (fault.code, fault.status) == ("UnknownOperationException", 404)


@pytest.mark.parametrize("action", ["AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"])
def test_unsigned_calls_of_sts_are_found_by_their_action(action: str) -> None:
    assert name_of(form("sts", action), None) == f"sts.{action}"


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("GET", "/federation/credentials?role_name=x", "sso.GetRoleCredentials"),
        ("POST", "/client/register", "sso-oidc.RegisterClient"),
    ],
)
def test_unsigned_calls_of_the_portal_are_found_by_their_path(method: str, path: str, found: str) -> None:
    assert name_of(rest(method, path), None) == found


def test_an_unknown_action_is_what_aws_calls_it() -> None:
    fault = refusal(form("iam", "CreateRoles"), "iam")
    assert (fault.code, fault.status) == ("InvalidAction", 400)
    assert fault.message == "Could not find operation CreateRoles for version 2010-05-08"


def test_a_missing_version_is_what_aws_calls_it() -> None:
    fault = refusal(HttpRequest("POST", "/", "", {}, b"Action=ListUsers"), "iam")
    assert fault.message == "Could not find operation ListUsers for version NO_VERSION_SPECIFIED"


def test_ec2_has_its_own_words_for_an_unknown_action() -> None:
    fault = refusal(form("ec2", "RunInstance"), "ec2")
    assert (fault.code, fault.message) == ("InvalidAction", "The action RunInstance is not valid for this web service.")


@pytest.mark.parametrize("version", ["2014-10-01", "2016-11-15"])
def test_ec2_answers_to_its_older_versions(version: str) -> None:
    request = HttpRequest("POST", "/", "", {}, f"Action=DescribeInstances&Version={version}".encode())
    assert name_of(request, "ec2") == "ec2.DescribeInstances"


def test_a_request_without_any_action_is_refused() -> None:
    assert refusal(HttpRequest("POST", "/", "", {}, b""), "sts").code == "MissingAction"


@pytest.mark.parametrize(
    ("request_", "signing_name", "status"),
    [
        (target("DynamoDB_20120810.Nothing", {}), "dynamodb", 400),
        (target("Nothing", {}), "dynamodb", 400),
        (rest("POST", "/"), "dynamodb", 404),
        (rest("GET", "/nothing"), "lambda", 404),
        (rest("GET", "/2015-03-31/functions//policy"), "lambda", 404),
        (rest("GET", "//2015-03-31/functions"), "lambda", 404),
        (rest("GET", "/"), "no-such-service", 404),
    ],
)
def test_what_no_service_has_is_an_unknown_operation(request_: HttpRequest, signing_name: str, status: int) -> None:
    fault = refusal(request_, signing_name)
    assert (fault.code, fault.status) == ("UnknownOperationException", status)


def test_a_request_signed_for_one_service_is_never_another_services() -> None:
    assert refusal(target("DynamoDB_20120810.GetItem", {}), "sqs").code == "UnknownOperationException"
    assert refusal(form("iam", "ListUsers"), "sts").code == "InvalidAction"
    assert refusal(form("iam", "ListUsers"), "s3").code == "MethodNotAllowed"


def test_the_text_of_a_json_body_is_not_taken_for_an_action() -> None:
    request = rest("POST", "/v2/email/outbound-emails", b'{"x":"&Action=DeleteIdentity&Version=2010-12-01"}')
    request = HttpRequest("POST", request.raw_path, "", {"content-type": "application/json"}, request.body)
    assert name_of(request, "ses") == "sesv2.SendEmail"
    assert name_of(HttpRequest("PUT", "/bucket/key", "", {}, b"Action=AssumeRole&Version=2011-06-15"), None) == (
        "s3.PutObject"
    )


def test_a_shared_path_goes_to_the_service_whose_host_it_is() -> None:
    request = rest("POST", "/tags?operation=tag-resource", host="messaging-chime.us-east-1.amazonaws.com")
    assert name_of(request, "chime") == "chime-sdk-messaging.TagResource"
