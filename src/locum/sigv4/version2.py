"""Presigned URLs of Signature Version 2, which SDKs make for S3 by default where the endpoint is not AWS's.

Amazon S3 User Guide, "Signing and authenticating REST requests (AWS signature version 2)", "Query string request
authentication alternative":

    ?AWSAccessKeyId=<key id>&Expires=<epoch seconds>&Signature=<Base64>[&x-amz-security-token=<token>]

    Signature = Base64(HMAC-SHA1(secret, <Method>\n<Content-MD5>\n<Content-Type>\n<Expires>\n<CanonicalizedAmzHeaders>
                                         <CanonicalizedResource>))

Of the query string this covers sub-resources, overrides of response headers, and x-amz-* parameters, which count as
headers. It leaves open the parameters of listings. A parameter that is in neither group could turn the request into
another one (`?attributes`) and is refused.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import Final

from locum.core.clock import iso8601
from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.sigv4 import canonical
from locum.sigv4.claim import SIGV2, Claim, Mechanism, Scope
from locum.sigv4.faults import Failure, Family, fault
from locum.sigv4.keys import constant_time_equal

MAX_END: Final = 1 << 31
"""The latest end of a URL that is accepted, in epoch seconds."""

_SERVICE: Final = "s3"
# fmt: off
_SIGNED: Final = frozenset((
    "accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle", "location",
    "logging", "metrics", "notification", "object-lock", "partNumber", "policy", "replication", "requestPayment",
    "restore", "select", "select-type", "storageClass", "tagging", "torrent", "uploadId", "uploads", "versionId",
    "versioning", "versions", "website", "response-cache-control", "response-content-disposition",
    "response-content-encoding", "response-content-language", "response-content-type", "response-expires",
))
"""The parameters of the CanonicalizedResource: those of the User Guide, and those that SDKs sign besides."""

_OPEN: Final = frozenset((
    "AWSAccessKeyId", "Signature", "Expires", "content-type", "content-md5", "continuation-token", "delimiter",
    "encoding-type", "fetch-owner", "key-marker", "list-type", "marker", "max-keys", "max-parts", "max-uploads",
    "part-number-marker", "prefix", "start-after", "upload-id-marker", "version-id-marker", "x-id",
))
"""The parameters that the signature does not cover, and that do not change what a request is."""
# fmt: on


def read(request: HttpRequest) -> Claim:
    """Parse the signature of a presigned URL. Raises Fault where it is incomplete or has a parameter twice."""
    query = _unique(request)
    key_id, signature, ends = (query.get(name, "") for name in ("AWSAccessKeyId", "Signature", "Expires"))
    if not (key_id and signature and ends):
        text = "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"
        raise Fault("AccessDenied", text, 403)
    if not (ends.isascii() and ends.isdecimal() and len(ends) <= len(str(MAX_END)) and int(ends) <= MAX_END):
        raise Fault("AccessDenied", f"Invalid date (should be seconds since epoch): {ends[:100]}", 403)
    return Claim(
        key_id,
        Scope("", "", _SERVICE),
        ends,
        0,
        (),
        signature,
        Family.S3,
        Mechanism.QUERY,
        int(ends),
        _amz_headers(request, query).get("x-amz-security-token"),
        None,
        SIGV2,
    )


def verify(request: HttpRequest, claim: Claim, secret: str, now: float, host_bucket: str) -> None:
    """Verify that `secret` made the signature in `claim`, and that the URL has not ended.

    `host_bucket` is the bucket in the host name, empty in path style. Raises Fault.
    """
    assert claim.expires is not None
    if now > claim.expires:
        members = {"Expires": iso8601(claim.expires), "ServerTime": iso8601(now)}
        raise fault(Failure.STALE_URL, Family.S3, members=members)
    query = _unique(request)
    if not all(name in _SIGNED or name in _OPEN or name.lower().startswith("x-") for name in query):
        raise fault(Failure.UNSUPPORTED, Family.S3)
    text = _string_to_sign(request, query, claim.date, host_bucket)
    if not constant_time_equal(sign(secret, text), claim.signature):
        members = {"AWSAccessKeyId": claim.access_key_id, "StringToSign": text, "SignatureProvided": claim.signature}
        raise fault(Failure.SIGNATURE, Family.S3, members=members)


def sign(secret: str, text: str) -> str:
    """The signature of `text`: Base64 of the HMAC-SHA1."""
    return b64encode(hmac.digest(secret.encode(), text.encode("utf-8", "surrogatepass"), "sha1")).decode()


def _unique(request: HttpRequest) -> dict[str, str]:
    """The decoded query parameters. Raises Fault where one is given twice, in whatever case."""
    found: dict[str, str] = {}
    for pair in request.query_string.split("&"):
        name, _, value = pair.partition("=")
        name = canonical.parameter(name)
        if name and name.lower() in map(str.lower, found):
            text = f"The query-string parameter '{name}' must not be given more than once."
            raise fault(Failure.INCOMPLETE_QUERY, Family.S3, detail=text, s3=text)
        found[name] = canonical.parameter(value)
    found.pop("", None)
    return found


def _string_to_sign(request: HttpRequest, query: dict[str, str], ends: str, host_bucket: str) -> str:
    headers = request.headers
    amz = _amz_headers(request, query)
    lines = [
        request.method,
        headers.get("content-md5", "").strip(),
        headers.get("content-type", "").strip(),
        ends,
        *(f"{name}:{value.strip()}" for name, value in sorted(amz.items())),
        _resource(request, query, host_bucket),
    ]
    return "\n".join(lines)


def _amz_headers(request: HttpRequest, query: dict[str, str]) -> dict[str, str]:
    """The x-amz-* headers, among them those that are parameters. Raises Fault where the two differ."""
    found = {name: value for name, value in request.headers.items() if name.startswith("x-amz-")}
    for name, value in query.items():
        lower = name.lower()
        if lower.startswith("x-amz-") and found.setdefault(lower, value) != value:
            text = f"The query-string parameter '{name}' does not match the header."
            raise fault(Failure.INCOMPLETE_QUERY, Family.S3, detail=text, s3=text)
    return found


def _resource(request: HttpRequest, query: dict[str, str], host_bucket: str) -> str:
    """The CanonicalizedResource: bucket and path "not decoded", and the sub-resources with decoded values, in order."""
    signed = []
    for pair in request.query_string.split("&"):
        name, equals, _ = pair.partition("=")
        name = canonical.parameter(name)
        if name in _SIGNED:
            signed.append(f"{name}={query[name]}" if equals else name)
    path = f"/{host_bucket}{request.raw_path}" if host_bucket else request.raw_path
    return f"{path}?{'&'.join(sorted(signed))}" if signed else path
