"""Any AWS-compatible endpoint as a backend: the call is signed anew, with credentials of the operator's.

The client's own signature ends at the gateway. The method, path, query and payload go on unchanged.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Final
from urllib.parse import urlsplit

import httpx
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from locum.backends.port import BackendCall
from locum.core.errors import ConfigurationError, Fault
from locum.core.http import HttpResponse
from locum.core.resources import UNKNOWN, ResourceFacts

_KEPT_BACK: Final = frozenset(
    {
        "host",
        "authorization",
        "connection",
        "keep-alive",
        "transfer-encoding",
        "content-length",
        "expect",
        "x-amz-date",
        "x-amz-security-token",
        "x-amz-content-sha256",
        "x-amz-decoded-content-length",
        "x-amz-trailer",
        "x-forwarded-for",
    }
)
_PRESIGNED: Final = ("X-Amz-Algorithm=", "X-Amz-Credential=", "X-Amz-Date=", "X-Amz-Expires=", "X-Amz-SignedHeaders=",
                     "X-Amz-Signature=", "X-Amz-Security-Token=", "X-Amz-Content-Sha256=")  # fmt: skip
_HOP_BY_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "date", "server"})


class HttpBackend:
    """An endpoint that speaks AWS's protocols: an S3-compatible store, another emulator, AWS itself."""

    def __init__(self, endpoint: str, access_key_id: str, secret_access_key: str) -> None:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ConfigurationError(f"backend endpoint {endpoint!r} is no URL; it reads like http://127.0.0.1:9000")
        self._base = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._credentials = Credentials(access_key_id, secret_access_key)
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(60.0, connect=5.0), follow_redirects=False)

    async def call(self, call: BackendCall) -> HttpResponse:
        request = self._signed(call)
        try:
            answer = await self._client.send(request, stream=True)
        except httpx.HTTPError as error:
            raise Fault("ServiceUnavailable", f"The backend of {call.service} did not answer.", 503) from error
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in answer.headers.raw
            if name.decode("latin-1").lower() not in _HOP_BY_HOP
        ]
        return HttpResponse(answer.status_code, headers, _chunks(answer))

    async def facts(self, service: str, arn: str, account: str, region: str) -> ResourceFacts:
        return UNKNOWN

    async def close(self) -> None:
        await self._client.aclose()

    def _signed(self, call: BackendCall) -> httpx.Request:
        path = f"/{call.host_bucket}{call.request.raw_path}" if call.host_bucket else call.request.raw_path
        query = "&".join(p for p in call.request.query_string.split("&") if p and not p.startswith(_PRESIGNED))
        url = f"{self._base}{path}" + (f"?{query}" if query else "")
        headers = _forwarded(call.request.headers)
        headers["X-Amz-Content-SHA256"] = hashlib.sha256(call.body).hexdigest()
        unsigned = AWSRequest(call.request.method, url, headers, call.body)
        signer = S3SigV4Auth if call.service == "s3" else SigV4Auth
        signer(self._credentials, call.signing_name, call.region).add_auth(unsigned)
        target = urlsplit(url)
        raw = (target.path or "/") + (f"?{target.query}" if target.query else "")
        return httpx.Request(
            call.request.method,
            self._base,
            headers={name: str(value) for name, value in unsigned.headers.items()},
            content=call.body,
            extensions={"target": raw.encode("latin-1"), "timeout": self._client.timeout.as_dict()},
        )


def _forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    """The client's headers, without its credentials and without framing."""
    kept = {k: v for k, v in headers.items() if k not in _KEPT_BACK and not k.startswith("x-moto-")}
    encoding = [p for p in (p.strip() for p in kept.pop("content-encoding", "").split(",")) if p]
    encoding = [p for p in encoding if p != "aws-chunked"]
    if encoding:
        kept["content-encoding"] = ",".join(encoding)
    return kept


async def _chunks(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()
