"""Serving of ASGI applications on listening sockets that are opened and closed while the process runs."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any, Final

from locum.http.patience import PATIENCE, Patience
from locum.http.uvicorn_protocol import Application, Shared

BACKLOG: Final = 1024
HANDSHAKE: Final = 10.0
"""Seconds that a client has for the handshake of TLS, before which its connection is nobody's."""


class Listeners:
    """The listening sockets of this process, each with its application and connections.

    `second` is how long a tick takes (`patience`), in seconds.
    """

    def __init__(self, patience: Patience = PATIENCE, second: float = 1.0) -> None:
        self._patience = patience
        self._second = second
        self._shared: Shared | None = None
        self._open: dict[socket.socket, tuple[asyncio.Server, Application]] = {}
        self._closing: list[Application] = []
        self._ticker: asyncio.TimerHandle | None = None
        self.hurried = asyncio.Event()
        """Set once nobody is to be waited for any more."""

    async def open(self, sock: socket.socket, app: Any, tls: ssl.SSLContext | None = None) -> None:
        """Serve `app` on the bound socket `sock`, over TLS where there is a context for it."""
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        self._shared = self._shared or Shared(loop, self._patience)
        application = Application(app, self._shared)
        patience = None if tls is None else HANDSHAKE
        server = await loop.create_server(
            application.protocol, sock=sock, backlog=BACKLOG, ssl=tls, ssl_handshake_timeout=patience
        )
        self._open[sock] = (server, application)
        if self._ticker is None:
            self._tick()

    async def close(self, sock: socket.socket) -> None:
        """Stop serving on `sock` and its connections. Requests in progress are completed."""
        if sock not in self._open:
            return
        server, application = self._open.pop(sock)
        server.close()
        application.shut_down()
        self._closing = [application, *(other for other in self._closing if other.tasks)]

    def drain(self) -> None:
        """Go on serving, and close each connection after its next answer, which says so: its client opens another.

        Connections on which nothing comes stay open, as a request may be on its way.
        """
        if self._shared is not None:
            self._shared.draining = True
            for connection in self._shared.connections:
                connection.drain()

    async def close_all(self) -> None:
        """Stop serving on all sockets. Requests in progress are completed, within 5 seconds, or until it is hurried."""
        for sock in list(self._open):
            await self.close(sock)
        if self._ticker is not None:
            self._ticker.cancel()
        if tasks := [task for application in self._closing for task in application.tasks]:
            hurried = asyncio.ensure_future(self.hurried.wait())
            completed = asyncio.ensure_future(asyncio.wait(tasks))
            await asyncio.wait([completed, hurried], timeout=5, return_when=asyncio.FIRST_COMPLETED)
            for waiting in (completed, hurried):
                waiting.cancel()

    def tick(self) -> None:
        """Count a second of all waits, and set the Date header of responses."""
        for application in [*(application for _, application in self._open.values()), *self._closing]:
            application.tick()

    def _tick(self) -> None:
        self.tick()
        self._ticker = asyncio.get_running_loop().call_later(self._second, self._tick)
