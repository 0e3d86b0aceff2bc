"""A signed request, altered on its way or sent at the wrong time."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import auth

from locum.core.http import HttpRequest
from locum.sigv4 import verify
from support.signers import KEY_ID, SECRET, Declared, changed, check, claimed, refusal, signed

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
URL = "http://localhost:4566"
BODY = b"Action=GetUser&Version=2010-05-08"
IAM = signed(auth.SigV4Auth, "iam", "POST", f"{URL}/", BODY, FORM, token="t")
EC2 = signed(auth.SigV4Auth, "ec2", "POST", f"{URL}/", b"Action=DescribeInstances", FORM)
KMS = signed(auth.SigV4Auth, "kms", "POST", f"{URL}/", b"{}", {"X-Amz-Target": "TrentService.ListKeys"})
LAMBDA = signed(auth.SigV4Auth, "lambda", "GET", f"{URL}/2015-03-31/functions/f?Qualifier=1")
S3 = signed(auth.S3SigV4Auth, "s3", "PUT", f"{URL}/bucket/key?x-id=PutObject", b"data", {"x-amz-acl": "private"})
PRESIGNED = signed(auth.S3SigV4QueryAuth, "s3", "GET", f"{URL}/bucket/key", token="t", expires=300)

CODES = {
    "iam": (IAM, "SignatureDoesNotMatch", 403),
    "ec2": (EC2, "AuthFailure", 401),
    "kms": (KMS, "InvalidSignatureException", 400),
    "lambda": (LAMBDA, "InvalidSignatureException", 403),
    "s3": (S3, "SignatureDoesNotMatch", 403),
    "presigned": (PRESIGNED, "SignatureDoesNotMatch", 403),
}

each = pytest.mark.parametrize(("request_", "code", "status"), CODES.values(), ids=CODES)


@each
def test_unaltered_it_verifies(request_: HttpRequest, code: str, status: int) -> None:
    assert check(request_) == request_.body
    assert (code, status) != ("", 200)


@each
@pytest.mark.parametrize(
    "change",
    [
        {"method": "DELETE"},
        {"raw_path": "/another/path"},
        {"query_string": "Qualifier=2"},
        {"headers": {"host": "elsewhere"}},
        {"headers": {"host": None}},
    ],
    ids=["method", "path", "query", "header", "header taken away"],
)
def test_altered_it_is_refused(request_: HttpRequest, code: str, status: int, change: dict[str, Any]) -> None:
    if request_ is PRESIGNED and "query_string" in change:
        change = {"query_string": request_.query_string + "&versionId=1"}
    fault = refusal(changed(request_, **change))
    assert (fault.code, fault.status) == (code, status)


@each
def test_another_secret_is_refused_and_nothing_secret_is_said(request_: HttpRequest, code: str, status: int) -> None:
    fault = refusal(request_, "another secret")
    assert (fault.code, fault.status) == (code, status)
    assert "another secret" not in f"{fault} {fault.members}"


@each
@pytest.mark.parametrize(("part", "other"), [("us-east-1", "eu-west-1"), ("aws4_request", "aws5_request")])
def test_a_changed_scope_is_refused(request_: HttpRequest, code: str, status: int, part: str, other: str) -> None:
    altered = changed(request_, query_string=request_.query_string.replace(part, other))
    if request_ is not PRESIGNED:
        altered = changed(request_, headers={"authorization": request_.headers["authorization"].replace(part, other)})
    assert refusal(altered).code in {code, "AuthorizationHeaderMalformed", "AuthorizationQueryParametersError"}
    assert status


def test_a_signature_for_one_service_is_refused_by_another() -> None:
    authorization = IAM.headers["authorization"].replace("/iam/", "/sts/")
    assert refusal(changed(IAM, headers={"authorization": authorization})).code == "SignatureDoesNotMatch"


def test_a_body_changed_after_signing_is_refused() -> None:
    assert refusal(changed(IAM, body=BODY + b"&UserName=a")).code == "SignatureDoesNotMatch"
    assert refusal(changed(KMS, body=b"{ }")).code == "InvalidSignatureException"
    fault = refusal(changed(S3, body=b"Data"))
    assert (fault.code, fault.status) == ("XAmzContentSHA256Mismatch", 400)
    assert fault.message == "The provided 'x-amz-content-sha256' header does not match what was computed."
    assert fault.members.keys() == {"ClientComputedContentSHA256", "S3ComputedContentSHA256"}


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        ("UNSIGNED-PAYLOAD", "SignatureDoesNotMatch"),
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", "SignatureDoesNotMatch"),
        ("0" * 64, "SignatureDoesNotMatch"),
        ("UNSIGNED", "InvalidArgument"),
        ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "InvalidArgument"),
        ("g" * 64, "InvalidArgument"),
        ("", "InvalidArgument"),
        (None, "InvalidRequest"),
    ],
)
def test_the_declared_payload_hash_cannot_be_swapped(declared: str | None, code: str) -> None:
    assert refusal(changed(S3, headers={"x-amz-content-sha256": declared})).code == code


def test_no_other_service_takes_the_payload_hash_from_a_header() -> None:
    headers = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"} | FORM
    request = signed(Declared, "iam", "POST", f"{URL}/", BODY, headers)
    assert refusal(request).code == "SignatureDoesNotMatch"


def test_an_operation_with_an_unsigned_payload_verifies_only_where_the_model_says_so() -> None:
    request = signed(Declared, "glacier", "POST", f"{URL}/", b"data", {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    claim = claimed(request)
    assert verify(request, claim, SECRET, claim.signed_at, unsigned_payload=True) == b"data"
    assert refusal(request).code == "InvalidSignatureException"


@pytest.mark.parametrize("name", ["x-amz-acl", "x-amz-copy-source", "x-amz-meta-a", "x-amz-security-token"])
def test_an_x_amz_header_slipped_into_an_s3_request_is_refused(name: str) -> None:
    for request in (signed(auth.S3SigV4Auth, "s3", "PUT", f"{URL}/bucket/key"), PRESIGNED):
        fault = refusal(changed(request, headers={name: "x"}))
        assert (fault.code, fault.status) == ("AccessDenied", 403)
        assert fault.message == "There were headers present in the request which were not signed"
        assert fault.members == {"HeadersNotSigned": name}


def test_a_target_slipped_into_a_json_request_is_refused() -> None:
    request = signed(auth.SigV4Auth, "kms", "POST", f"{URL}/", b"{}")
    fault = refusal(changed(request, headers={"x-amz-target": "TrentService.ScheduleKeyDeletion"}))
    assert fault.code == "InvalidSignatureException"
    assert fault.message == "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization."


def test_a_signature_that_does_not_cover_the_host_is_refused() -> None:
    authorization = KMS.headers["authorization"].replace("host;", "")
    fault = refusal(changed(KMS, headers={"authorization": authorization}))
    assert fault.message == "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."


@pytest.mark.parametrize("signature", ["", "0" * 64, "\u00e9" * 64, "0", "0" * 1000])
def test_a_signature_that_is_none_is_refused(signature: str) -> None:
    head = IAM.headers["authorization"].partition("Signature=")[0]
    fault = refusal(changed(IAM, headers={"authorization": f"{head}Signature={signature}"}))
    assert fault.code in {"SignatureDoesNotMatch", "IncompleteSignature"}


@each
def test_clocks_may_differ_by_fifteen_minutes(request_: HttpRequest, code: str, status: int) -> None:
    assert check(request_, after=-900) == request_.body
    assert check(request_, after=300) == request_.body
    assert (code, status) != ("", 200)


@pytest.mark.parametrize("after", [901, 86_400, -901, -86_400])
@pytest.mark.parametrize(
    ("request_", "code", "status"),
    [
        (IAM, "SignatureDoesNotMatch", 403),
        (KMS, "InvalidSignatureException", 400),
        (EC2, "RequestExpired", 400),
        (S3, "RequestTimeTooSkewed", 403),
        (PRESIGNED, "AccessDenied", 403),
    ],
    ids=["iam", "kms", "ec2", "s3", "presigned"],
)
def test_a_stale_or_future_date_is_refused(request_: HttpRequest, code: str, status: int, after: int) -> None:
    fault = refusal(request_, after=after)
    assert (fault.code, fault.status) == (code, status)


def test_a_stale_date_is_explained() -> None:
    request = signed(auth.SigV4Auth, "iam", "GET", f"{URL}/?Action=GetUser")
    claim = claimed(request)._replace(date="20260101T000000Z", signed_at=1_767_225_600)
    with pytest.raises(Exception, match="Signature expired") as caught:
        verify(request, claim, SECRET, 1_767_225_600 + 3600)
    assert str(caught.value) == (
        "SignatureDoesNotMatch: Signature expired: 20260101T000000Z is now earlier than 20260101T004500Z "
        "(20260101T010000Z - 15 min.)"
    )
    with pytest.raises(Exception, match="not yet current") as caught:
        verify(request, claim, SECRET, 1_767_225_600 - 3600)
    assert str(caught.value) == (
        "SignatureDoesNotMatch: Signature not yet current: 20260101T000000Z is still later than 20251231T231500Z "
        "(20251231T230000Z + 15 min.)"
    )


def test_s3_tells_both_clocks() -> None:
    fault = refusal(S3, after=901)
    assert fault.members["RequestTime"] == claimed(S3).date
    assert fault.members["MaxAllowedSkewMilliseconds"] == "900000"
    assert fault.members.keys() == {"RequestTime", "ServerTime", "MaxAllowedSkewMilliseconds"}


def test_a_presigned_url_ends_when_it_says() -> None:
    assert check(PRESIGNED, after=300) == b""
    fault = refusal(PRESIGNED, after=301)
    assert str(fault) == "AccessDenied: Request has expired"
    assert fault.members["X-Amz-Expires"] == "300"
    assert str(refusal(PRESIGNED, after=-901)) == "AccessDenied: Request is not yet valid"


@pytest.mark.parametrize(("old", "new"), [("Expires=300", "Expires=301"), ("X-Amz-Security-Token=t", "Security=t")])
def test_no_parameter_of_a_presigned_url_can_be_changed(old: str, new: str) -> None:
    code = "SignatureDoesNotMatch"
    assert refusal(changed(PRESIGNED, query_string=PRESIGNED.query_string.replace(old, new))).code == code


def test_a_mismatch_on_s3_tells_what_was_to_be_signed() -> None:
    fault = refusal(changed(S3, method="POST"))
    assert fault.message == (
        "The request signature we calculated does not match the signature you provided. Check your key and signing "
        "method."
    )
    assert fault.members["AWSAccessKeyId"] == KEY_ID
    assert fault.members["StringToSign"].startswith("AWS4-HMAC-SHA256\n")


def test_a_plus_in_a_query_is_a_space_and_no_plus() -> None:
    request = signed(auth.S3SigV4Auth, "s3", "GET", f"{URL}/bucket?prefix=a%20b")
    assert check(changed(request, query_string="prefix=a+b")) == b""
    assert refusal(changed(request, query_string="prefix=a%2Bb")).code == "SignatureDoesNotMatch"


def test_escapes_in_lower_case_and_needless_ones_are_the_same_path() -> None:
    request = signed(auth.S3SigV4Auth, "s3", "GET", f"{URL}/bucket/a%2Bb~")
    assert check(changed(request, raw_path="/bucket/a%2bb%7E")) == b""
    assert check(changed(request, raw_path="/bucket/a+b~")) == b""
    assert refusal(changed(request, raw_path="/bucket/a%20b~")).code == "SignatureDoesNotMatch"
    assert refusal(changed(request, raw_path="/bucket/a%252Bb~")).code == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    "path", ["/2015-03-31/functions/g/../f", "/./2015-03-31/functions/f", "/../2015-03-31/functions/f"]
)
def test_dot_segments_lead_nowhere(path: str) -> None:
    assert refusal(changed(LAMBDA, raw_path=path)).code == "InvalidSignatureException"
