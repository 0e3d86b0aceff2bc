"""Serve ASGI applications on listening sockets that come and go while the process runs."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Final

from locum.http.uvicorn_protocol import Application

BACKLOG: Final = 1024


class Listeners:
    """The open sockets of this process, each with its application and its connections."""

    def __init__(self) -> None:
        self._open: dict[socket.socket, tuple[asyncio.Server, Application]] = {}
        self._closing: list[Application] = []
        self._ticker: asyncio.TimerHandle | None = None

    async def open(self, sock: socket.socket, app: Any) -> None:
        """Serve `app` on the bound socket `sock`."""
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        application = Application(app, loop)
        server = await loop.create_server(application.protocol, sock=sock, backlog=BACKLOG)
        self._open[sock] = (server, application)
        if self._ticker is None:
            self._tick()

    async def close(self, sock: socket.socket) -> None:
        """Stop serving on `sock`, and on the connections that it accepted: a request under way is finished."""
        if sock not in self._open:
            return
        server, application = self._open.pop(sock)
        server.close()
        application.shut_down()
        self._closing = [application, *(other for other in self._closing if other.tasks)]

    async def close_all(self) -> None:
        """Stop serving everywhere; requests under way are finished."""
        for sock in list(self._open):
            await self.close(sock)
        if self._ticker is not None:
            self._ticker.cancel()
        if tasks := [task for application in self._closing for task in application.tasks]:
            await asyncio.wait(tasks, timeout=5)

    def _tick(self) -> None:
        for _, application in self._open.values():
            application.tick()
        self._ticker = asyncio.get_running_loop().call_later(1.0, self._tick)
