"""The places at which the backends of another process are: a socket's file, or an address of another machine."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from locum.backends.remote.channel import PIECE, Channel, ChannelLost
from locum.backends.remote.handshake import bound_to

CONNECTING: Final = 5.0
"""Seconds that a connection may take."""

_ALIVE: Final = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3}
"""After some 11 seconds without a sign of its other end a connection is lost, however long a call may take."""


class Place(Protocol):
    """Where a server is."""

    async def connect(self) -> tuple[Channel, bytes]:
        """A new connection, and what it is bound to (`handshake`). Raises ChannelLost."""


class UnixPlace(NamedTuple):
    """A Unix socket, which the kernel lets nobody but its user open."""

    path: Path

    async def connect(self) -> tuple[Channel, bytes]:
        """A new connection: there is nobody between. Raises ChannelLost."""
        try:
            return Channel(*await asyncio.open_unix_connection(str(self.path), limit=PIECE)), b""
        except OSError as error:
            raise ChannelLost from error


class TlsPlace(NamedTuple):
    """An address of another node. Its certificate is whichever it shows: the handshake tells that it is its own."""

    host: str
    port: int

    async def connect(self) -> tuple[Channel, bytes]:
        """A new connection, bound to the certificate that was shown. Raises ChannelLost."""
        try:
            async with asyncio.timeout(CONNECTING):
                reader, writer = await asyncio.open_connection(
                    self.host, self.port, limit=PIECE, ssl=_context(), server_hostname=self.host
                )
        except (OSError, TimeoutError) as error:
            raise ChannelLost from error
        keep_alive(writer.get_extra_info("socket"))
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return Channel(reader, writer), bound_to(shown)


def keep_alive(connection: socket.socket) -> None:
    """Have the kernel find out when the other end of a connection is gone without a word."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _ALIVE.items():
        connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the proof of the key is bound to the certificate
    return context
