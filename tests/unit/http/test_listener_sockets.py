"""Listening sockets that come and go, and the hop limit of what is sent on their connections."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import pytest
import uvloop

from locum.core.http import HttpResponse
from locum.http import asgi
from locum.http.listener import Listeners
from locum.http.uvicorn_protocol import unacknowledged
from locum.imds.service import TOKEN
from support.metadata import INSTANCE, Metadata
from support.one_account import ACCOUNT

Run = Callable[[Awaitable[None]], None]
DEFAULT_HOPS = 64


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Any]:
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner.run


class Client:
    """A client on one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.buffer = sock, b""

    @classmethod
    async def connect(cls, port: int, host: str = "127.0.0.1") -> Client:
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, (host, port))
        except OSError:
            sock.close()
            raise
        return cls(sock)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.sock.close()

    async def say(self, method: str, path: str, **headers: str) -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: x", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
        await asyncio.get_running_loop().sock_sendall(self.sock, "\r\n".join([*lines, "", ""]).encode())

    async def _more(self) -> bytes:
        found = await asyncio.get_running_loop().sock_recv(self.sock, 65536)
        self.buffer += found
        return found

    async def head(self) -> bytes:
        while b"\r\n\r\n" not in self.buffer:
            assert await self._more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        return head.lower()

    async def heard(self) -> tuple[int, bytes]:
        head = await self.head()
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length"))
        while len(self.buffer) < length:
            assert await self._more()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return int(head.split(b" ")[1]), body

    async def ask(self, method: str, path: str, **headers: str) -> tuple[int, bytes]:
        await self.say(method, path, **headers)
        return await self.heard()

    async def ended(self) -> bool:
        return await self._more() == b""


def listening() -> tuple[socket.socket, int]:
    sock = socket.create_server(("127.0.0.1", 0))
    return sock, sock.getsockname()[1]


OVER_IPV4 = socket.IPPROTO_IP, socket.IP_TTL
OVER_IPV6 = socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="the machine has no IPv6")


def hops_of(listeners: Listeners, sock: socket.socket, option: tuple[int, int] = OVER_IPV4) -> list[int]:
    """The hop limit of each connection that was accepted on `sock`."""
    return [
        connection.transport.get_extra_info("socket").getsockopt(*option)
        for connection in listeners._open[sock][1].connections
    ]


async def plain(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    """Answers every request with its path."""
    body = scope["path"].encode()
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


TTL = {"X_aws_ec2_metadata_token_ttl_seconds": "60"}


@pytest.mark.parametrize("hops", [1, 2, 5, 64])
def test_the_answer_to_the_put_goes_so_many_hops_and_later_ones_as_far_as_any(run: Run, hops: int) -> None:
    metadata = Metadata()
    metadata.options(hop_limit=hops)

    async def story() -> None:
        listeners = Listeners()
        sock, port = listening()
        await listeners.open(sock, metadata.service.app(ACCOUNT, INSTANCE))
        async with await Client.connect(port) as client:
            assert (await client.ask("GET", "/latest/meta-data/"))[0] == 401
            assert hops_of(listeners, sock) == [DEFAULT_HOPS]
            status, token = await client.ask("PUT", "/latest/api/token", **TTL)
            assert (status, hops_of(listeners, sock)) == (200, [hops])
            named = {TOKEN.decode().replace("-", "_"): token.decode()}
            assert await client.ask("GET", "/latest/meta-data/instance-id", **named) == (200, INSTANCE.encode())
            assert hops_of(listeners, sock) == [DEFAULT_HOPS]
            await client.ask("PUT", "/latest/api/token", **TTL)
            assert hops_of(listeners, sock) == [hops]
            await client.ask("PUT", "/latest/api/token", X_aws_ec2_metadata_token_ttl_seconds="0")
            assert hops_of(listeners, sock) == [DEFAULT_HOPS]
        await listeners.close_all()

    run(story())


@needs_ipv6
def test_the_answer_to_a_put_over_ipv6_goes_so_many_hops_too(run: Run) -> None:
    metadata = Metadata()
    metadata.options(hop_limit=3, protocol_ipv6="enabled")

    async def story() -> None:
        listeners = Listeners()
        sock = socket.create_server(("::1", 0), family=socket.AF_INET6)
        await listeners.open(sock, metadata.service.app(ACCOUNT, INSTANCE, ipv6=True))
        async with await Client.connect(sock.getsockname()[1], "::1") as client:
            status, token = await client.ask("PUT", "/latest/api/token", **TTL)
            assert (status, hops_of(listeners, sock, OVER_IPV6)) == (200, [3])
            named = {TOKEN.decode().replace("-", "_"): token.decode()}
            assert await client.ask("GET", "/latest/meta-data/instance-id", **named) == (200, INSTANCE.encode())
            assert hops_of(listeners, sock, OVER_IPV6) != [3]
        await listeners.close_all()

    run(story())


def test_the_limit_of_one_connection_is_none_of_anothers(run: Run) -> None:
    metadata = Metadata()
    metadata.options(hop_limit=1)

    async def story() -> None:
        listeners = Listeners()
        sock, port = listening()
        await listeners.open(sock, metadata.service.app(ACCOUNT, INSTANCE))
        async with await Client.connect(port) as one, await Client.connect(port) as other:
            await other.ask("GET", "/latest/meta-data/")
            await one.ask("PUT", "/latest/api/token", **TTL)
            assert sorted(hops_of(listeners, sock)) == [1, DEFAULT_HOPS]
        await listeners.close_all()

    run(story())


def test_what_the_client_has_not_acknowledged_stays_limited() -> None:
    """A limited answer that got lost is sent again with whatever limit the socket has then."""
    metadata = Metadata()
    metadata.options(hop_limit=1)

    async def story() -> None:
        listeners = Listeners()
        sock, port = listening()
        await listeners.open(sock, metadata.service.app(ACCOUNT, INSTANCE))
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, ("127.0.0.1", port))
        put = b"PUT /latest/api/token HTTP/1.1\r\nHost: x\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n\r\n"
        await loop.sock_sendall(client, put * 1000)  # more answers than the client has room for, and never reads
        connection = await full(listeners, sock)
        connection.app_state["limit_hops"](0)
        assert hops_of(listeners, sock) == [1]
        client.close()
        await listeners.close_all()

    asyncio.run(story())


