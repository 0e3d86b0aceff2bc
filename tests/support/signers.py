"""Requests as clients sign them: botocore's signers, and the chunked signatures that botocore lacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.sigv4 import Claim, read, verify
from locum.sigv4.chunked import Seed
from locum.sigv4.keys import signing_key

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
REGION = "us-east-1"


def signed(
    signer: type[Any],
    service: str,
    method: str,
    url: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    token: str | None = None,
    **options: Any,
) -> HttpRequest:
    """The request that botocore's `signer` makes of it, as it would arrive."""
    presigning = issubclass(signer, auth.SigV4QueryAuth)  # which takes a body for further parameters
    request = AWSRequest(method, url, headers=dict(headers or {}), data=b"" if presigning else body)
    signer(Credentials(KEY_ID, SECRET, token), service, REGION, **options).add_auth(request)
    return arrived(method, request.url, request.headers, body)


def arrived(method: str, url: str, headers: HTTPHeaders | Mapping[str, str], body: bytes = b"") -> HttpRequest:
    """The request as a server sees it: lower-case names, repeated headers joined, characters a byte each."""
    parts = urlsplit(url)
    found = {"host": parts.netloc}
    for name, value in headers.items():
        octets = value if isinstance(value, bytes) else value.encode()
        found[name.lower()] = octets.decode("latin-1")
    return HttpRequest(method, parts.path, parts.query, found, body)


def check(request: HttpRequest, secret: str = SECRET, *, after: float = 0) -> bytes:
    """What a server does with `request`, so many seconds after it was signed."""
    claim = claimed(request)
    return verify(request, claim, secret, claim.signed_at + after)


def claimed(request: HttpRequest) -> Claim:
    """The claim of a signed request."""
    claim = read(request)
    assert claim is not None
    return claim


def refusal(request: HttpRequest, secret: str = SECRET, *, after: float = 0) -> Fault:
    """The fault that `request` is answered with."""
    with pytest.raises(Fault) as caught:
        check(request, secret, after=after)
    return caught.value


def changed(request: HttpRequest, **fields: Any) -> HttpRequest:
    """`request` with some fields replaced; `headers` is laid over the present ones, None takes one away."""
    headers = dict(request.headers) | fields.pop("headers", {})
    values = {
        name: getattr(request, name) for name in ("method", "raw_path", "query_string", "body", "source_ip", "secure")
    }
    kept = {name: value for name, value in headers.items() if value is not None}
    return HttpRequest(**(values | fields), headers=kept)


def seed_of(request: HttpRequest) -> Seed:
    """Where the chunk signatures of `request` start."""
    claim = claimed(request)
    scope = claim.scope
    return Seed(signing_key(SECRET, scope.date, scope.region, scope.service), claim.date, str(scope), claim.signature)


def upload(mode: str, length: int, *, trailer: str = "", **options: Any) -> HttpRequest:
    """A signed PutObject whose chunked body of `length` bytes is yet to come."""
    headers = {
        "content-encoding": "aws-chunked",
        "x-amz-content-sha256": mode,
        "x-amz-decoded-content-length": str(length),
    }
    if trailer:
        headers["x-amz-trailer"] = trailer
    return signed(Declared, "s3", "PUT", "http://localhost:4566/bucket/key", headers=headers, **options)


def chunks(request: HttpRequest, parts: list[bytes], trailer: Mapping[str, str] | None = None) -> list[bytes]:
    """The signed chunks for `parts` (the one of size zero is added), and the end or the signed trailer."""
    seed, frames = seed_of(request), []
    for part in (*parts, b""):
        signature = seed.of_chunk(part)
        seed = seed.after(signature)
        frames.append(b"%x;chunk-signature=%s\r\n%s" % (len(part), signature.encode(), part + b"\r\n" if part else b""))
    if trailer is None:
        return [*frames, b"\r\n"]
    signature = seed.of_trailer("".join(f"{name}:{value}\n" for name, value in trailer.items()))
    lines = [*trailer.items(), ("x-amz-trailer-signature", signature)]
    return [*frames, "".join(f"{name}:{value}\r\n" for name, value in lines).encode() + b"\r\n"]


def plain_chunks(parts: list[bytes], trailer: Mapping[str, str]) -> list[bytes]:
    """Chunks without signatures, and a trailer."""
    frames = [b"%x\r\n%s\r\n" % (len(part), part) for part in parts]
    return [*frames, b"0\r\n", "".join(f"{name}:{value}\r\n" for name, value in trailer.items()).encode() + b"\r\n"]


class Declared(auth.S3SigV4Auth):  # type: ignore[misc] # botocore has no types
    """S3's signer, which keeps the x-amz-content-sha256 that is there."""

    def _modify_request_before_signing(self, request: AWSRequest) -> None:
        declared = request.headers["x-amz-content-sha256"]
        super()._modify_request_before_signing(request)
        del request.headers["x-amz-content-sha256"]
        request.headers["x-amz-content-sha256"] = declared
