"""Writes of one turn of the event loop that go out together."""

from __future__ import annotations

import asyncio
from typing import Any, Final

LARGE: Final = 1 << 16
"""Octets: what is larger is not copied to be sent in one piece with other things."""


class Outbox:
    """What is to be sent when this turn of the event loop is over.

    A write to a socket wakes its reader, which costs more than all that `wire` does for an answer. So the
    answers of one turn are made first and then sent, one after the other: head and body of each in one piece.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[JoinedWrites] = []

    def add(self, writes: JoinedWrites) -> None:
        """Have `writes` sent at the end of the turn."""
        if not self._waiting:
            self._loop.call_soon(self._send)
        self._waiting.append(writes)

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        for writes in waiting:
            writes.flush()


class JoinedWrites:
    """A transport whose writes of one turn of the loop are one."""

    def __init__(self, transport: asyncio.Transport, outbox: Outbox) -> None:
        self._transport = transport
        self._outbox = outbox
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Send `data` at the end of the turn; at once, with what was held, where it is large."""
        if len(data) > LARGE:
            self.flush()
            self._transport.write(data)
        elif data:
            if not self._pieces:
                self._outbox.add(self)
            self._pieces.append(data)

    def flush(self) -> None:
        """Send what is held."""
        if self._pieces:
            pieces, self._pieces = self._pieces, []
            self._transport.write(b"".join(pieces))

    def close(self) -> None:
        """Send what is held, then close."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether the transport is closing or closed: asked for each request, so not left to `__getattr__`."""
        return self._transport.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
