"""A backend for any AWS-compatible endpoint. Calls are signed again, with credentials of the operator.

The client's signature is removed; method, path, query and payload are forwarded unchanged. In protocols that have the
operation in a header or the body, the query string is removed as well: an endpoint that used it would carry out another
call than the one that was allowed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Final
from urllib.parse import unquote_plus, urlsplit

import httpx

from locum import sigv4
from locum.backends.port import Backend, BackendCall, Carried
from locum.core.clock import Clock
from locum.core.errors import ConfigurationError, Fault
from locum.core.http import HttpRequest, HttpResponse

_NOT_FORWARDED: Final = frozenset(
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
_PRESIGNED: Final = frozenset(
    {
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-signedheaders",
        "x-amz-signature",
        "x-amz-security-token",
        "x-amz-content-sha256",
    }
)
_PRESIGNED_2: Final = _PRESIGNED | {"awsaccesskeyid", "signature", "expires", "content-type", "content-md5"}
"""The parameters of a presigned URL; of S3's in Signature Version 2, too."""
_INVOCATION: Final = "amz-sdk-invocation-id"
"""AWS SDKs and Tools Reference Guide, "Retry behavior": the same for all attempts of one call. Here: of an effect."""

_HOP_BY_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "date", "server"})
_WITHOUT_QUERY: Final = frozenset({"json", "smithy-rpc-v2-cbor"})


class HttpBackend(Backend):
    """An endpoint with AWS's protocols: an S3-compatible store, another emulator, AWS itself."""

    forgets = False

    def __init__(self, endpoint: str, access_key_id: str, secret_access_key: str, clock: Clock) -> None:
        parts = urlsplit(endpoint)
        if "@" in parts.netloc:
            raise ConfigurationError("a backend endpoint has no user name and password in it: it gets signed requests")
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ConfigurationError(f"backend endpoint {endpoint!r} is no URL; it reads like http://127.0.0.1:9000")
        self._base = f"{parts.scheme}://{parts.netloc}"
        self._prefix = parts.path.rstrip("/")
        self._key = (access_key_id, secret_access_key)
        self._clock = clock
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(60.0, connect=5.0), follow_redirects=False)

    async def call(self, call: BackendCall) -> Carried:
        try:
            answer = await self._client.send(self._signed(call), stream=True)
            body = _chunks(answer) if _streams(call, answer) else await _read_all(answer)
        except httpx.HTTPError as error:
            raise Fault("ServiceUnavailable", f"The backend of {call.service} did not answer.", 503) from error
        hidden = _HOP_BY_HOP
        if isinstance(body, bytes) and call.request.method != "HEAD":
            hidden = _HOP_BY_HOP | {"content-length"}
        pairs = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw)
        headers = [pair for pair in pairs if pair[0].lower() not in hidden]
        return Carried(HttpResponse(answer.status_code, headers, body))

    async def close(self) -> None:
        await self._client.aclose()

    def _signed(self, call: BackendCall) -> httpx.Request:
        """The signed request to the endpoint. httpx gets the target as it was signed, and does not encode it again."""
        path = f"/{call.host_bucket}{call.request.raw_path}" if call.host_bucket else call.request.raw_path
        target = f"{self._prefix}{path}" or "/"
        query = _query(call)
        url = httpx.URL(self._base)
        headers = _forwarded(call.request.headers)
        headers["host"] = url.netloc.decode("ascii")
        headers["accept-encoding"] = "identity"  # the request id in the body is replaced
        if call.effect:
            headers[_INVOCATION] = call.effect
        request = HttpRequest(call.request.method, target, query, headers, call.body)
        key_id, secret = self._key
        headers |= sigv4.signed_headers(
            request,
            access_key_id=key_id,
            secret=secret,
            region=call.region,
            service=call.signing_name,
            now=self._clock(),
        )
        raw = f"{target}?{query}" if query else target
        return httpx.Request(
            request.method,
            url,
            headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
            content=call.body,
            extensions={"target": raw.encode("latin-1"), "timeout": self._client.timeout.as_dict()},
        )


def _query(call: BackendCall) -> str:
    """The client's query string without the parameters of a presigned URL."""
    if call.protocol in _WITHOUT_QUERY:
        return ""
    hidden = _PRESIGNED_2 if call.service == "s3" else _PRESIGNED
    pairs = (pair for pair in call.request.query_string.split("&") if pair)
    return "&".join(pair for pair in pairs if unquote_plus(pair.partition("=")[0]).lower() not in hidden)


def _streams(call: BackendCall, answer: httpx.Response) -> bool:
    """Whether the response is streamed, as a payload of any length is. Errors and documents are read completely."""
    return answer.status_code < 300 and bool(call.model.has_streaming_output or call.model.has_event_stream_output)


def _forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    """The client's headers, without credentials, framing and ambiguous names.

    Many servers read `x_amz_copy_source` as `x-amz-copy-source` (RFC 3875, section 4.1.18, maps both to one name),
    which was neither signed nor decided on under that name. Only metadata of objects may have an underscore.
    """
    kept = {
        k: v
        for k, v in headers.items()
        if k not in _NOT_FORWARDED and not k.startswith("x-moto-") and _is_unambiguous(k)
    }
    encoding = [p for p in (p.strip() for p in kept.pop("content-encoding", "").split(",")) if p]
    encoding = [p for p in encoding if p != "aws-chunked"]
    if encoding:
        kept["content-encoding"] = ",".join(encoding)
    return kept


def _is_unambiguous(name: str) -> bool:
    return "_" not in name or name.startswith("x-amz-meta-")


async def _read_all(answer: httpx.Response) -> bytes:
    return b"".join([chunk async for chunk in _chunks(answer)])


async def _chunks(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()
