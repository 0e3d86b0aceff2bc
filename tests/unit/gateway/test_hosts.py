"""The endpoint that a request is sent to, and the one that it is signed for."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth

from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.gateway.hosts import region_of
from locum.sigv4 import read
from support.signers import signed

FORM = {"content-type": "application/x-www-form-urlencoded"}
S3 = "https://b.s3.eu-west-1.amazonaws.com/k"


def of(request: HttpRequest) -> str:
    return region_of(request, read(request))


def refused(request: HttpRequest) -> Fault:
    with pytest.raises(Fault) as caught:
        of(request)
    return caught.value


def query(service: str, host: str) -> HttpRequest:
    """A call of the query protocol, signed for us-east-1."""
    return signed(SigV4Auth, service, "POST", f"https://{host}/", b"Action=GetCallerIdentity", FORM)


@pytest.mark.parametrize("host", ["sts.amazonaws.com", "sts.us-east-1.amazonaws.com", "localhost:4566", "127.0.0.1"])
def test_what_is_signed_for_its_endpoint_goes_on(host: str) -> None:
    of(query("sts", host))


@pytest.mark.parametrize(
    ("service", "host", "text"),
    [
        ("sts", "iam.amazonaws.com", "Credential should be scoped to correct service: 'iam'. "),
        ("iam", "sts.us-east-1.amazonaws.com", "Credential should be scoped to correct service: 'sts'. "),
        ("s3", "sts.us-east-1.amazonaws.com", "Credential should be scoped to correct service: 'sts'. "),
        ("sts", "sts.eu-west-1.amazonaws.com", "Credential should be scoped to a valid region, not 'us-east-1'. "),
    ],
)
def test_a_signature_for_another_endpoint_is_refused_as_aws_refuses_it(service: str, host: str, text: str) -> None:
    fault = refused(query(service, host))
    assert (fault.code, fault.status, fault.message) == ("SignatureDoesNotMatch", 403, text)


def test_a_service_with_json_refuses_in_its_own_words() -> None:
    headers = {"x-amz-target": "DynamoDB_20120810.ListTables", "content-type": "application/x-amz-json-1.0"}
    fault = refused(signed(SigV4Auth, "dynamodb", "POST", "https://sqs.us-east-1.amazonaws.com/", b"{}", headers))
    assert (fault.code, fault.status) == ("InvalidSignatureException", 400)


@pytest.mark.parametrize(
    ("signer", "code", "begin"),
    [
        (S3SigV4Auth, "AuthorizationHeaderMalformed", "The authorization header is malformed; "),
        (S3SigV4QueryAuth, "AuthorizationQueryParametersError", "Error parsing the X-Amz-Credential parameter; "),
    ],
)
def test_s3_tells_the_region_that_it_expects(signer: type[Any], code: str, begin: str) -> None:
    fault = refused(signed(signer, "s3", "GET", S3))
    assert (fault.code, fault.status) == (code, 400)
    assert fault.message == f"{begin}the region 'us-east-1' is wrong; expecting 'eu-west-1'"
    assert fault.members == {"Region": "eu-west-1"}


def test_s3_tells_which_service_its_endpoint_belongs_to() -> None:
    fault = refused(signed(SigV4Auth, "sts", "GET", "https://s3.us-east-1.amazonaws.com/"))
    assert fault.code == "AuthorizationHeaderMalformed"
    assert fault.message.endswith('incorrect service "sts". This endpoint belongs to "s3".')


def test_a_bucket_at_the_global_endpoint_may_be_in_any_region() -> None:
    assert of(signed(S3SigV4Auth, "s3", "GET", "https://b.s3.amazonaws.com/k")) == ""


@pytest.mark.parametrize(
    ("host", "region"),
    [("b.s3.eu-west-1.amazonaws.com", "eu-west-1"), ("sts.amazonaws.com", "us-east-1"), ("localhost:4566", "")],
)
def test_the_region_of_an_unsigned_request_is_that_of_its_host(host: str, region: str) -> None:
    assert of(HttpRequest("GET", "/k", "", {"host": host})) == region


@pytest.mark.parametrize("host", ["a1.execute-api.us-east-1.amazonaws.com", "a1.lambda-url.us-east-1.on.aws"])
@pytest.mark.parametrize("service", ["lambda", "execute-api", "s3", UNSIGNED])
def test_what_is_not_served_at_a_host_is_refused_whoever_asks(host: str, service: Any) -> None:
    request = HttpRequest("GET", "/", "", {"host": host})
    if service is not UNSIGNED:
        request = signed(SigV4Auth, service, "GET", f"https://{host}/")
    assert refused(request).code == "NotImplemented"
