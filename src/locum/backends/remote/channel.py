"""Frames and octets on a connection between two processes of an installation.

A frame is its length in four octets, big endian, and its content. Bodies follow the frame that tells how long they are,
as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Final

PIECE: Final = 1 << 18
"""Octets that are read or written at once."""

LARGEST: Final = (1 << 30) + (1 << 20)
"""The limit in octets of a frame: the parameters of a call are as large as its body at most."""

_LENGTH: Final = 4


class ChannelLost(Exception):
    """The connection has ended, or what came is none of this protocol."""


class Channel:
    """One connection. For one task at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @property
    def ended(self) -> bool:
        """Whether the other end is known to have closed the connection."""
        return self._reader.at_eof() or self._writer.is_closing()

    def put(self, content: bytes) -> None:
        """Have a frame be sent."""
        self._writer.write(len(content).to_bytes(_LENGTH, "big"))
        self._writer.write(content)

    async def send(self, content: bytes, body: bytes = b"") -> None:
        """Send a frame, and what follows it. Raises ChannelLost."""
        try:
            self.put(content)
            view = memoryview(body)
            for begin in range(0, len(view), PIECE):
                self._writer.write(view[begin : begin + PIECE])
                await self._writer.drain()
            await self._writer.drain()
        except OSError as error:
            raise ChannelLost from error

    async def receive(self, limit: int = LARGEST) -> bytes:
        """The next frame, of at most so many octets. Raises ChannelLost."""
        length = int.from_bytes(await self._exactly(_LENGTH), "big")
        if length > limit:
            raise ChannelLost
        return await self._exactly(length) if length <= PIECE else await self.octets(length)

    async def octets(self, size: int) -> bytes:
        """The next `size` octets, which are not had twice meanwhile. Raises ChannelLost."""
        received = BytesIO()
        async for piece in self.pieces(size):
            received.write(piece)
        return received.getvalue()

    async def pieces(self, size: int) -> AsyncIterator[bytes]:
        """The next `size` octets, piece by piece. Raises ChannelLost."""
        while size:
            try:
                piece = await self._reader.read(min(size, PIECE))
            except OSError as error:
                raise ChannelLost from error
            if not piece:
                raise ChannelLost
            size -= len(piece)
            yield piece

    async def frames(self) -> AsyncIterator[bytes]:
        """The frames until an empty one. Raises ChannelLost."""
        while piece := await self.receive():
            yield piece

    def close(self) -> None:
        """End the connection, with whatever is under way on it."""
        self._writer.close()

    async def _exactly(self, size: int) -> bytes:
        try:
            return await self._reader.readexactly(size)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise ChannelLost from error
