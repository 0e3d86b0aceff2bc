"""ASGI on one side, frozen requests and answers on the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from locum.core.http import HttpRequest, HttpResponse

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Handler = Callable[[HttpRequest], Awaitable[HttpResponse]]

MAX_BODY: Final = 1 << 30
"""Octets. A payload is held in memory while its signature is verified. S3 takes 5 GiB in one PUT; a larger
object is uploaded in parts there as here."""


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


class BodyTooLarge(Exception):
    """The payload is over MAX_BODY."""


async def read(scope: Scope, receive: Receive) -> HttpRequest:
    """The whole request. Raises ClientGone, BodyTooLarge."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        body = await _rest(body, receive)
    client = scope.get("client")
    return HttpRequest(
        scope["method"],
        scope["raw_path"].decode("latin-1"),
        scope["query_string"].decode("latin-1"),
        _headers(scope["headers"]),
        body,
        client[0] if client else "127.0.0.1",
        scope["scheme"] == "https",
    )


async def _rest(start: bytes, receive: Receive) -> bytes:
    chunks = [start]
    size = len(start)
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY:
            raise BodyTooLarge
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
    """Send `response`, with its length where it is known; a HEAD gets the headers only."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    body = response.body
    if not isinstance(body, bytes):
        await _stream(scope, send, response.status, headers, body)
        return
    if scope["method"] == "HEAD":
        if not any(name == b"content-length" for name, _ in headers):
            headers.append((b"content-length", b"%d" % len(body)))
        body = b""
    elif response.status != 204:
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _stream(scope: Scope, send: Send, status: int, headers: list[tuple[bytes, bytes]], body: Any) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    async for chunk in body:
        if scope["method"] != "HEAD":
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
