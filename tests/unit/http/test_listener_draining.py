"""Connections of a process that is to end: each is closed after its next answer, and says so before."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from locum.core.http import HttpResponse
from locum.http import asgi
from locum.http.listener import Listeners

Message = MutableMapping[str, Any]
REQUEST = b"GET /%s HTTP/1.1\r\nhost: x\r\n\r\n"


class Served:
    """An application whose answers to `/slow` wait for `gate`, and whose answers to `/stream` are streams."""

    def __init__(self) -> None:
        self.gate, self.asked = asyncio.Event(), asyncio.Event()
        self.listeners = Listeners()
        self._sock = socket.create_server(("127.0.0.1", 0))
        self.address = self._sock.getsockname()

    async def open(self) -> None:
        await self.listeners.open(self._sock, self._app)

    async def _app(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: asgi.Send) -> None:
        self.asked.set()
        if scope["path"] == "/slow":
            await self.gate.wait()
        response = HttpResponse(200, [], self._pieces() if scope["path"] == "/stream" else b"ok")
        await asgi.write(scope, send, response)

    async def _pieces(self) -> AsyncIterator[bytes]:
        yield b"ok"


@asynccontextmanager
async def served() -> AsyncIterator[Served]:
    it = Served()
    await it.open()
    try:
        yield it
    finally:
        it.gate.set()
        await it.listeners.close_all()


async def head(reader: asyncio.StreamReader) -> bytes:
    return (await reader.readuntil(b"\r\n\r\n")).lower()


@pytest.mark.parametrize("path", [b"whole", b"stream"])
def test_a_kept_connection_is_closed_after_its_next_answer(path: bytes) -> None:
    async def story() -> None:
        async with served() as it:
            reader, writer = await asyncio.open_connection(*it.address)
            writer.write(REQUEST % b"whole")
            assert b"connection: close" not in await head(reader)
            assert await reader.readexactly(2) == b"ok"
            it.listeners.drain()
            writer.write(REQUEST % path)
            answer = await reader.read()
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert answer.lower().count(b"connection: close") == 1
            assert b"ok" in answer.partition(b"\r\n\r\n")[2]
            writer.close()

    asyncio.run(story())


def test_an_answer_that_is_under_way_is_the_last_of_its_connection() -> None:
    async def story() -> None:
        async with served() as it:
            reader, writer = await asyncio.open_connection(*it.address)
            writer.write(REQUEST % b"slow")
            await it.asked.wait()
            it.listeners.drain()
            it.gate.set()
            answer = await reader.read()
            assert b"connection: close" in answer.lower()
            assert answer.endswith(b"ok")
            writer.close()

    asyncio.run(story())


def test_who_has_not_heard_of_it_opens_a_connection_and_is_answered() -> None:
    async def story() -> None:
        async with served() as it:
            (await asyncio.open_connection(*it.address))[1].close()
            it.listeners.drain()
            reader, writer = await asyncio.open_connection(*it.address)
            writer.write(REQUEST % b"whole")
            assert (await reader.read()).endswith(b"ok")
            writer.close()

    asyncio.run(story())


def test_nobody_is_waited_for_once_it_is_hurried() -> None:
    async def story() -> None:
        async with served() as it:
            _, writer = await asyncio.open_connection(*it.address)
            writer.write(REQUEST % b"slow")
            await it.asked.wait()
            closing = asyncio.ensure_future(it.listeners.close_all())
            await asyncio.sleep(0)
            assert not closing.done()
            it.listeners.hurried.set()
            await closing
            writer.close()

    asyncio.run(story())
