"""S3's presigned URLs of Signature Version 2: what verifies, and what does not."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.sigv4 import SIGV2, Claim, Mechanism, read, verify
from support.signers import KEY_ID, SECRET, arrived, changed

URL = "http://localhost:4566"


def url_of(path: str, method: str = "GET", token: str | None = None, **headers: str) -> HttpRequest:
    """The request for the URL that botocore presigns."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest(method, URL + path, headers=dict(sent))
    auth.HmacV1QueryAuth(Credentials(KEY_ID, SECRET, token), 60).add_auth(request)
    return arrived(method, request.url, sent)


def claimed(request: HttpRequest) -> Claim:
    claim = read(request)
    assert claim is not None
    return claim


def check(request: HttpRequest, *, left: float = 1, host_bucket: str = "") -> bytes:
    """Verify `request` so many seconds before its end."""
    claim = claimed(request)
    return verify(request, claim, SECRET, (claim.expires or 0) - left, host_bucket=host_bucket)


def refusal(request: HttpRequest, *, left: float = 1) -> Fault:
    with pytest.raises(Fault) as caught:
        check(request, left=left)
    return caught.value


def test_the_example_of_the_user_guide_verifies() -> None:
    query = f"AWSAccessKeyId={KEY_ID}&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620"
    request = HttpRequest("GET", "/photos/puppy.jpg", query, {"host": "johnsmith.s3.amazonaws.com"})
    assert check(request, host_bucket="johnsmith") == b""
    claim = claimed(request)
    assert (claim.algorithm, claim.mechanism, claim.scope.service) == (SIGV2, Mechanism.QUERY, "s3")
    assert claim.age(1175139000) == 0


@pytest.mark.parametrize("token", [None, "a/token+with=signs=="])
@pytest.mark.parametrize(
    "path",
    [
        "/bucket",
        "/bucket/a//b%20c/%C3%A9~",
        "/bucket/key?acl",
        "/bucket/key?versionId=a%2Bb&partNumber=1",
        "/bucket/key?response-content-disposition=attachment%3B%20filename%3D%22a%20b.txt%22",
        "/bucket?prefix=a&max-keys=1&list-type=2",
    ],
)
def test_what_botocore_presigns_verifies(path: str, token: str | None) -> None:
    request = url_of(path, token=token)
    assert check(request) == b""
    assert claimed(request).session_token == token


def test_content_type_digest_and_amz_headers_are_covered() -> None:
    headers = {"content_type": "text/plain", "content_md5": "x", "x_amz_acl": "private", "x_amz_meta_a": "b"}
    request = url_of("/bucket/key", "PUT", **headers)
    assert check(request) == b""
    for name in ("content-type", "content-md5", "x-amz-acl", "x-amz-meta-a"):
        assert refusal(changed(request, headers={name: "other"})).code != "InternalFailure"
    assert refusal(changed(request, headers={"content-type": "text/html"})).code == "SignatureDoesNotMatch"
    assert refusal(changed(request, headers={"x-amz-storage-class": "GLACIER"})).code == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"method": "PUT"}, "SignatureDoesNotMatch"),
        ({"raw_path": "/bucket/other"}, "SignatureDoesNotMatch"),
        ({"more": "&versionId=2"}, "SignatureDoesNotMatch"),
        ({"more": "&response-content-type=text/html"}, "SignatureDoesNotMatch"),
        ({"more": "&x-amz-acl=public-read"}, "SignatureDoesNotMatch"),
        ({"more": "&X-Amz-Acl=public-read"}, "SignatureDoesNotMatch"),
        ({"more": "&uploads"}, "SignatureDoesNotMatch"),
        ({"more": "&%75ploads"}, "SignatureDoesNotMatch"),
        ({"more": "&attributes"}, "InvalidRequest"),
        ({"more": "&retention"}, "InvalidRequest"),
        ({"more": "&legal-hold"}, "InvalidRequest"),
        ({"more": "&publicAccessBlock"}, "InvalidRequest"),
        ({"more": "&Expires=9999999999"}, "AuthorizationQueryParametersError"),
        ({"more": "&expires=9999999999"}, "AuthorizationQueryParametersError"),
        ({"more": "&X-Amz-Algorithm=AWS4-HMAC-SHA256"}, "InvalidArgument"),
        ({"headers": {"authorization": "AWS AKIA:x"}}, "InvalidArgument"),
    ],
    ids=str,
)
def test_an_altered_url_is_refused(change: dict[str, object], code: str) -> None:
    request = url_of("/bucket/key")
    more = change.pop("more", "") if "more" in change else ""
    altered = changed(request, query_string=f"{request.query_string}{more}", **change)
    assert refusal(altered).code == code


def test_the_end_of_a_url_cannot_be_put_off() -> None:
    request = url_of("/bucket/key")
    end = str(claimed(request).expires)
    later = changed(request, query_string=request.query_string.replace(end, str(int(end) + 3600)))
    assert refusal(later).code == "SignatureDoesNotMatch"


def test_a_url_ends_when_it_says() -> None:
    request = url_of("/bucket/key")
    assert check(request, left=0) == b""
    fault = refusal(request, left=-1)
    assert (fault.code, fault.status, fault.message) == ("AccessDenied", 403, "Request has expired")
    assert {"Expires", "ServerTime"} <= set(fault.members or ())


@pytest.mark.parametrize("end", ["", "soon", "-1", "1e9", "١٢", "99999999999999"])
def test_an_end_that_is_no_time_is_refused(end: str) -> None:
    query = f"AWSAccessKeyId={KEY_ID}&Signature=x&Expires={quote(end)}"
    with pytest.raises(Fault) as caught:
        read(HttpRequest("GET", "/bucket/key", query, {"host": "h"}))
    assert (caught.value.code, caught.value.status) == ("AccessDenied", 403)


def test_a_header_and_a_parameter_that_differ_are_refused() -> None:
    request = url_of("/bucket/key", "PUT", token="t")
    assert check(changed(request, headers={"x-amz-security-token": "t"})) == b""
    with pytest.raises(Fault) as caught:
        read(changed(request, headers={"x-amz-security-token": "other"}))
    assert caught.value.code == "AuthorizationQueryParametersError"
