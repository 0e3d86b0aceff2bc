"""Who is not of the installation, at either end of a connection to its backends, or between them."""

from __future__ import annotations

import asyncio
import hmac
import socket
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from locum.backends.remote import RemoteBackend, TlsPlace
from locum.backends.remote.handshake import bound_to
from locum.core.clock import system_clock, system_entropy
from locum.core.errors import Fault
from locum.http.authority import Issued, context_of, der, new_authority, server_certificate
from support.remote import KEY, RemoteHouse, call_of, remote_house
from support.wire_requests import rest

GET = rest("GET", "/bucket/key")
LENGTH = 4


@pytest.fixture
def house(tmp_path: Path) -> Iterator[RemoteHouse]:
    with remote_house(tmp_path) as house:
        yield house


def frame(content: bytes) -> bytes:
    return len(content).to_bytes(LENGTH, "big") + content


async def receive(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly(int.from_bytes(await reader.readexactly(LENGTH), "big"))


async def spoken(house: RemoteHouse, octets: bytes) -> bytes:
    """What the server says to one who sends these octets, until it closes the connection."""
    reader, writer = await asyncio.open_unix_connection(str(house.path))
    await receive(reader)
    writer.write(octets)
    writer.write_eof()
    said = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return said


async def relay(house: RemoteHouse, path: Path, sent: bytearray) -> asyncio.Server:
    """A server at `path` that passes everything on, and keeps what clients send."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_unix_connection(str(house.path))

        async def up() -> None:
            while piece := await reader.read(1 << 16):
                sent.extend(piece)
                before.write(piece)
            before.close()

        task = asyncio.ensure_future(up())
        while piece := await behind.read(1 << 16):
            writer.write(piece)
        writer.close()
        await task

    return await asyncio.start_unix_server(serve, str(path))


def refused_call(house: RemoteHouse, backend: RemoteBackend) -> Fault:
    with pytest.raises(Fault) as refused:
        house.run(backend.call(call_of(GET, "s3")))
    house.run(backend.close())
    return refused.value


# -- at the client's end -------------------------------------------------------------------------------------


def test_the_socket_is_its_users_alone(house: RemoteHouse) -> None:
    assert stat.S_IMODE(house.path.stat().st_mode) == 0o600


def test_who_has_another_key_is_refused(house: RemoteHouse) -> None:
    assert refused_call(house, house.client(bytes(32))).status == 503
    assert (house.behind.calls, house.server.refused) == ([], 1)


@pytest.mark.parametrize(
    "said", [b"", frame(b""), frame(bytes(64)), frame(bytes(63)), b"\xff" * 68, b"GET / HTTP/1.1\r\n"]
)
def test_who_shows_no_key_is_told_nothing(house: RemoteHouse, said: bytes) -> None:
    assert house.run(spoken(house, said)) == b""
    assert house.server.refused == 1


def test_a_recorded_connection_is_of_no_use_again(house: RemoteHouse, tmp_path: Path) -> None:
    sent = bytearray()

    async def record() -> None:
        server = await relay(house, tmp_path / "relay", sent)
        house.path, own = tmp_path / "relay", house.path
        client = house.client()
        house.path = own
        await client.call(call_of(GET, "s3"))
        await client.close()
        server.close()

    house.run(record())
    assert len(house.behind.calls) == 1
    assert house.run(spoken(house, bytes(sent))) == b""
    assert len(house.behind.calls) == 1


def test_the_servers_own_proof_is_none_of_a_client(house: RemoteHouse) -> None:
    """A nonce that one connection was sent is put to a client of another, whose proof is then handed back."""

    async def reflect() -> bytes:
        reader, writer = await asyncio.open_unix_connection(str(house.path))
        nonce = await receive(reader)
        writer.write(frame(nonce + hmac.digest(KEY, nonce, "sha256")))
        said = await reader.read()
        writer.close()
        return said

    assert house.run(reflect()) == b""


# -- at the server's end -------------------------------------------------------------------------------------


def test_a_server_without_the_key_is_given_no_call(house: RemoteHouse, tmp_path: Path) -> None:
    async def impostor() -> bytes:
        told = asyncio.get_running_loop().create_future()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(frame(bytes(32)))
            proof = await receive(reader)
            writer.write(frame(proof[32:]))  # the client's own
            told.set_result(await reader.read())
            writer.close()

        server = await asyncio.start_unix_server(serve, str(tmp_path / "impostor"))
        house.path = tmp_path / "impostor"
        client = house.client()
        with pytest.raises(Fault, match="ServiceUnavailable"):
            await client.call(call_of(GET, "s3"))
        await client.close()
        server.close()
        return await asyncio.wait_for(told, 5)

    assert house.run(impostor()) == b""


# -- between them: over TLS ----------------------------------------------------------------------------------


def issued() -> Issued:
    now = system_clock()
    return server_certificate(new_authority(now), ("localhost",), now)


async def over_tls(house: RemoteHouse) -> int:
    certificate = issued()
    sock = socket.create_server(("127.0.0.1", 0))
    port: int = sock.getsockname()[1]
    await house.server.open_tls(sock, context_of(certificate), bound_to(der(certificate.certificate)))
    return port


def client_at(port: int) -> RemoteBackend:
    return RemoteBackend(TlsPlace("127.0.0.1", port), lambda: KEY, system_entropy, lambda: 7)


def test_another_node_calls_over_tls(house: RemoteHouse) -> None:
    async def work() -> None:
        client = client_at(await over_tls(house))
        await client.call(call_of(rest("PUT", "/bucket/key", b"x" * (3 << 20)), "s3"))
        await client.close()

    house.run(work())
    assert len(house.behind.calls[0].body) == 3 << 20


def test_who_stands_between_with_a_certificate_of_their_own_is_noticed(house: RemoteHouse) -> None:
    """Both ends have the key, and whoever stands between passes on all they say."""

    async def work() -> Any:
        port = await over_tls(house)
        plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        plain.check_hostname, plain.verify_mode = False, ssl.CERT_NONE

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            behind, before = await asyncio.open_connection("127.0.0.1", port, ssl=plain)

            async def up() -> None:
                while piece := await reader.read(1 << 16):
                    before.write(piece)
                before.close()

            task = asyncio.ensure_future(up())
            while piece := await behind.read(1 << 16):
                writer.write(piece)
            writer.close()
            await task

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context_of(issued()))
        client = client_at(server.sockets[0].getsockname()[1])
        with pytest.raises(Fault, match="ServiceUnavailable"):
            await client.call(call_of(GET, "s3"))
        await client.close()
        server.close()

    house.run(work())
    assert (house.behind.calls, house.server.refused) == ([], 1)


def test_a_connection_without_tls_is_told_nothing(house: RemoteHouse) -> None:
    async def work() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", await over_tls(house))
        writer.write(frame(bytes(64)))
        said = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return said

    assert house.run(work())[:1] in (b"", b"\x15")  # at most an alert of TLS
    assert house.behind.calls == []
