"""A relay from a listening socket to a port of the host's loopback address."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Final, Self

_CHUNK: Final = 1 << 16


class Relay:
    """Passes on what comes over connections to a socket, and back."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, sock: socket.socket, port: int) -> Self:
        """Relay from `sock` to `port`."""
        made = cls(port)
        made._server = await asyncio.start_server(made._accept, sock=sock)
        return made

    async def close(self) -> None:
        """End it, and its connections."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._connected(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.close()
            return
        try:
            await asyncio.gather(_passed_on(reader, there[1]), _passed_on(there[0], writer))
        finally:
            writer.close()
            there[1].close()


async def _passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on until the end, and the end. A connection that breaks has ended."""
    with suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.write_eof()
