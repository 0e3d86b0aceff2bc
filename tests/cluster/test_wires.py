"""A wire that is cut lets nothing through; mended, it lets everything through, in its order."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from cluster.wires import Wire, wires


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def connected(wire: Wire) -> socket.socket:
    return socket.create_connection(("127.0.0.1", wire.port), timeout=20)


def test_what_is_sent_over_a_cut_wire_arrives_when_it_is_mended(server: socket.socket) -> None:
    with wires() as made:
        wire = made.to(server.getsockname()[1])
        with connected(wire) as here, server.accept()[0] as there:
            here.sendall(b"before ")
            assert there.recv(100) == b"before "
            wire.cut()
            here.sendall(b"meanwhile ")
            there.settimeout(0.2)
            with pytest.raises(TimeoutError):
                there.recv(100)
            wire.mend()
            there.settimeout(20)
            assert there.recv(100) == b"meanwhile "
            there.sendall(b"and back")
            assert here.recv(100) == b"and back"


def test_a_connection_over_a_cut_wire_is_made_when_it_is_mended(server: socket.socket) -> None:
    server.settimeout(0.2)
    with wires() as made:
        wire = made.to(server.getsockname()[1])
        wire.cut()
        with connected(wire) as here:
            with pytest.raises(TimeoutError):
                server.accept()
            wire.mend()
            server.settimeout(20)
            with server.accept()[0] as there:
                here.sendall(b"at last")
                assert there.recv(100) == b"at last"


def test_an_end_is_passed_on(server: socket.socket) -> None:
    with wires() as made:
        wire = made.to(server.getsockname()[1])
        with connected(wire) as here, server.accept()[0] as there:
            there.close()
            assert here.recv(100) == b""
