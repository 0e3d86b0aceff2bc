"""Transports that join the writes of one iteration of the event loop."""

from __future__ import annotations

import asyncio
from typing import Any, Final

LARGE: Final = 1 << 16
"""The size in octets from which data is written at once, without copying it to join it with other data."""


class WriteQueue:
    """The writes to be made at the end of this iteration of the event loop.

    A write to a socket wakes its reader, which costs more than serializing a response. So the responses of one
    iteration are made first and then sent, with head and body in one write.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[JoinedWrites] = []

    def add(self, writes: JoinedWrites) -> None:
        """Flush `writes` at the end of the iteration."""
        if not self._waiting:
            self._loop.call_soon(self._send)
        self._waiting.append(writes)

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        for writes in waiting:
            writes.flush()


class JoinedWrites:
    """A transport that joins the writes of one iteration of the event loop. `written` is their size until now."""

    def __init__(self, transport: asyncio.Transport, queue: WriteQueue) -> None:
        self._transport = transport
        self._queue = queue
        self._pieces: list[bytes] = []
        self.written = 0

    def write(self, data: bytes) -> None:
        """Write `data` at the end of the iteration; at once, after the pending data, where it is large."""
        self.written += len(data)
        if len(data) > LARGE:
            self.flush()
            if not self._transport.is_closing():
                self._transport.write(data)
        elif data:
            if not self._pieces:
                self._queue.add(self)
            self._pieces.append(data)

    def flush(self) -> None:
        """Write the pending data. What is for a client that is gone is dropped: uvloop raises where it is written."""
        if self._pieces:
            pieces, self._pieces = self._pieces, []
            if not self._transport.is_closing():
                self._transport.write(b"".join(pieces))

    def close(self) -> None:
        """Write the pending data and close."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether the transport is closing or closed. A method for speed: it is called for each request."""
        return self._transport.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
