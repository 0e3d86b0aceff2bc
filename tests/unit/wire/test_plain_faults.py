"""Faults before an operation is known."""

from __future__ import annotations

import pytest

from locum import wire
from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.wire.models import index
from support.wire_requests import form, rest, target

FAULT = Fault("SignatureDoesNotMatch", "No.", 403)


def signed(service: str) -> dict[str, str]:
    return {"authorization": f"AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/{service}/aws4_request, Signature=0"}


@pytest.mark.parametrize(
    ("request_", "beginning"),
    [
        (form("sts", "GetCallerIdentity"), b"<ErrorResponse"),
        (HttpRequest("POST", "/", "", signed("ec2"), b"Action=X&Version=1"), b"<Response><Errors>"),
        (target("DynamoDB_20120810.GetItem", {}), b"{"),
        (HttpRequest("GET", "/2015-03-31/functions", "", signed("lambda")), b"{"),
        (HttpRequest("GET", "/2013-04-01/hostedzone", "", signed("route53")), b"<ErrorResponse"),
        (HttpRequest("POST", "/", "", signed("sqs")), b"{"),
        (rest("GET", "/bucket/key"), b"<Error><Code>"),
        (rest("GET", "/b?X-Amz-Credential=AKIA%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"), b"<Error><Code>"),
    ],
)
def test_the_protocol_is_guessed_from_the_request(request_: HttpRequest, beginning: bytes) -> None:
    response = wire.plain_fault(request_, FAULT, "id-1")
    assert response.status == 403
    assert isinstance(response.body, bytes)
    assert beginning in response.body[:80]
    assert (
        b"SignatureDoesNotMatch" in response.body or ("x-amzn-ErrorType", "SignatureDoesNotMatch") in response.headers
    )


def test_cbor_is_answered_in_cbor() -> None:
    request = rest("POST", "/service/X/operation/Y", smithy_protocol="rpc-v2-cbor")
    assert ("Content-Type", "application/cbor") in wire.plain_fault(request, FAULT, "id-1").headers


CBOR_ONLY = sorted({service.signing_name for service in index().services.values() if service.without_cbor is None})


@pytest.mark.parametrize("service", ["codebuild", "monitoring", *CBOR_ONLY])
def test_only_who_speaks_cbor_is_answered_in_cbor(service: str) -> None:
    request = HttpRequest("GET", "/rules/one", "", signed(service))
    answer = wire.plain_fault(request, FAULT, "id-1")
    assert isinstance(answer.body, bytes)
    assert answer.body[:1] in (b"{", b"<")
    assert ("Content-Type", "application/cbor") not in answer.headers


def test_the_answer_to_head_has_no_body() -> None:
    assert wire.plain_fault(rest("HEAD", "/bucket/key"), FAULT, "id-1").body == b""


def test_a_codec_renders_answers_and_faults_in_its_protocol() -> None:
    codec = wire.resolve(form("sts", "GetCallerIdentity"), "sts")
    answer = codec.serialize({"Account": "123456789012", "Arn": "arn:x", "UserId": "A"}, "id-1")
    assert isinstance(answer.body, bytes)
    assert b"<Account>123456789012</Account>" in answer.body
    refused = codec.fault(FAULT, "id-1")
    assert (refused.status, isinstance(refused.body, bytes)) == (403, True)
