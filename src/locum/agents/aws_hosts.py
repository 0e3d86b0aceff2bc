"""The gateway at AWS's host names, for the instances in which they are this plane's (`compute.aws_hosts`)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import Any

from locum.core.clock import Clock
from locum.http.authority import Issued
from locum.http.listener import Listeners
from locum.http.named_certificates import NamedCertificates


class AwsHosts:
    """The gateway over TLS, as the host that a client names.

    `authority` is the installation's, which is made or read where it is first needed. `is_host` tells which lower-case
    names are AWS's. `wall` is the time of certificates.
    """

    def __init__(
        self,
        listeners: Listeners,
        gateway: Any,
        authority: Callable[[], Issued],
        is_host: Callable[[str], bool],
        wall: Clock,
    ) -> None:
        self._listeners = listeners
        self._gateway = gateway
        self._authority = authority
        self._is_host = is_host
        self._wall = wall
        self._context: ssl.SSLContext | None = None

    async def serve(self, sock: socket.socket) -> None:
        """Answer API calls on `sock`, until it is closed by the listeners."""
        if self._context is None:
            self._context = NamedCertificates(self._authority(), self._is_host, self._wall).context()
        await self._listeners.open(sock, self._gateway, self._context)

    def authority(self) -> str:
        """The certificate of the authority, in PEM."""
        return self._authority().certificate.decode()
