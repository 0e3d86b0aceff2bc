"""What a stranger can make a listening socket keep in memory."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import pytest

from locum.http.listener import Listeners
from locum.http.uvicorn_protocol import MAX_HEAD

Message = MutableMapping[str, Any]


async def _app(scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Any]) -> None:
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def _sent(pieces: list[bytes]) -> bytes:
    """What comes back on one connection for `pieces`, up to its end or the first whole answer."""
    listeners = Listeners()
    sock = socket.create_server(("127.0.0.1", 0))
    await listeners.open(sock, _app)
    reader, writer = await asyncio.open_connection(*sock.getsockname())
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await reader.read(1 << 16)
    except ConnectionError:
        return b""
    finally:
        writer.close()
        await listeners.close_all()


_START = b"GET / HTTP/1.1\r\nhost: x\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        [_START + b"x: ", *[b"a" * 8192] * 64],
        [_START, *[b"".join(b"x-%d: 1\r\n" % (i * 1000 + j) for j in range(1000)) for i in range(64)]],
        [b"GET /", *[b"a" * 8192] * 64],
    ],
    ids=["one endless header", "endlessly many headers", "an endless path"],
)
def test_headers_without_end_are_not_kept(pieces: list[bytes]) -> None:
    answer = asyncio.run(_sent(pieces))
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


def test_a_large_body_is_none_of_the_head() -> None:
    body = b"a" * (4 * MAX_HEAD)
    head = b"PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    assert asyncio.run(_sent([head + body])).startswith(b"HTTP/1.1 200 ")


def test_headers_as_long_as_they_may_be_are_read_in_small_pieces() -> None:
    head = b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"a" * (MAX_HEAD - 4096) + b"\r\n\r\n"
    pieces = [head[at : at + 4096] for at in range(0, len(head), 4096)]
    assert asyncio.run(_sent(pieces)).startswith(b"HTTP/1.1 200 ")
