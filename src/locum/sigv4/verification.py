"""Verification of a request's signature.

In this order, as AWS's services do: the time, the headers that must be signed, the signature, the payload.

1. A request signed by header is valid for 15 minutes before and after its date. A presigned URL is valid from 15
   minutes before its date until X-Amz-Expires seconds after it; outside S3 and without X-Amz-Expires, for 15 minutes.
   STS always applies 15 minutes.
2. `host` must be signed, and every x-amz-* header that is present, as an intermediary could add one otherwise
   (x-amz-target, x-amz-acl, x-amz-copy-source). x-amz-content-sha256 is part of the canonical request anyhow.
   Content-Type is verified where it is signed; some SDKs never sign it.
3. S3 takes the payload's hash from x-amz-content-sha256 and verifies it against the body afterwards; every other
   service hashes the body itself.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from string import hexdigits
from typing import Final

from locum.core.clock import iso8601
from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.core.mac import HmacKey
from locum.sigv4 import canonical, chunked, version2
from locum.sigv4.claim import QUERY, SIGV2, Claim
from locum.sigv4.faults import S3, S3_SIGNING_NAMES, Failure, fault
from locum.sigv4.keys import ALGORITHM, EMPTY_SHA256, constant_time_equal, sign, signing_key
from locum.sigv4.times import basic

MAX_SKEW: Final = 900
"""The largest difference between the clocks of client and server, in seconds: 15 minutes."""
UNSIGNED_PAYLOAD: Final = "UNSIGNED-PAYLOAD"

_FIXED_LIFETIME: Final = {"sts": MAX_SKEW}
_UNSIGNED_HEADERS_ALLOWED: Final = frozenset(("x-amz-content-sha256",))
_HEXDIGITS: Final = frozenset(hexdigits)


def verify(
    request: HttpRequest,
    claim: Claim,
    secret: str,
    now: float,
    *,
    unsigned_payload: bool = False,
    host_bucket: str = "",
) -> bytes:
    """Verify that `secret` made the signature in `claim`, and return the body; of an aws-chunked body, the payload.

    `now` is epoch seconds. `unsigned_payload`: the service model marks the operation as one whose payload is not
    signed over TLS. `host_bucket` is the S3 bucket in the host name, which Signature Version 2 covers. Raises Fault,
    with the code and text of the service's family.
    """
    if claim.algorithm == SIGV2:
        version2.verify(request, claim, secret, now, host_bucket)
        return request.body
    _check_time(claim, now)
    _check_signed_headers(request, claim)
    payload = _payload_hash(request, claim, unsigned_payload=unsigned_payload)
    scope = claim.scope
    key = signing_key(secret, scope.date, scope.region, scope.service)
    _check_signature(request, claim, payload, key)
    if claim.family is not S3 or payload == UNSIGNED_PAYLOAD:
        return request.body
    if payload in chunked.MODES:
        return chunked.decode(request, payload, chunked.Seed(key, claim.date, str(scope), claim.signature))
    _check_payload_hash(request.body, payload)
    return request.body


def _check_time(claim: Claim, now: float) -> None:
    if claim.mechanism is QUERY:
        _check_lifetime(claim, now)
    elif now - claim.signed_at > MAX_SKEW:
        raise _time_fault(Failure.STALE, claim, now, now - MAX_SKEW, MAX_SKEW)
    elif claim.signed_at - now > MAX_SKEW:
        raise _time_fault(Failure.EARLY, claim, now, now + MAX_SKEW, MAX_SKEW)


def _check_lifetime(claim: Claim, now: float) -> None:
    lifetime = _FIXED_LIFETIME.get(claim.scope.service, MAX_SKEW if claim.expires is None else claim.expires)
    if claim.signed_at - now > MAX_SKEW:
        raise _time_fault(Failure.EARLY_URL, claim, now, now + MAX_SKEW, MAX_SKEW)
    if now - claim.signed_at > lifetime:
        raise _time_fault(Failure.STALE_URL, claim, now, now - lifetime, lifetime)


def _time_fault(kind: Failure, claim: Claim, now: float, limit: float, span: int) -> Fault:
    members = {"ServerTime": iso8601(now)}
    if claim.presigned:
        expires = claim.expires or 0
        members = {"X-Amz-Expires": str(expires), "Expires": iso8601(claim.signed_at + expires)} | members
    else:
        members = {"RequestTime": claim.date} | members | {"MaxAllowedSkewMilliseconds": str(MAX_SKEW * 1000)}
    return fault(
        kind,
        claim.family,
        members=members,
        date=claim.date,
        limit=basic(limit),
        now=basic(now),
        span=f"{span} sec" if span % 60 else f"{span // 60} min",
    )


def _check_signed_headers(request: HttpRequest, claim: Claim) -> None:
    allowed = _allowed_headers(claim.signed_headers)
    if "host" not in allowed:
        raise _unsigned_header_fault(claim, "'Host' or ':authority'", "host")
    for name in request.headers:
        if name not in allowed and name.startswith("x-amz-"):
            raise _unsigned_header_fault(claim, f"'{name}'", name)


@lru_cache(1024)
def _allowed_headers(signed: tuple[str, ...]) -> frozenset[str]:
    """The x-amz-* headers and `host` that a request with these signed headers may have."""
    return frozenset(signed) | _UNSIGNED_HEADERS_ALLOWED


def _unsigned_header_fault(claim: Claim, detail: str, name: str) -> Fault:
    return fault(Failure.UNSIGNED_HEADER, claim.family, detail=detail, members={"HeadersNotSigned": name})


def _payload_hash(request: HttpRequest, claim: Claim, *, unsigned_payload: bool) -> str:
    """The payload hash: the last line of the canonical request."""
    declared = claim.payload
    if claim.family is S3:
        return _declared_hash(declared, claim)
    if declared == UNSIGNED_PAYLOAD and (claim.presigned or unsigned_payload):
        return UNSIGNED_PAYLOAD
    if declared is None and unsigned_payload and request.secure:
        return UNSIGNED_PAYLOAD
    return sha256(request.body).hexdigest() if request.body else EMPTY_SHA256


def _declared_hash(declared: str | None, claim: Claim) -> str:
    """The value of x-amz-content-sha256, which S3 requires of a request signed by header."""
    if declared is None:
        if claim.presigned:
            return UNSIGNED_PAYLOAD
        raise fault(Failure.NO_PAYLOAD_HASH, S3)
    if (
        declared == UNSIGNED_PAYLOAD
        or declared in chunked.MODES
        or (len(declared) == 64 and _HEXDIGITS.issuperset(declared))
    ):
        return declared
    members = {"ArgumentName": "x-amz-content-sha256", "ArgumentValue": declared}
    raise fault(Failure.PAYLOAD_HASH, S3, members=members)


def _check_payload_hash(body: bytes, declared: str) -> None:
    computed = sha256(body).hexdigest()
    if computed != declared.lower():
        members = {"ClientComputedContentSHA256": declared, "S3ComputedContentSHA256": computed}
        raise fault(Failure.PAYLOAD_MISMATCH, S3, members=members)


def _check_signature(request: HttpRequest, claim: Claim, payload: str, key: HmacKey) -> None:
    names = claim.signed_headers
    rest = f"{canonical.header_lines(request.headers, names)}\n{';'.join(names)}\n{payload}"
    sent = (request.raw_path, request.query_string)
    double_encode, presigned = claim.scope.service not in S3_SIGNING_NAMES, claim.mechanism is QUERY
    encoding = canonical.as_sent(*sent, double_encode=double_encode, presigned=presigned)
    text = _string_to_sign(request, claim, encoding, rest)
    if constant_time_equal(sign(key, text), claim.signature):
        return
    for encoding in canonical.normalised(*sent, double_encode=double_encode, presigned=presigned):
        text = _string_to_sign(request, claim, encoding, rest)
        if constant_time_equal(sign(key, text), claim.signature):
            return
    members = {"AWSAccessKeyId": claim.access_key_id, "StringToSign": text, "SignatureProvided": claim.signature}
    raise fault(Failure.SIGNATURE, claim.family, members=members)


def _string_to_sign(request: HttpRequest, claim: Claim, encoding: tuple[str, str], rest: str) -> str:
    """The string to sign. `encoding` is the canonical URI and query, `rest` the rest of the canonical request."""
    path, query = encoding
    hashed = sha256(canonical.octets(f"{request.method}\n{path}\n{query}\n{rest}")).hexdigest()
    return f"{ALGORITHM}\n{claim.date}\n{claim.scope}\n{hashed}"
