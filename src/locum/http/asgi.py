"""Reading of requests from ASGI, and writing of responses to it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from locum.core.http import HttpRequest, HttpResponse
from locum.http.bodies import Bodies, BodyTimedOut, BodyTooLarge, TooManyBodies

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Allowance = Callable[[HttpRequest], int]
"""The limit in octets for the body of a request, by its headers and as much of the body as there is: at least
FREE_BODY."""

MAX_BODY: Final = 1 << 30
"""The limit in octets for a body, which is in memory while its signature is verified. S3 allows 5 GiB in one PUT;
larger objects are uploaded in parts there as here."""

FREE_BODY: Final = 1 << 20
"""The limit in octets for a body of any request. More is read only where the request names a known key."""

_DIGITS: Final = len(str(FREE_BODY))
_NO_CONTENT: Final = frozenset({204, 304})
_LISTENER_HEADERS: Final = frozenset({b"connection", b"transfer-encoding"})
_NO_STATE: Final[Mapping[str, Any]] = {}
_UNSENDABLE: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""Characters that are invalid in a field value: RFC 9110, section 5.5. The listener refuses all of them."""


@dataclass(slots=True)
class TlsPeer:
    """The other end of a connection by TLS, in `scope["state"]["tls"]`.

    `certificate` is the verified one that it showed, in DER, `protocol` that of ALPN (RFC 7301). `admitted` is for the
    application, to keep from one request of the connection to the next.
    """

    certificate: bytes | None
    protocol: str | None
    admitted: bytes = b""


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


async def read(scope: Scope, receive: Receive, allowance: Allowance, bodies: Bodies) -> HttpRequest:
    """Read a request completely. Raises ClientGone, BodyTooLarge, BodyTimedOut, TooManyBodies.

    `allowance` gives the limit for a body over FREE_BODY. What is taken from `bodies` is to be released once the
    request is answered, or was not read.
    """
    client, query, headers = scope.get("client"), scope["query_string"], _headers(scope["headers"])
    request = HttpRequest(
        scope["method"],
        scope["raw_path"].decode("latin-1"),
        query.decode("latin-1") if query else "",
        headers,
        b"",
        client[0] if client else "127.0.0.1",
        scope["scheme"] == "https",
    )
    declared = headers.get("content-length", "")
    if len(declared) >= _DIGITS and declared.isdecimal() and FREE_BODY < int(declared) > allowance(request):
        raise BodyTooLarge(request)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    request.body = message.get("body", b"")
    more = message.get("more_body", False)
    if more or len(request.body) > FREE_BODY:
        request.body = await _rest(scope, request, receive, allowance, bodies, more)
    return request


async def gone(receive: Receive) -> None:
    """Wait until the client has closed the connection of a request that was read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _rest(
    scope: Scope, request: HttpRequest, receive: Receive, allowance: Allowance, bodies: Bodies, more: bool
) -> bytes:
    """The body of `request`, whose first piece it has; `more` follow."""
    piece, request.body = request.body, b""
    received = BytesIO()  # which does not have the octets twice, as pieces that are joined would be
    limit = 0
    state = scope.get("state", _NO_STATE)

    def allowed() -> int:
        nonlocal limit
        if limit <= FREE_BODY:
            request.body = received.getvalue()
            limit = allowance(request)
            request.body = b""
        return limit

    while True:
        received.write(piece)
        size = received.tell()
        if size > FREE_BODY and size > allowed():
            raise BodyTooLarge(request)
        if not bodies.hold(scope, len(piece), known=lambda: allowed() > FREE_BODY):
            raise TooManyBodies(request)
        if not more:
            return received.getvalue()
        if state.get("timed_out"):
            raise BodyTimedOut(request)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece, more = message.get("body", b""), message.get("more_body", False)


def _headers(pairs: list[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name = raw_name.decode("latin-1")
        value = raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


async def write(scope: Scope, send: Send, response: HttpResponse) -> None:
    """Send `response`, with Content-Length where the length is known.

    The response to a HEAD has headers only, and keeps its own Content-Length. RFC 9110, section 6.4.1: 204 and 304 have
    no content; they are sent without Content-Length.
    """
    headers = [
        (
            name.lower().encode("latin-1"),
            value.encode("latin-1") if value.isascii() and value.isprintable() else _sendable(value),
        )
        for name, value in response.headers
    ]
    body = response.body
    if not isinstance(body, bytes):
        await _stream(scope, send, response.status, headers, body)
        return
    head = scope["method"] == "HEAD"
    empty = response.status in _NO_CONTENT
    names = {name for name, _ in headers}
    stated = b"content-length" in names
    if stated and (empty or not head):
        headers = [pair for pair in headers if pair[0] != b"content-length"]
    if not empty and not (head and stated):
        headers.append((b"content-length", b"%d" % len(body)))
    body = b"" if head or empty else body
    if names.isdisjoint(_LISTENER_HEADERS):
        await send_whole(scope, send, response.status, headers, body)
    else:
        await _send_messages(send, response.status, headers, body)


async def send_whole(scope: Scope, send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Send a response, in one write where the listener can.

    `headers` have lower-case names, valid values and the length of `body`; none is for the listener to act on.
    """
    answer = scope.get("state", _NO_STATE).get("answer")  # see `http.uvicorn_protocol.HopLimitProtocol`
    if answer is None or not answer(send, status, headers, body):
        await _send_messages(send, status, headers, body)


async def _send_messages(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _sendable(value: str) -> bytes:
    """A header's value without invalid characters, which may be in values of backends that clients have set."""
    try:
        raw = value.encode("latin-1")
    except UnicodeEncodeError:
        raw = value.encode("utf-8", "replace")
    return _UNSENDABLE.sub(b" ", raw)


async def _stream(scope: Scope, send: Send, status: int, headers: list[tuple[bytes, bytes]], body: Any) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    async for chunk in body:
        if scope["method"] != "HEAD":
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
