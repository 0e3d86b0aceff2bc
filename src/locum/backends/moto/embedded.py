"""The default backend: moto in this process.

moto is plain Python under one lock (the GIL), so threads do not make it faster; but some of its calls wait
(an SQS long poll, Lambda) and would hold up everything else. Calls known to be short run at once on the
event loop, all others on a few threads.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote_to_bytes, urlsplit

from moto.core.exceptions import ServiceException
from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY, Request
from werkzeug.exceptions import HTTPException

from locum.backends import translate
from locum.backends.directory import Directory
from locum.backends.moto import deliveries, facts, handlers, identity, objects, s3
from locum.backends.moto.s3 import not_implemented
from locum.backends.moto.workers import Workers, contained
from locum.backends.port import BackendCall, Carried
from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.core.resources import ResourceFacts

SHORT: Final = {
    "s3": frozenset(
        {"GetObject", "HeadObject", "HeadBucket", "ListObjectsV2", "ListBuckets", "DeleteObject", "GetBucketLocation"}
    ),
    "dynamodb": frozenset({"GetItem", "PutItem", "DeleteItem", "UpdateItem", "Query", "DescribeTable"}),
}
"""Calls that take well under a millisecond, whatever their input."""

_FORMS: Final = ("query", "ec2")
_HOP_BY_HOP: Final = frozenset({"status", "server", "date", "connection", "transfer-encoding"})
_STEERING: Final = ("MOTO_ACCOUNT_ID", "INITIAL_NO_AUTH_ACTION_COUNT", "AWS_PROFILE", "AWS_DEFAULT_PROFILE")
"""Variables of the environment that would have moto work in one account only, judge calls by itself, or look for
a profile that this process does not need."""


class EmbeddedMoto:
    """moto behind the Backend port. Everything it holds is in memory."""

    forgets = True

    def __init__(self, directory: Directory) -> None:
        for name in _STEERING:
            os.environ.pop(name, None)
        self._directory = directory
        self._lent: set[str] = set()
        self._workers = Workers()
        deliveries.divert()

    async def call(self, call: BackendCall) -> Carried:
        if call.account not in self._lent:
            identity.lend(self._directory, call.account)
            self._lent.add(call.account)
        if call.service == "s3":
            s3.check(call)
        if call.operation in SHORT.get(call.service, ()):
            plain = call.service == "s3" and call.operation in objects.OPERATIONS
            read = contained(objects.read, call) if plain else None
            return contained(carry_out, call) if read is None else Carried(read)
        return await self._workers.run(carry_out, call)

    async def facts(self, service: str, arn: str, account: str, region: str) -> ResourceFacts:
        return contained(facts.facts, service, arn, account, region)

    async def close(self) -> None:
        self._workers.close()


def carry_out(call: BackendCall) -> Carried:
    """Run moto's handler for `call`, in this thread. Raises Fault where moto has no such service or operation."""
    with deliveries.collecting(call) as collected:
        response = _carried_out(call)
    return collected.after(response)


def _carried_out(call: BackendCall) -> HttpResponse:
    protocol = translate.protocol_for(call.model, call.protocol)
    service = handlers.find(call.service, call.endpoint_prefix, call.signing_name, call.region, call.account)
    if service is None or protocol is None:
        raise not_implemented(call)
    if not handlers.has_region(call.service, call.account, call.region):
        raise Fault("SignatureDoesNotMatch", "Credential should be scoped to a valid region. ", 403)
    said = translate.restated(call.model, protocol, _named_plainly(call))
    handler = service.handler(f"https://{service.host}{said.path}")
    if handler is None:
        raise not_implemented(call)
    environ = _environ(call, service.host, said, protocol)
    answer = _ask(call, handler, Request(environ) if protocol in _FORMS else _Request(environ))
    if protocol == "json":  # of which moto is not always sure
        _set_content_type(answer, said.headers["content-type"])
    if call.protocol != translate.CBOR:
        return answer
    assert isinstance(answer.body, bytes)
    output = translate.read_answer(call.model, protocol, answer.status, answer.headers, answer.body)
    return call.codec.serialize(output, "")


