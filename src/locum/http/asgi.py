"""ASGI on one side, frozen requests and answers on the other."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

from locum.core.http import HttpRequest, HttpResponse

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Allowance = Callable[[HttpRequest], int]
"""How many octets of body a request may have, judged by its headers: at least FREE_BODY."""

MAX_BODY: Final = 1 << 30
"""Octets. A payload is held in memory while its signature is verified. S3 takes 5 GiB in one PUT; a larger
object is uploaded in parts there as here."""

FREE_BODY: Final = 1 << 20
"""Octets that are read of anybody's request: more only where a key that is known claims to have signed it."""

_NO_CONTENT: Final = frozenset({204, 304})
_OF_THE_LISTENER: Final = frozenset({b"connection", b"transfer-encoding"})
_NO_STATE: Final[Mapping[str, Any]] = {}
_UNSENDABLE: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""RFC 9110, section 5.5: no field value has these; "recipients MUST" replace some, the listener refuses all."""


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


class BodyTooLarge(Exception):
    """The payload is over MAX_BODY. `request` is what came before it."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.method, request.raw_path)
        self.request = request


async def read(scope: Scope, receive: Receive, allowance: Allowance) -> HttpRequest:
    """The whole request. Raises ClientGone, BodyTooLarge.

    `allowance` is asked, once the headers are there, how much of a body over FREE_BODY is read.
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
    if declared.isdecimal() and int(declared) > FREE_BODY and int(declared) > allowance(request):
        raise BodyTooLarge(request)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    request.body = message.get("body", b"")
    if message.get("more_body"):
        request.body = await _rest(request, receive, allowance)
    return request


async def _rest(request: HttpRequest, receive: Receive, allowance: Allowance) -> bytes:
    chunks = [request.body]
    size = len(request.body)
    limit = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > FREE_BODY:
            limit = limit or allowance(request)
        if size > (limit or FREE_BODY):
            request.body = b""
            raise BodyTooLarge(request)
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


def _headers(pairs: list[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name = raw_name.decode("latin-1")
        value = raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


async def write(scope: Scope, send: Send, response: HttpResponse) -> None:
    """Send `response`, with its length where it is known.

    A HEAD gets the headers only, and of a length that the answer states itself, that one. RFC 9110, section 6.4.1:
    204 and 304 have no content, and here no length.
    """
    headers = [(name.encode("latin-1").lower(), _field(value)) for name, value in response.headers]
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
    answer = scope.get("state", _NO_STATE).get("answer")
    if answer is not None and names.isdisjoint(_OF_THE_LISTENER) and answer(send, response.status, headers, body):
        return
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _field(value: str) -> bytes:
    """A header's value as it can be sent: what clients made backends put there may be anything (a line feed, too)."""
    if value.isascii() and value.isprintable():
        return value.encode("ascii")
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
