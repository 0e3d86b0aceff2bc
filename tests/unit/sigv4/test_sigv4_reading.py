"""What is refused before any secret is looked up, with AWS's codes and texts."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

import pytest

from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.sigv4 import Claim, read
from locum.sigv4.faults import Family
from support.signers import KEY_ID

DATE = "20260101T000000Z"
SCOPE = "20260101/us-east-1/{}/aws4_request"
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
TARGET = {"x-amz-target": "DynamoDB_20120810.ListTables", "content-type": "application/x-amz-json-1.0"}
SIGNATURE = "0" * 64


def by_header(authorization: str, headers: dict[str, str] | None = None, *, date: str | None = DATE) -> HttpRequest:
    dated = {} if date is None else {"x-amz-date": date}
    return HttpRequest("POST", "/", "", {"host": "h", "authorization": authorization, **dated, **(headers or {})})


def header(service: str = "s3", *, credential: str | None = None) -> str:
    credential = credential or f"{KEY_ID}/{SCOPE.format(service)}"
    return f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-date, Signature={SIGNATURE}"


def by_query(service: str = "s3", **changes: str | None) -> HttpRequest:
    parameters: dict[str, str | None] = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{KEY_ID}/{SCOPE.format(service)}".replace("/", "%2F"),
        "X-Amz-Date": DATE,
        "X-Amz-Expires": "60",
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Signature": SIGNATURE,
    }
    parameters |= {"X-Amz-" + name.replace("_", "-"): value for name, value in changes.items()}
    query = "&".join(f"{name}={value}" for name, value in parameters.items() if value is not None)
    return HttpRequest("GET", "/bucket/key", query, {"host": "h"})


def refused(request: HttpRequest) -> Fault:
    with pytest.raises(Fault) as caught:
        read(request)
    return caught.value


def claimed(request: HttpRequest) -> Claim:
    claim = read(request)
    assert claim is not None
    return claim


def test_a_request_with_neither_header_nor_parameters_is_unsigned() -> None:
    assert read(HttpRequest("GET", "/", "", {"host": "h"})) is None
    assert read(HttpRequest("GET", "/", "X-Amz-Expires=1&Signature=2", {"host": "h"})) is None


def test_a_header_is_read() -> None:
    claim = claimed(by_header(header(), {"x-amz-security-token": "t", "x-amz-content-sha256": "p"}))
    assert claim == Claim(
        access_key_id=KEY_ID,
        scope=claim.scope,
        date=DATE,
        signed_at=1_767_225_600,
        signed_headers=("host", "x-amz-date"),
        signature=SIGNATURE,
        family=Family.S3,
        session_token="t",
        payload="p",
    )
    assert tuple(claim.scope) == ("20260101", "us-east-1", "s3")


def test_a_query_is_read_whatever_the_order_of_its_parameters() -> None:
    claim = claimed(by_query(Security_Token="a%2Bb", Content_Sha256="UNSIGNED-PAYLOAD"))
    assert claim.presigned
    assert claim.expires == 60
    assert claim.session_token == "a+b"
    assert claim.payload == "UNSIGNED-PAYLOAD"
    assert claim.signed_headers == ("host",)


def test_a_date_header_serves_where_there_is_no_x_amz_date() -> None:
    for date in ("Thu, 01 Jan 2026 00:00:00 GMT", DATE):
        assert claimed(by_header(header(), {"date": date}, date=None)).date == DATE


def test_spaces_after_commas_are_free() -> None:
    assert claimed(by_header(header().replace(", ", ","))) == claimed(by_header(header().replace(", ", " ,  ")))


def test_a_claim_shows_neither_token_nor_signature() -> None:
    shown = repr(claimed(by_header(header(), {"x-amz-security-token": "hush"})))
    assert "hush" not in shown
    assert SIGNATURE not in shown


@pytest.mark.parametrize("name", ["Credential", "SignedHeaders", "Signature"])
@pytest.mark.parametrize(
    ("service", "headers", "code", "status"),
    [
        ("sts", FORM, "IncompleteSignature", 400),
        ("ec2", FORM, "IncompleteSignature", 400),
        ("dynamodb", TARGET, "IncompleteSignatureException", 400),
        ("s3", {}, "AuthorizationHeaderMalformed", 400),
    ],
)
def test_a_header_without_one_of_its_parameters_is_refused(
    name: str, service: str, headers: dict[str, str], code: str, status: int
) -> None:
    fields = [field for field in header(service).split(" ") if not field.startswith(f"{name}=")]
    fault = refused(by_header(" ".join(fields), headers))
    assert (fault.code, fault.status) == (code, status)
    if service == "s3":
        assert fault.message == (
            "The authorization header is malformed; the authorization header requires three components: "
            "Credential, SignedHeaders, and Signature."
        )
    else:
        assert f"Authorization header requires '{name}' parameter." in fault.message


def test_all_that_is_missing_is_listed_and_what_was_sent_is_hashed() -> None:
    fault = refused(by_header("Bearer name=hush", FORM, date=None))
    assert fault.code == "IncompleteSignature"
    assert fault.message == (
        "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. "
        "Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either "
        "a 'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256 and encoded with Base64) "
        f"Authorization={b64encode(sha256(b'Bearer name=hush').digest()).decode()}"
    )


def test_a_pair_without_equal_sign_is_refused_and_not_quoted() -> None:
    fault = refused(by_header(header("sts", credential="hush hush"), FORM))
    assert fault.code == "IncompleteSignature"
    assert fault.message.startswith(
        "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with "
        "Base64): '"
    )
    assert "hush" not in fault.message


def test_a_parameter_given_twice_is_refused() -> None:
    assert refused(by_header(f"{header('sts')}, Signature={SIGNATURE}", FORM)).code == "IncompleteSignature"
    twice = HttpRequest("GET", "/", by_query().query_string + f"&X-Amz-Signature={SIGNATURE}", {"host": "h"})
    assert refused(twice).code == "AuthorizationQueryParametersError"
    disguised = HttpRequest("GET", "/", by_query().query_string + f"&X-Amz-Signatur%65={SIGNATURE}", {"host": "h"})
    assert refused(disguised).code == "AuthorizationQueryParametersError"


def test_two_authorization_headers_are_refused() -> None:
    assert refused(by_header(f"{header()},{header()}")).code == "AuthorizationHeaderMalformed"


@pytest.mark.parametrize("extra", [by_query().query_string, "AWSAccessKeyId=a&Signature=b&Expires=1"])
def test_a_header_and_a_presigned_query_together_are_refused(extra: str) -> None:
    request = HttpRequest("GET", "/", extra, {"host": "h", "authorization": header(), "x-amz-date": DATE})
    fault = refused(request)
    assert (fault.code, fault.status) == ("InvalidArgument", 400)
    assert fault.message.startswith("Only one auth mechanism allowed")
    request = HttpRequest("POST", "/", extra, {**TARGET, "host": "h", "authorization": header("dynamodb")})
    assert refused(request).code == "InvalidSignatureException"


@pytest.mark.parametrize(
    "request_",
    [
        by_header("AWS AKIAIOSFODNN7EXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg="),
        by_header(header().replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256")),
        by_header("Bearer token"),
        by_header("Basic dXNlcjpwYXNz"),
        by_query(Algorithm="AWS4-ECDSA-P256-SHA256"),
    ],
    ids=["v2 header", "v4a header", "bearer", "basic", "v4a query"],
)
def test_s3_says_of_another_mechanism_which_one_to_use(request_: HttpRequest) -> None:
    fault = refused(request_)
    assert (fault.code, fault.status) == ("InvalidRequest", 400)
    assert fault.message == (
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
    )


def test_other_services_name_the_algorithm_that_they_do_not_know() -> None:
    fault = refused(by_header(header("sts").replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), FORM))
    assert fault.code == "IncompleteSignature"
    assert fault.message == "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256' (only AWS4-HMAC-SHA256 for now)."
    version_2 = "Action=GetUser&AWSAccessKeyId=AKIA&SignatureVersion=2&Signature=x"
    assert refused(HttpRequest("GET", "/", version_2, {"host": "h"})).code == "IncompleteSignature"


@pytest.mark.parametrize("credential", ["a", "a/b/c/{}", "a/b/c/{}/e/f", "/20260101/us-east-1/{}/aws4_request"])
@pytest.mark.parametrize(
    ("service", "headers", "code"),
    [
        ("sts", FORM, "IncompleteSignature"),
        ("dynamodb", TARGET, "IncompleteSignatureException"),
        ("s3", {}, "AuthorizationHeaderMalformed"),
    ],
)
def test_a_credential_of_other_than_five_parts_is_refused(
    credential: str, service: str, headers: dict[str, str], code: str
) -> None:
    fault = refused(by_header(header(credential=credential.format(service)), headers))
    assert fault.code == code
    assert ("exactly 5 slash-delimited elements" in fault.message) is (service != "s3")


@pytest.mark.parametrize(
    ("scope", "text", "s3"),
    [
        (
            "20260101/us-east-1/{}/aws5_request",
            "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'.",
            'incorrect terminal "aws5_request". This endpoint uses "aws4_request".',
        ),
        (
            "20260101//{}/aws4_request",
            "Credential should be scoped to a valid region, not ''.",
            "a non-empty region must be provided in the credential.",
        ),
        (
            f"20260101/{'a' * 65}/{{}}/aws4_request",
            f"Credential should be scoped to a valid region, not '{'a' * 65}'.",
            f"the region '{'a' * 65}' is wrong.",
        ),
        (
            "20251231/us-east-1/{}/aws4_request",
            (
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                "'20251231' != '20260101', from '20260101T000000Z'."
            ),
            "Invalid credential date. Date is not the same as X-Amz-Date.",
        ),
    ],
)
def test_a_wrong_scope_is_refused(scope: str, text: str, s3: str) -> None:
    credential = f"{KEY_ID}/{scope}"
    fault = refused(by_header(header(credential=credential.format("iam")), FORM))
    assert (fault.code, fault.status, fault.message) == ("SignatureDoesNotMatch", 403, text)
    fault = refused(by_header(header(credential=credential.format("ec2")), FORM))
    assert (fault.code, fault.status) == ("AuthFailure", 401)
    fault = refused(by_header(header(credential=credential.format("s3"))))
    assert (fault.code, fault.status) == ("AuthorizationHeaderMalformed", 400)
    assert fault.message == f"The authorization header is malformed; {s3}"
    fault = refused(by_query(Credential=credential.format("s3").replace("/", "%2F")))
    assert (fault.code, fault.status) == ("AuthorizationQueryParametersError", 400)


@pytest.mark.parametrize("date", ["", "2026", "20260101", "2026-01-01T00:00:00Z", "20261301T000000Z", "yesterday"])
def test_a_date_in_another_format_is_refused(date: str) -> None:
    fault = refused(by_header(header("sts"), FORM, date=date))
    assert fault.code == "IncompleteSignature"
    fault = refused(by_header(header(), date=date))
    assert (fault.code, fault.status) == ("AccessDenied", 403)
    assert fault.message == "AWS authentication requires a valid Date or x-amz-date header"
    assert refused(by_query(Date=date)).code == "AuthorizationQueryParametersError"


@pytest.mark.parametrize("missing", ["Credential", "Date", "Expires", "SignedHeaders", "Signature", "Algorithm"])
def test_s3_lists_what_a_presigned_url_needs(missing: str) -> None:
    absent: dict[str, str | None] = {missing: None}
    fault = refused(by_query("s3", **absent))
    assert (fault.code, fault.status) == ("AuthorizationQueryParametersError", 400)
    assert fault.message.startswith("Query-string authentication version 4 requires the X-Amz-Algorithm,")


def test_other_services_list_what_is_missing_from_a_presigned_url() -> None:
    fault = refused(by_query("sts", Date=None, SignedHeaders=None))
    assert fault.code == "IncompleteSignature"
    assert fault.message == (
        "AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string parameters must include "
        "'X-Amz-Date'. Re-examine the query-string parameters."
    )
    assert claimed(by_query("sts", Expires=None)).expires is None


@pytest.mark.parametrize(
    ("expires", "text"),
    [
        ("soon", "should be a number"),
        ("1e3", "should be a number"),
        ("\u0663", "should be a number"),
        ("9" * 5000, "should be a number"),
        ("-1", "must be non-negative"),
        ("604801", "must be less than a week (in seconds)"),
    ],
)
def test_an_expiry_that_cannot_be_is_refused(expires: str, text: str) -> None:
    fault = refused(by_query(Expires=expires))
    assert fault.code == "AuthorizationQueryParametersError"
    assert text in fault.message
    assert claimed(by_query(Expires="604800")).expires == 604_800
