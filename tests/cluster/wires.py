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

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._whole.wait()
        with suppress(OSError):
            there, answers = await asyncio.open_connection("127.0.0.1", self._target)
            await asyncio.gather(self._forward(reader, answers), self._forward(there, writer))
        writer.close()

    async def _forward(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """One direction, until its end, which is passed on."""
        with suppress(OSError):
            while data := await source.read(_OCTETS):
                await self._whole.wait()
                target.write(data)
                await target.drain()
        await self._whole.wait()
        target.close()


@contextmanager
def wires() -> Iterator[asyncio.AbstractEventLoop]:
    """The event loop that wires are made on, in a thread of its own, for as long as the block runs."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="wires", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(_ended(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _ended() -> None:
    """Cancel every connection, and see it out."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