def _ask(call: BackendCall, handler: handlers.Handler, request: Request) -> HttpResponse:
    try:
        status, headers, body = handler(request, request.raw_url, request.headers)
    except ServiceException as error:
        raise Fault(error.code or "InternalFailure", error.message, _status_of(call, error.code)) from error
    except HTTPException as error:
        status, headers, body = error.code or 500, dict(error.get_headers()), error.get_body()
    except NotImplementedError as error:
        raise not_implemented(call) from error
    hidden = _HOP_BY_HOP if request.method == "HEAD" else _HOP_BY_HOP | {"content-length"}
    kept = [(name, str(value)) for name, value in headers.items() if name.lower() not in hidden]
    return HttpResponse(int(status), kept, _answer_body(body))


def _set_content_type(answer: HttpResponse, content_type: str) -> None:
    kept = [pair for pair in answer.headers if pair[0].lower() != "content-type"]
    answer.headers = [*kept, ("Content-Type", content_type)]


class _Request(Request):  # type: ignore[misc] # moto has no types
    """A request whose body is no form, whatever its Content-Type says: an object may well be of that type."""

    @property
    def want_form_data_parsed(self) -> bool:
        return False


def _named_plainly(call: BackendCall) -> Mapping[str, Any]:
    """The parameters, with a queue's name in place of its URL: moto would find another name in some URLs."""
    url = call.params.get("QueueUrl") if call.service == "sqs" else None
    if url is None:
        return call.params
    segments = [part for part in urlsplit(url).path.split("/") if part]
    return {**call.params, "QueueUrl": segments[-1] if segments else ""}


def _status_of(call: BackendCall, code: str) -> int:
    for shape in call.model.service_model.error_shapes:
        if code in (shape.name, shape.error_code):
            return int(shape.metadata.get("error", {}).get("httpStatusCode", 400))
    return 400


def _environ(call: BackendCall, host: str, said: translate.Restated, protocol: str) -> dict[str, Any]:
    """The request as a WSGI environment: what moto's request is made of, without a server in between."""
    query = _query(call, said, protocol)
    uri = f"{said.path}?{query}" if query else said.path
    environ: dict[str, Any] = {
        "REQUEST_METHOD": said.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": _decoded(said.path),
        "QUERY_STRING": query,
        "RAW_URI": uri,
        "REQUEST_URI": uri,
        "SERVER_NAME": host,
        "SERVER_PORT": "443",
        "HTTP_HOST": host,
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(said.body),
        "HTTP_X_MOTO_ACCOUNT_ID": call.account,
        "HTTP_AUTHORIZATION": (
            f"AWS4-HMAC-SHA256 Credential=LOCUM/20260101/{call.region}/{call.signing_name}/aws4_request"
        ),
    }
    _add_headers(environ, said.headers)
    environ["CONTENT_LENGTH"] = str(len(said.body))
    asked = call.request.headers.get("host", host)
    if call.service == "sqs" and ".amazonaws.com" not in asked:
        # A queue's URL is made of the address that the client used: it must lead back to the gateway. (A name of
        # AWS's does already, and moto would take its region for the call's.)
        environ["HTTP_HOST"] = asked
        environ["wsgi.url_scheme"] = "https" if call.request.secure else "http"
    if "origin" in call.request.headers:
        environ["HTTP_ORIGIN"] = call.request.headers["origin"]
    return environ


def _query(call: BackendCall, said: translate.Restated, protocol: str) -> str:
    """The query string. It is never empty where moto would look for parameters in the body or the headers then."""
    if protocol == "json":
        return f"Action={call.operation}"
    if protocol in _FORMS:
        return ""
    return said.query or f"x-id={call.operation}"


def _add_headers(environ: dict[str, Any], headers: Mapping[str, str]) -> None:
    preserved: dict[str, str] = {}
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        environ[key] = value
        if "_" in name and name.startswith("x-amz-meta-"):
            preserved[key] = name
    environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = preserved


def _decoded(path: str) -> str:
    """PATH_INFO: percent-decoded, its UTF-8 octets as Latin-1 characters (PEP 3333)."""
    if "%" not in path:
        return path
    return unquote_to_bytes(path).decode("latin-1")


def _answer_body(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    if body is None:
        return b""
    return b"".join(part if isinstance(part, bytes) else part.encode() for part in body)
