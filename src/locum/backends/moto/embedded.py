"""The default backend: moto in this process.

moto is plain Python under one lock (the GIL), so threads do not make it faster; but some of its calls wait
(an SQS long poll, Lambda) and would hold up everything else. Calls known to be short run at once on the
event loop, all others on a few threads.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from moto.core.exceptions import ServiceException
from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY, Request
from werkzeug.exceptions import HTTPException

from locum.backends.moto import facts, handlers, identity, objects
from locum.backends.port import BackendCall
from locum.core.errors import Fault
from locum.core.http import HttpRequest, HttpResponse
from locum.core.resources import ResourceFacts

SHORT: Final = {
    "s3": frozenset(
        {"GetObject", "HeadObject", "HeadBucket", "ListObjectsV2", "ListBuckets", "DeleteObject", "GetBucketLocation"}
    ),
    "dynamodb": frozenset({"GetItem", "PutItem", "DeleteItem", "UpdateItem", "Query", "DescribeTable"}),
}
"""Calls that take well under a millisecond, whatever their input."""

_DROPPED: Final = frozenset(
    {
        "host",
        "authorization",
        "connection",
        "transfer-encoding",
        "content-length",
        "expect",
        "x-amz-security-token",
        "x-amz-decoded-content-length",
        "x-amz-trailer",
    }
)
_THREADS: Final = 8
_HOP_BY_HOP: Final = frozenset({"status", "server", "date", "connection", "transfer-encoding"})


class EmbeddedMoto:
    """moto behind the Backend port. Everything it holds is in memory."""

    def __init__(self, directory: identity.Directory) -> None:
        self._directory = directory
        self._lent: set[str] = set()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="moto")

    async def call(self, call: BackendCall) -> HttpResponse:
        if call.account not in self._lent:
            identity.lend(self._directory, call.account)
            self._lent.add(call.account)
        if call.operation in SHORT.get(call.service, ()):
            plain = objects.read(call) if call.service == "s3" and call.operation in objects.OPERATIONS else None
            return plain or carry_out(call)
        return await asyncio.get_running_loop().run_in_executor(self._threads, carry_out, call)

    async def facts(self, service: str, arn: str, account: str, region: str) -> ResourceFacts:
        return facts.facts(service, arn, account, region)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def carry_out(call: BackendCall) -> HttpResponse:
    """Run moto's handler for `call`, in this thread. Raises Fault where moto has no such service or operation."""
    service = handlers.find(call.service, call.endpoint_prefix, call.signing_name, call.region, call.account)
    path = f"/{call.host_bucket}{call.request.raw_path}" if call.host_bucket else call.request.raw_path
    handler = service and service.handler(f"https://{service.host}{path}")
    if service is None or handler is None:
        raise _not_implemented(call)
    request = Request(_environ(call, service.host, path))
    try:
        status, headers, body = handler(request, request.raw_url, request.headers)
    except ServiceException as error:
        raise Fault(error.code or "InternalFailure", error.message, 400) from error
    except HTTPException as error:
        status, headers, body = error.code or 500, dict(error.get_headers()), error.get_body()
    except NotImplementedError as error:
        raise _not_implemented(call) from error
    hidden = _HOP_BY_HOP if call.request.method == "HEAD" else _HOP_BY_HOP | {"content-length"}
    kept = [(name, str(value)) for name, value in headers.items() if name.lower() not in hidden]
    return HttpResponse(int(status), kept, _answer_body(body))


def _not_implemented(call: BackendCall) -> Fault:
    return Fault(
        "NotImplemented",
        f"The embedded backend does not implement {call.service}:{call.operation}. "
        "The call was authenticated and allowed; name another backend for this service to carry it out.",
        501,
    )


def _environ(call: BackendCall, host: str, path: str) -> dict[str, Any]:
    """The request as a WSGI environment: what moto's request is made of, without a server in between."""
    request = call.request
    uri = f"{path}?{request.query_string}" if request.query_string else path
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": _decoded(path),
        "QUERY_STRING": request.query_string,
        "RAW_URI": uri,
        "REQUEST_URI": uri,
        "SERVER_NAME": host,
        "SERVER_PORT": "443",
        "HTTP_HOST": host,
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(call.body),
        "CONTENT_LENGTH": str(len(call.body)),
        "HTTP_X_MOTO_ACCOUNT_ID": call.account,
        "HTTP_AUTHORIZATION": (
            f"AWS4-HMAC-SHA256 Credential=LOCUM/20260101/{call.region}/{call.signing_name}/aws4_request"
        ),
    }
    preserved: dict[str, str] = {}
    for name, value in _headers(request):
        key = name.upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        environ[key] = value
        if "_" in name and name.startswith("x-amz-meta-"):
            preserved[key] = name
    environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = preserved
    if call.service == "sqs":
        # A queue's URL is made of the address that the client used: it must lead back to the gateway.
        environ["HTTP_HOST"] = request.headers.get("host", host)
        environ["wsgi.url_scheme"] = "https" if request.secure else "http"
    return environ


def _headers(request: HttpRequest) -> Iterator[tuple[str, str]]:
    """What of the client's headers moto may see: nothing that steers moto, no credentials, no framing."""
    for name, value in request.headers.items():
        if name in _DROPPED or name.startswith("x-moto-"):
            continue
        if name == "x-amz-content-sha256" and value.startswith("STREAMING-"):
            value = "UNSIGNED-PAYLOAD"
        elif name == "content-encoding" and "aws-chunked" in value:
            value = ",".join(v for v in (p.strip() for p in value.split(",")) if v != "aws-chunked")
            if not value:
                continue
        yield name, value


def _decoded(path: str) -> str:
    """PATH_INFO: percent-decoded, its UTF-8 octets as Latin-1 characters (PEP 3333)."""
    if "%" not in path:
        return path
    head, *rest = path.encode("latin-1").split(b"%")
    out = [head]
    for part in rest:
        try:
            out.append(bytes((int(part[:2], 16),)) + part[2:])
        except ValueError:
            out.append(b"%" + part)
    return b"".join(out).decode("latin-1")


def _answer_body(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    if body is None:
        return b""
    return b"".join(part if isinstance(part, bytes) else part.encode() for part in body)
