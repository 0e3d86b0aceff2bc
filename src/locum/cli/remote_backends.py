"""The backends of another process of the installation: at a socket of this machine, or at a node's address."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from locum.backends.remote import BackendServer, RemoteBackend, Served, TlsPlace
from locum.backends.remote.handshake import bound_to
from locum.calls import Calls, Runtime
from locum.cli.ports import listening_socket, node_address
from locum.core.clock import Entropy
from locum.core.errors import Fault
from locum.credentials import KeyRing
from locum.http.authority import context_of, der, new_authority, server_certificate
from locum.store import Ledger
from locum.store.writer import UNAVAILABLE

SCHEME: Final = "locum"
_PURPOSE: Final = "backend of an installation"


class RemoteEnds(NamedTuple):
    """What an end of a connection has: the key, once it is needed, chance, and how much of the journal is seen."""

    key: Callable[[], bytes]
    entropy: Entropy
    seen: Callable[[], int]


def key_of(ring: KeyRing) -> bytes:
    """The key that both ends of a connection to a backend have."""
    return ring.derive(_PURPOSE, b"")


def remote_endpoint(url: str, ends: RemoteEnds) -> RemoteBackend:
    """The backends of the node at `url` (locum://HOST:PORT). Raises ConfigurationError."""
    return RemoteBackend(TlsPlace(*node_address(urlsplit(url).netloc, url)), *ends)


def backend_server(runtime: Runtime, calls: Calls) -> BackendServer:
    """The server of this node's backends."""
    served = Served(runtime.backends.of, runtime.backends.forget, _seen(runtime.ledger), calls.wake_ups.carried_out)
    return BackendServer(served, key_of(runtime.keyring), runtime.entropy)


async def serve_nodes(server: BackendServer, address: str, now: float) -> None:
    """Serve other nodes at `address` (HOST:PORT), with a certificate of this run. Raises ConfigurationError."""
    host, port = node_address(address, f"--serve-backend {address}")
    issued = server_certificate(new_authority(now), (host,), now)
    sock = listening_socket(host, port, "--serve-backend")
    await server.open_tls(sock, context_of(issued), bound_to(der(issued.certificate)))


def _seen(ledger: Ledger) -> Callable[[int], Awaitable[None]]:
    """Waits until an entry is seen here, without which what another process asks cannot be answered."""

    async def seen(sequence: int) -> None:
        state = await ledger.reached(sequence)
        if state.sequence < sequence and ledger.shared:
            raise Fault(*UNAVAILABLE)

    return seen
