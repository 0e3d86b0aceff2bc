"""The listeners of a plane for its gateway: their sockets, and the certificate of the one over TLS."""

from __future__ import annotations

import socket
import ssl
from contextlib import ExitStack
from typing import Any

from locum.cli.options import Options
from locum.cli.ports import first_shared_socket, listening_socket
from locum.cli.tls import tls_context
from locum.http.listener import Listeners
from locum.store.directory import DataDirectory


class GatewayDoor:
    """The listeners. Making one takes their ports; raises ConfigurationError where that cannot be.

    `undone` closes what is taken. Workers share the ports with the plane that took them.
    """

    def __init__(self, options: Options, undone: ExitStack) -> None:
        listening = listening_socket if options.workers == 1 else first_shared_socket
        self._options = options
        self._context: ssl.SSLContext | None = None
        self._tls: socket.socket | None = None
        self._plain = listening(options.host, options.port)
        undone.callback(self._plain.close)
        if options.tls is not None:
            self._tls = listening(options.host, options.tls.port, "--tls-port")
            undone.callback(self._tls.close)

    @property
    def port(self) -> int:
        """The port without TLS."""
        return int(self._plain.getsockname()[1])

    @property
    def tls_port(self) -> int | None:
        """The port of the TLS listener; None where there is none."""
        return None if self._tls is None else int(self._tls.getsockname()[1])

    def prepare(self, directory: DataDirectory, now: float) -> None:
        """Have the certificate that is shown, where there is TLS. Raises ConfigurationError."""
        tls, region = self._options.tls, self._options.settings.region
        if tls is not None:
            self._context = tls_context(tls, directory, region, now)

    async def open(self, listeners: Listeners, gateway: Any) -> None:
        """Serve `gateway`, an ASGI application."""
        await listeners.open(self._plain, gateway)
        if self._tls is not None:
            await listeners.open(self._tls, gateway, self._context)

    def close(self) -> None:
        """Close the sockets."""
        for taken in (self._plain, self._tls):
            if taken is not None:
                taken.close()