async def full(listeners: Listeners, sock: socket.socket) -> Any:
    """The one connection on `sock`, when its peer takes no more."""
    while True:
        await asyncio.sleep(0)
        for connection in listeners._open[sock][1].connections:
            if unacknowledged(connection.transport.get_extra_info("socket")):
                return connection


def test_a_closed_socket_takes_no_connections_and_keeps_none(run: Run) -> None:
    async def story() -> None:
        listeners = Listeners()
        (one, its_port), (other, port) = listening(), listening()
        await listeners.open(one, plain)
        await listeners.open(other, plain)
        async with await Client.connect(its_port) as idle, await Client.connect(port) as kept:
            assert await idle.ask("GET", "/a") == (200, b"/a")
            assert await kept.ask("GET", "/b") == (200, b"/b")
            await listeners.close(one)
            await listeners.close(one)
            assert await idle.ended()
            with pytest.raises(ConnectionRefusedError):
                await Client.connect(its_port)
            assert await kept.ask("GET", "/c") == (200, b"/c")
        await listeners.close_all()

    run(story())


def test_a_request_under_way_is_finished_before_its_connection_is_closed(run: Run) -> None:
    async def story() -> None:
        entered, leave = asyncio.Event(), asyncio.Event()

        async def slow(scope: Any, receive: Any, send: Any) -> None:
            entered.set()
            await leave.wait()
            await plain(scope, receive, send)

        listeners = Listeners()
        sock, port = listening()
        await listeners.open(sock, slow)
        async with await Client.connect(port) as client:
            await client.say("GET", "/slow")
            await entered.wait()
            closing = asyncio.ensure_future(listeners.close_all())
            await asyncio.sleep(0)
            leave.set()
            assert await client.heard() == (200, b"/slow")
            await closing
            assert await client.ended()

    run(story())


def test_answers_are_dated_and_do_not_name_the_server(run: Run) -> None:
    async def story() -> None:
        listeners = Listeners()
        sock, port = listening()
        await listeners.open(sock, plain)
        async with await Client.connect(port) as client:
            await client.say("GET", "/")
            head = await client.head()
            assert b"\r\ndate: " in head
            assert b"server" not in head
        await listeners.close_all()

    run(story())


PIPELINED = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nHEAD /b HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
OLD = b"GET /d HTTP/1.0\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("sent", [PIPELINED + LAST, PIPELINED + OLD, LAST, OLD])
@pytest.mark.parametrize("status", [200, 204, 404])
def test_an_answer_in_one_piece_is_the_same_octets_as_one_in_two_messages(run: Run, sent: bytes, status: int) -> None:
    async def answered(*, in_one_piece: bool) -> bytes:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            if not in_one_piece:
                del scope["state"]["answer"]
            await asgi.write(scope, send, HttpResponse(status, [("X-Kind", "a b")], scope["path"].encode()))

        listeners = Listeners()
        sock, port = listening()
        await listeners.open(sock, app)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        heard = await reader.read()
        writer.close()
        await listeners.close_all()
        return re.sub(rb"date: [^\r]*", b"date:", heard)

    async def story() -> None:
        whole = await answered(in_one_piece=True)
        assert whole == await answered(in_one_piece=False)
        assert whole.count(b"HTTP/1.1 %d" % status) == sent.count(b"Host")

    run(story())
