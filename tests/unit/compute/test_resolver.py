"""The resolver of an instance over UDP and TCP: clients that are slow, greedy or rude are in nobody's way."""

from __future__ import annotations

import socket
import struct

import pytest

from locum.compute import resolver
from locum.compute.dns import LONGEST, Zone
from locum.compute.resolver import CONNECTIONS, Resolver

SECONDS = 60
QUERY = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"\x03sts\x09amazonaws\x03com\x00" + struct.pack("!HH", 1, 1)
ADDRESS = socket.inet_aton("127.0.0.1")


@pytest.fixture(scope="module")
def place() -> tuple[str, int]:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    tcp = socket.create_server(udp.getsockname())
    Resolver([udp, tcp], Zone(("amazonaws.com",), "127.0.0.1")).start()
    name: tuple[str, int] = udp.getsockname()
    return name


def connected(place: tuple[str, int]) -> socket.socket:
    return socket.create_connection(place, timeout=SECONDS)


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(2, "big") + message


def read(client: socket.socket) -> bytes:
    """The next message."""
    size = int.from_bytes(client.recv(2, socket.MSG_WAITALL), "big")
    return client.recv(size, socket.MSG_WAITALL)


def asked_over_udp(place: tuple[str, int], message: bytes) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(SECONDS)
        client.sendto(message, place)
        return client.recv(4096)


def test_it_answers_over_udp(place: tuple[str, int]) -> None:
    assert asked_over_udp(place, QUERY).endswith(ADDRESS)


def test_it_answers_over_tcp_one_message_after_another(place: tuple[str, int]) -> None:
    with connected(place) as client:
        client.sendall(framed(QUERY) * 3)
        for _ in range(3):
            assert read(client).endswith(ADDRESS)


def test_a_message_in_pieces_is_waited_for(place: tuple[str, int]) -> None:
    with connected(place) as client:
        for octet in framed(QUERY):
            client.sendall(bytes([octet]))
        assert read(client).endswith(ADDRESS)


def test_the_longest_message_is_refused_and_the_connection_lives(place: tuple[str, int]) -> None:
    with connected(place) as client:
        client.sendall(framed(b"\x00\x07\x01\x00\x00\x01" + b"\x00" * 6 + b"\x01a" * ((LONGEST - 12) // 2)))
        assert read(client)[3] & 0xF == 1
        client.sendall(framed(QUERY))
        assert read(client).endswith(ADDRESS)


@pytest.mark.parametrize("message", [b"\x00\x00", framed(b"x")])
def test_a_client_that_sends_no_query_is_hung_up_on(place: tuple[str, int], message: bytes) -> None:
    with connected(place) as client:
        client.sendall(message)
        assert client.recv(1) == b""


def test_a_client_that_has_gone_is_forgotten(place: tuple[str, int]) -> None:
    connected(place).close()
    assert asked_over_udp(place, QUERY).endswith(ADDRESS)


def test_silent_clients_make_room_for_others(place: tuple[str, int]) -> None:
    silent = [connected(place) for _ in range(CONNECTIONS + 1)]
    try:
        assert silent[0].recv(1) == b""
        with connected(place) as client:
            client.sendall(framed(QUERY))
            assert read(client).endswith(ADDRESS)
    finally:
        for each in silent:
            each.close()


def test_a_flood_that_is_never_read_stops_nobody_else(place: tuple[str, int]) -> None:
    with connected(place) as greedy:
        try:
            for _ in range(200):
                greedy.sendall(framed(QUERY) * 1000)
        except OSError:
            pass  # it was hung up on
        assert asked_over_udp(place, QUERY).endswith(ADDRESS)


def test_its_port_is_the_one_that_is_asked_without_a_configuration() -> None:
    assert (resolver.ADDRESS, resolver.PORT) == ("127.0.0.1", 53)
