"""The network between two programs: a TCP proxy whose wires can be cut.

What is sent over a cut wire waits, and neither end is told, as packets that are lost are sent again: where the wire is
mended, all of it arrives. Connections that are made meanwhile get no answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Final

from cluster.daemons import free_ports

_OCTETS: Final = 65_536


class Wire:
    """Forwards connections to `port` of this machine to the port `target`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, target: int) -> None:
        [self.port] = free_ports(1)
        self._loop, self._target = loop, target
        self._writers: set[asyncio.StreamWriter] = set()
        self._whole = asyncio.Event()
        self._whole.set()
        asyncio.run_coroutine_threadsafe(self._listen(), loop).result()

    def cut(self) -> None:
        """Let nothing through, and tell nobody."""
        self._loop.call_soon_threadsafe(self._whole.clear)

    def mend(self) -> None:
        """Let everything through that was sent meanwhile."""
        self._loop.call_soon_threadsafe(self._whole.set)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)

    def close(self) -> None:
        """Listen no more, and abort what is connected."""
        self._server.close()
        self._whole.set()
        for writer in self._writers:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._whole.wait()
            await self._joined(reader, writer)
        finally:
            writer.close()
            self._writers.discard(writer)

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            there, answers = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers.add(answers)
            try:
                await asyncio.gather(self._forward(reader, answers), self._forward(there, writer))
            finally:
                self._writers.discard(answers)

    async def _forward(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """One direction, until its end, which is passed on."""
        with suppress(OSError):
            while data := await source.read(_OCTETS):
                await self._whole.wait()
                target.write(data)
                await target.drain()
        await self._whole.wait()
        target.close()


class Wires:
    """Makes wires, on an event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="wires", daemon=True)
        self._thread.start()
        self._made: list[Wire] = []

    def to(self, port: int) -> Wire:
        """A new wire to a port of this machine."""
        self._made.append(Wire(self._loop, port))
        return self._made[-1]

    def close(self) -> None:
        """End every connection."""
        asyncio.run_coroutine_threadsafe(self._ended(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _ended(self) -> None:
        """Abort what is connected, and see the tasks out that served it."""
        for wire in self._made:
            wire.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others)


@contextmanager
def wires() -> Iterator[Wires]:
    """Wires, for as long as the block runs."""
    made = Wires()
    try:
        yield made
    finally:
        made.close()
