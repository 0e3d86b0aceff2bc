"""The signatures of S3's forms, and the policies that they are about."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.sigv4 import SIGV2, Mechanism, read_form, verify_form
from locum.sigv4.post_policy import Subject, check
from locum.sigv4.times import epoch_of
from locum.sigv4.version2 import sign
from support.post_forms import DATE, policy, signed_fields
from support.signers import KEY_ID, SECRET

REQUEST = HttpRequest("POST", "/bucket", "", {"host": "h"})
NOW = float(epoch_of(DATE) or 0)
LATE = "2026-01-01T00:00:00Z"
OPEN = [{"bucket": "bucket"}, ["starts-with", "$key", ""]]


def verify(fields: dict[str, str], now: float = NOW, size: int = 7, bucket: str = "bucket") -> None:
    claim = read_form(REQUEST, fields)
    assert claim is not None
    verify_form(claim, fields, SECRET, now, bucket=bucket, size=size)


def refusal(fields: dict[str, str], **options: Any) -> tuple[str, int, str]:
    with pytest.raises(Fault) as caught:
        verify(fields, **options)
    return caught.value.code, caught.value.status, caught.value.message


def of_version_2(conditions: list[Any], **fields: str) -> dict[str, str]:
    text = policy(conditions)
    return {"key": "k", "awsaccesskeyid": KEY_ID, "policy": text, "signature": sign(SECRET, text)} | fields


def test_the_example_of_the_api_reference_verifies() -> None:
    """S3 API Reference, "Example: Browser-Based Upload using HTTP POST (Using AWS Signature Version 4)"."""
    text = (
        '{ "expiration": "2015-12-30T12:00:00.000Z",\r\n  "conditions": [\r\n    {"bucket": "sigv4examplebucket"},\r\n'
        '    ["starts-with", "$key", "user/user1/"],\r\n    {"acl": "public-read"},\r\n'
        '    {"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},\r\n'
        '    ["starts-with", "$Content-Type", "image/"],\r\n    {"x-amz-meta-uuid": "14365123651274"},\r\n'
        '    {"x-amz-server-side-encryption": "AES256"},\r\n    ["starts-with", "$x-amz-meta-tag", ""],\r\n\r\n'
        '    {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},\r\n'
        '    {"x-amz-algorithm": "AWS4-HMAC-SHA256"},\r\n    {"x-amz-date": "20151229T000000Z" }\r\n  ]\r\n}'
    )
    fields = {
        "key": "user/user1/photo.jpg",
        "acl": "public-read",
        "success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html",
        "content-type": "image/jpeg",
        "x-amz-meta-uuid": "14365123651274",
        "x-amz-server-side-encryption": "AES256",
        "x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request",
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-date": "20151229T000000Z",
        "x-amz-meta-tag": "",
        "policy": b64encode(text.encode()).decode(),
        "x-amz-signature": "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e",
    }
    verify(fields, float(epoch_of("20151229T120000Z") or 0), bucket="sigv4examplebucket")


def test_both_versions_verify_and_say_which_they_are() -> None:
    fields = signed_fields(SECRET, KEY_ID, OPEN, {"key": "k"})
    verify(fields)
    claim = read_form(REQUEST, fields)
    assert claim is not None
    assert (claim.mechanism, claim.age(NOW + 2)) == (Mechanism.FORM, 2000)
    old = of_version_2(OPEN)
    verify(old)
    claim = read_form(REQUEST, old)
    assert claim is not None
    assert (claim.algorithm, claim.mechanism, claim.age(NOW + 2)) == (SIGV2, Mechanism.FORM, 0)


@pytest.mark.parametrize("fields", [signed_fields(SECRET, KEY_ID, OPEN, {"key": "k"}), of_version_2(OPEN)])
def test_a_policy_that_was_altered_is_refused(fields: dict[str, str]) -> None:
    wider = {**fields, "policy": policy([["starts-with", f"${name}", ""] for name in (*fields, "bucket")])}
    assert refusal(wider)[:2] == ("SignatureDoesNotMatch", 403)


def test_a_form_without_policy_and_signature_is_unsigned_and_a_part_of_them_is_refused() -> None:
    assert read_form(REQUEST, {"key": "k"}) is None
    for fields in (signed_fields(SECRET, KEY_ID, OPEN, {"key": "k"}), of_version_2(OPEN)):
        for name in fields.keys() - {"key"}:
            with pytest.raises(Fault) as caught:
                read_form(REQUEST, {key: value for key, value in fields.items() if key != name})
            assert caught.value.code == "InvalidArgument"
            assert caught.value.message.lower().startswith(f"bucket post must contain a field named '{name}'")
    with pytest.raises(Fault) as caught:
        read_form(REQUEST, {"key": "k", "policy": policy(OPEN)})
    assert caught.value.code == "AccessDenied"


@pytest.mark.parametrize(
    "change",
    [
        {"x-amz-algorithm": "AWS4-HMAC-SHA1"},
        {"x-amz-credential": f"{KEY_ID}/us-east-1/s3/aws4_request"},
        {"x-amz-credential": f"{KEY_ID}/20260101/us-east-1/ec2/aws4_request"},
        {"x-amz-credential": f"{KEY_ID}/20260102/us-east-1/s3/aws4_request"},
        {"x-amz-date": "2026-01-01T00:00:00Z"},
    ],
)
def test_a_credential_that_is_not_s3s_of_that_day_is_refused(change: dict[str, str]) -> None:
    fields = signed_fields(SECRET, KEY_ID, OPEN, {"key": "k"}) | change
    assert refusal(fields)[:2] == ("AuthorizationQueryParametersError", 400)


def test_a_form_ends_with_its_policy_and_with_the_week_of_its_key() -> None:
    fields = signed_fields(SECRET, KEY_ID, OPEN, {"key": "k"})
    verify(fields, NOW + 86_399)
    expired = ("AccessDenied", 403, "Invalid according to Policy: Policy expired.")
    assert refusal(fields, now=NOW + 86_400) == expired
    assert refusal(fields, now=NOW + 604_801)[::2] == ("AccessDenied", "Request has expired")
    assert refusal(fields, now=NOW - 901)[::2] == ("AccessDenied", "Request is not yet valid")


RANGE = ["content-length-range", 5, 10]
IMAGES = ["starts-with", "$Content-Type", "image/"]


def held(conditions: Any, fields: dict[str, str] | None = None, size: int = 7) -> str:
    """The message with which a form is refused, else empty."""
    subject = Subject({name.replace("_", "-"): value for name, value in (fields or {}).items()}, size)
    try:
        check(policy(conditions), subject, NOW)
    except Fault as fault:
        return f"{fault.code}: {fault.message}"
    return ""


@pytest.mark.parametrize(
    ("conditions", "fields"),
    [
        ([{"key": "k"}], {"key": "k"}),
        ([{"KEY": "k"}], {"key": "k"}),
        ([["eq", "$key", "k"]], {"key": "k"}),
        ([["StArTs-WiTh", "$KeY", "k"]], {"key": "kk"}),
        ([["starts-with", "$acl", ""]], {}),
        ([{"success_action_redirect": ""}], {}),
        ([RANGE], {}),
        ([["content-length-range", "5", "7"]], {}),
        ([IMAGES], {"content_type": "image/png"}),
        ([IMAGES], {"content_type": "image/png, image/gif"}),
        ([], {"policy": "x", "file": "x", "signature": "x", "x_ignore_a": "x", "awsaccesskeyid": "x"}),
        ([["starts-with", "$key", "\\$a"]], {"key": "\\$ab"}),
    ],
    ids=str,
)
def test_a_form_that_keeps_to_its_policy_is_taken(conditions: list[Any], fields: dict[str, str]) -> None:
    assert held(conditions, fields) == ""


@pytest.mark.parametrize(
    ("conditions", "fields", "told"),
    [
        ([["eq", "$key", "a"]], {"key": "b"}, 'Policy Condition failed: ["eq", "$key", "a"]'),
        ([{"acl": "private"}], {"acl": "public-read"}, 'Policy Condition failed: ["eq", "$acl", "private"]'),
        ([{"Key": "a"}], {"key": "A"}, 'Policy Condition failed: ["eq", "$Key", "a"]'),
        ([["eq", "key", "a"]], {"key": "a"}, 'Policy Condition failed: ["eq", "key", "a"]'),
        ([["starts-with", "$key", "u/"]], {"key": "v/u/"}, 'Policy Condition failed: ["starts-with", "$key", "u/"]'),
        ([IMAGES], {"content_type": "image/png,text/html"}, f"Policy Condition failed: {json.dumps(IMAGES)}"),
        ([{"acl": "private"}], {}, 'Policy Condition failed: ["eq", "$acl", "private"]'),
        ([], {"bucket": "b"}, "Extra input fields: bucket"),
        ([{"key": "k"}], {"key": "k", "acl": "private"}, "Extra input fields: acl"),
        ([], {"x_amz_security_token": "t"}, "Extra input fields: x-amz-security-token"),
    ],
    ids=str,
)
def test_a_form_that_breaks_its_policy_is_refused(conditions: list[Any], fields: dict[str, str], told: str) -> None:
    assert held(conditions, fields) == f"AccessDenied: Invalid according to Policy: {told}"


def test_the_size_of_the_file_is_held_to_its_range() -> None:
    assert held([RANGE], size=4) == "EntityTooSmall: Your proposed upload is smaller than the minimum allowed size"
    assert held([RANGE], size=11) == "EntityTooLarge: Your proposed upload exceeds the maximum allowed size"
    assert held([RANGE, ["content-length-range", 0, 6]]).startswith("EntityTooLarge")


@pytest.mark.parametrize(
    "conditions",
    [
        {},
        "all",
        ["bucket"],
        [{}],
        [{"acl": "private", "key": "k"}],
        [{"acl": 1}],
        [[]],
        [["eq", "$key"]],
        [["eq", "$key", 1]],
        [["ends-with", "$key", "x"]],
        [[["eq"], "$key", "x"]],
        [["content-length-range", 0]],
        [["content-length-range", -1, 0]],
        [["content-length-range", 0, "x"]],
        [["content-length-range", 0, True]],
        [["content-length-range", 0, 1.5]],
    ],
    ids=str,
)
def test_conditions_that_are_none_are_refused(conditions: Any) -> None:
    assert held(conditions).startswith("InvalidPolicyDocument: Invalid Policy: ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '"expiration"',
        "[" * 100_000,
        '{"conditions": []}',
        f'{{"expiration": "{LATE}"}}',
        '{"expiration": "2999-02-30T00:00:00Z", "conditions": []}',
        '{"expiration": "2999-01-01T00:00:00+00:00", "conditions": []}',
        '{"expiration": "2999-01-01 00:00:00", "conditions": []}',
        '{"expiration": "tomorrow", "conditions": []}',
        '{"expiration": 32503680000, "conditions": []}',
        '{"EXPIRATION": "2999-01-01T00:00:00Z", "conditions": []}',
    ],
    ids=lambda text: text[:50],
)
def test_documents_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(Fault) as caught:
        check(b64encode(text.encode()).decode(), Subject({}, 0), NOW)
    assert caught.value.code == "InvalidPolicyDocument"
    with pytest.raises(Fault) as caught:
        check(f"{{{text}", Subject({}, 0), NOW)
    assert caught.value.code == "InvalidPolicyDocument"


def test_an_escaped_dollar_sign_is_one() -> None:
    text = '{"expiration": "2999-01-01T00:00:00Z", "conditions": [["eq", "$key", "\\$a"]]}'
    check(b64encode(text.encode()).decode(), Subject({"key": "$a"}, 0), NOW)
