"""The backends of one process, used by the others of an installation: over a Unix socket, or over TLS.

    messages    what is asked and answered, as values of their own
    channel     frames and octets on a connection
    handshake   both ends show that they have the key of the installation
    server      carries out at the backends of this process
    client      the port of a backend, over connections to a server
    used        which services may have something, for processes of one machine

The reasons are in ADR 48.
"""

from __future__ import annotations

from locum.backends.remote.client import RemoteBackend
from locum.backends.remote.places import Place, TlsPlace, UnixPlace
from locum.backends.remote.server import BackendServer, Served
from locum.backends.remote.used import UsedServices

__all__ = ["BackendServer", "Place", "RemoteBackend", "Served", "TlsPlace", "UnixPlace", "UsedServices"]
