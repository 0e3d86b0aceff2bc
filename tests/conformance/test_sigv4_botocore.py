"""What botocore signs, we verify: each of its signers, by header and in the query."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import auth

from locum.sigv4.faults import Family
from support.signers import Declared, changed, check, claimed, refusal, signed

FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "User-Agent": "Boto3/1"}
TARGET = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.ListTables"}
URL = "http://localhost:4566"


@pytest.mark.parametrize("token", [None, "a/token+with=signs=="])
@pytest.mark.parametrize(
    ("service", "method", "path", "body", "headers", "family"),
    [
        ("sts", "POST", "/", b"Action=GetCallerIdentity&Version=2011-06-15", FORM, Family.QUERY),
        ("ec2", "POST", "/", b"Action=DescribeInstances&Version=2016-11-15", FORM, Family.EC2),
        ("dynamodb", "POST", "/", b"{}", TARGET, Family.JSON),
        ("lambda", "GET", "/2015-03-31/functions/arn%3Aaws%3Alambda/x?Marker=a%2Fb", b"", {}, Family.REST_JSON),
        ("apigateway", "PUT", "/tags/a%20b/%E2%82%AC/~", b"{}", {"Accept": "a,   b"}, Family.REST_JSON),
        ("execute-api", "GET", "//stage//resource/", b"", {}, Family.REST_JSON),
    ],
)
def test_header_signatures_verify(
    service: str,
    method: str,
    path: str,
    body: bytes,
    headers: dict[str, str],
    family: Family,
    token: str | None,
) -> None:
    request = signed(auth.SigV4Auth, service, method, URL + path, body, headers, token=token)
    assert check(request) == body
    claim = claimed(request)
    assert claim.session_token == token
    assert claim.scope.service == service
    assert claim.family is family
    assert not claim.presigned


@pytest.mark.parametrize("token", [None, "a/token+with=signs=="])
@pytest.mark.parametrize("signer", [auth.S3SigV4Auth, auth.S3SigV4QueryAuth])
@pytest.mark.parametrize(
    "path",
    [
        "/bucket",
        "/bucket/a//b/../c",
        "/bucket/%C3%A9%20%2B%3F%2F",
        "/bucket?uploads",
        "/bucket?prefix=a%2Bb&delimiter=",
    ],
)
def test_s3_signatures_verify(signer: type[Any], path: str, token: str | None) -> None:
    request = signed(signer, "s3", "PUT", URL + path, b"data", {"x-amz-meta-a": " b  c "}, token=token)
    assert check(request) == b"data"
    assert claimed(request).session_token == token
    assert claimed(request).family is Family.S3


@pytest.mark.parametrize("service", ["s3express", "s3-outposts", "s3-object-lambda"])
def test_the_other_services_that_sign_as_s3_does_verify(service: str) -> None:
    request = signed(auth.S3SigV4Auth, service, "GET", f"{URL}/bucket/a%20b")
    assert check(request) == b""


def test_a_presigned_get_caller_identity_verifies_for_fifteen_minutes_whatever_it_says() -> None:
    """The token of `aws eks get-token`: X-Amz-Expires is 60, and STS goes by 15 minutes."""
    url = f"{URL}/?Action=GetCallerIdentity&Version=2011-06-15"
    request = signed(auth.SigV4QueryAuth, "sts", "GET", url, headers={"x-k8s-aws-id": "cluster"}, expires=60)
    assert claimed(request).presigned
    assert check(request, after=900) == b""
    fault = refusal(request, after=901)
    assert fault.code == "SignatureDoesNotMatch"
    assert fault.message.startswith("Signature expired: ")
    assert refusal(changed(request, headers={"x-k8s-aws-id": "another"})).code == "SignatureDoesNotMatch"


def test_a_presigned_url_of_another_service_lasts_as_long_as_it_says() -> None:
    request = signed(auth.SigV4QueryAuth, "polly", "GET", f"{URL}/v1/speech?Text=a", expires=90)
    assert check(request, after=90) == b""
    fault = refusal(request, after=91)
    assert fault.code == "InvalidSignatureException"
    assert fault.message.endswith("- 90 sec.)")


@pytest.mark.parametrize("payload", ["UNSIGNED-PAYLOAD", None])
def test_a_presigned_upload_leaves_its_body_open(payload: str | None) -> None:
    headers = {} if payload is None else {"x-amz-content-sha256": payload}
    request = signed(auth.S3SigV4QueryAuth, "s3", "PUT", f"{URL}/bucket/key", headers=headers, expires=60)
    assert check(changed(request, body=b"decided later")) == b"decided later"


def test_an_unsigned_s3_payload_verifies_as_declared() -> None:
    headers = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    request = signed(Declared, "s3", "PUT", f"{URL}/bucket/key", b"data", headers)
    assert check(request) == b"data"
    assert check(changed(request, body=b"other")) == b"other"


def test_what_a_proxy_adds_does_not_matter_unless_it_is_signed() -> None:
    request = signed(auth.S3SigV4Auth, "s3", "GET", f"{URL}/bucket")
    added = {"x-forwarded-for": "10.0.0.1", "x-amzn-trace-id": "Root=1", "via": "1.1 proxy"}
    assert check(changed(request, headers=added)) == b""


def test_header_values_that_are_not_ascii_verify_byte_by_byte() -> None:
    request = signed(auth.SigV4Auth, "lambda", "GET", f"{URL}/x", headers={"x-note": "caf\u00e9 \u20ac"})
    assert request.headers["x-note"] != "caf\u00e9 \u20ac"  # a server reads Latin-1
    assert check(request) == b""
