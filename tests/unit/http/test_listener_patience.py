"""For how long a listener waits for a client, and what it tells one that it gives up. Its seconds are the test's."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

from locum.core.http import HttpRequest, HttpResponse
from locum.http import asgi
from locum.http.bodies import Bodies, BodyTimedOut
from locum.http.listener import Listeners
from locum.http.patience import Patience
from locum.http.uvicorn_protocol import MAX_HEAD

LIMITS = Patience(silence=3, head=4, body=5, progress=100, connections=4)
HEAD = b"PUT / HTTP/1.1\r\nhost: x\r\n"
GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Any]:
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner.run


class Served:
    """A listener whose seconds pass when the test says so, with an application that answers what it read."""

    def __init__(self) -> None:
        self.listeners = Listeners(LIMITS, second=1e6)
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.answer: HttpResponse | None = None
        self.working = asyncio.Event()
        self.working.set()
        self.headers: list[dict[str, str]] = []
        self.writers: list[asyncio.StreamWriter] = []

    async def app(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        try:
            request = await asgi.read(scope, receive, lambda _: asgi.MAX_BODY, Bodies())
        except asgi.ClientGone:
            return
        except BodyTimedOut:
            await asgi.write(scope, send, HttpResponse(400, [], b"timed out"))
            return
        self.headers.append(dict(request.headers))
        await self.working.wait()
        await asgi.write(scope, send, self.answer or HttpResponse(200, [], b"%d" % len(request.body)))

    @property
    def connections(self) -> set[Any]:
        ((_, application),) = self.listeners._open.values()
        return application.connections

    def seconds(self, count: int) -> None:
        """Let `count` seconds pass, after the one in which the wait was begun."""
        for _ in range(count):
            self.listeners.tick()

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*self.sock.getsockname())
        self.writers.append(writer)
        return reader, writer

    async def connect(self) -> Client:
        before = set(self.connections)
        reader, writer = await self.open()
        await until(lambda: self.connections != before)
        (made,) = self.connections - before
        return Client(reader, writer, made)


class Client:
    """A client, and the server's end of its connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: Any) -> None:
        self.reader, self.writer, self.server = reader, writer, server

    async def send(self, data: bytes) -> None:
        """Send `data` and see it arrive."""
        wanted = self.server._received + len(data)
        self.writer.write(data)
        await until(lambda: self.server._received >= wanted)

    async def told(self) -> bytes:
        """Everything up to the end of the connection."""
        try:
            return await self.reader.read()
        except ConnectionError:
            return b""

    async def response(self) -> bytes:
        """The head and body of one response."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        (length,) = (int(line[16:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length: "))
        return head + await self.reader.readexactly(length)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - of the loop's own work, not of time
        await asyncio.sleep(0)


@asynccontextmanager
async def serving() -> AsyncIterator[Served]:
    served = Served()
    await served.listeners.open(served.sock, served.app)
    try:
        yield served
    finally:
        served.working.set()
        for writer in served.writers:
            writer.transport.abort()
        await served.listeners.close_all()
        served.sock.close()


def closing(client: Client) -> bool:
    return bool(client.server.transport.is_closing())


def test_a_connection_that_never_says_anything_is_closed(run: Run) -> None:
    async def told() -> None:
        async with serving() as served:
            client = await served.connect()
            served.seconds(1 + LIMITS.silence - 1)
            assert not closing(client)
            served.seconds(1)
            assert await client.told() == b""

    run(told())


def test_a_connection_that_makes_requests_is_kept_as_long_as_it_does(run: Run) -> None:
    async def told() -> None:
        async with serving() as served:
            client = await served.connect()
            for _ in range(5):
                await client.send(GET)
                assert (await client.response()).startswith(b"HTTP/1.1 200 ")
                served.seconds(LIMITS.silence)
                assert not closing(client)
            served.seconds(1)
            assert await client.told() == b""

    run(told())


@pytest.mark.parametrize("piece", [b"", b"a"], ids=["half a head", "a head that trickles"])
def test_a_head_that_does_not_end_is_answered_request_timeout(run: Run, piece: bytes) -> None:
    async def told() -> None:
        async with serving() as served:
            client = await served.connect()
            await client.send(HEAD + b"x: ")
            served.seconds(1)
            for _ in range(LIMITS.head - 1):
                await client.send(piece)
                served.seconds(1)
            assert not closing(client)
            served.seconds(1)
            answer = await client.told()
            assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
            assert b"<Code>RequestTimeout</Code><Message>Your socket connection to the server was not read" in answer

    run(told())


@pytest.mark.parametrize("framing", [b"content-length: 500\r\n\r\n", b"transfer-encoding: chunked\r\n\r\n1f4\r\n"])
@pytest.mark.parametrize("piece", [b"", b"a" * 10], ids=["half a body", "a body that trickles"])
def test_a_body_that_does_not_come_is_the_applications_to_answer(run: Run, framing: bytes, piece: bytes) -> None:
    async def told() -> None:
        async with serving() as served:
            client = await served.connect()
            await client.send(HEAD + framing + b"a" * 10)
            served.seconds(1)
            for _ in range(LIMITS.body):
                await client.send(piece)
                served.seconds(1)
            answer = await client.told()
            assert answer.startswith(b"HTTP/1.1 400 ")
            assert answer.lower().endswith(b"timed out")
            assert b"connection: close" in answer.lower()

    run(told())


def test_a_body_that_comes_steadily_may_take_as_long_as_it_does(run: Run) -> None:
    async def told() -> None:
        async with serving() as served:
            client = await served.connect()
            await client.send(HEAD + b"content-length: 2000\r\n\r\n")
            for _ in range(20):
                await client.send(b"a" * LIMITS.progress)
                served.seconds(LIMITS.body)
            assert (await client.response()).endswith(b"2000")

    run(told())


def test_work_that_takes_long_is_not_the_clients_fault(run: Run) -> None:
    async def told() -> None:
        async with serving() as served:
            served.working.clear()
            client = await served.connect()
            await client.send(GET)
            await until(lambda: bool(served.headers))
            served.seconds(100)
            served.working.set()
            assert (await client.response()).endswith(b"\r\n\r\n0")

    run(told())


def test_a_response_that_nobody_reads_is_not_kept(run: Run) -> None:
    async def told() -> None:
        async with serving() as served:
            served.answer = HttpResponse(200, [], b"a" * (32 << 20))
            client = await served.connect()
            client.writer.transport.pause_reading()  # type: ignore[attr-defined] # asyncio types it as a WriteTransport
            await client.send(GET)
            await until(lambda: client.server.transport.get_write_buffer_size() > 0)
            served.seconds(LIMITS.body + 1)
            await until(lambda: not served.connections)

    run(told())


def test_a_response_that_is_read_steadily_may_take_as_long_as_it_does(run: Run) -> None:
    async def told() -> None:
        async with serving() as served:
            served.answer = HttpResponse(200, [], b"a" * (32 << 20))
            client = await served.connect()
            await client.send(GET)
            head = await client.reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            for _ in range(32):
                await client.reader.readexactly(1 << 20)
                served.seconds(2)
            served.seconds(LIMITS.silence + 1)
            assert await client.told() == b""

    run(told())


def test_the_rest_of_a_body_that_was_refused_is_not_read_for_ever(run: Run) -> None:
    async def refusing(scope: asgi.Scope, _receive: asgi.Receive, send: asgi.Send) -> None:
        await asgi.write(scope, send, HttpResponse(413, [], b"no"))

    async def told() -> None:
        async with serving() as served:
            await served.listeners.close(served.sock)
            served.sock = socket.create_server(("127.0.0.1", 0))
            await served.listeners.open(served.sock, refusing)
            client = await served.connect()
            await client.send(HEAD + b"content-length: 1000000\r\n\r\n")
            assert b"413" in await client.response()
            for _ in range(LIMITS.body + 1):
                await client.send(b"a" * LIMITS.progress)
                served.seconds(1)
            await until(lambda: not served.connections)

    run(told())


# -- sizes -----------------------------------------------------------------------------------------------------


def test_a_head_that_is_too_large_is_told_so_as_s3_does(run: Run) -> None:
    async def told() -> None:
        async with serving() as served:
            client = await served.connect()
            client.writer.write(HEAD + b"x: " + b"a" * MAX_HEAD)
            answer = await client.told()
            assert b"<Code>RequestHeaderSectionTooLarge</Code>" in answer
            assert b"<MaxSizeAllowed>%d</MaxSizeAllowed>" % MAX_HEAD in answer

    run(told())


ENDLESS = {
    "trailers": b"5\r\nhello\r\n0\r\n" + b"".join(b"x-%d: a\r\n" % n for n in range(2 * MAX_HEAD // 8)),
    "one trailer": b"5\r\nhello\r\n0\r\nx: " + b"a" * (2 * MAX_HEAD),
    "a chunk's extension": b"5;" + b"a" * (2 * MAX_HEAD),
}


@pytest.mark.parametrize("sent", ENDLESS.values(), ids=ENDLESS.keys())
def test_what_is_no_body_after_the_head_has_a_limit(run: Run, sent: bytes) -> None:
    async def told() -> None:
        async with serving() as served:
            client = await served.connect()
            client.writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n")
            for at in range(0, len(sent), 4096):
                if not client.writer.is_closing():
                    client.writer.write(sent[at : at + 4096])
                await asyncio.sleep(0)
            answer = await client.told()
            assert answer == b"" or b"RequestHeaderSectionTooLarge" in answer
            await until(lambda: not served.connections)
            assert not served.headers

    run(told())


def test_a_body_of_tiny_chunks_is_read(run: Run) -> None:
    async def told() -> None:
        async with serving() as served:
            client = await served.connect()
            client.writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 50_000 + b"0\r\n\r\n")
            assert (await client.response()).endswith(b"50000")

    run(told())


def test_trailers_are_no_headers(run: Run) -> None:
    async def told() -> None:
        async with serving() as served:
            client = await served.connect()
            client.writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\nx-amz-security-token: t\r\n\r\n")
            await client.response()
            assert served.headers == [{"host": "x", "transfer-encoding": "chunked"}]
            await client.send(GET.replace(b"\r\n\r\n", b"\r\na: b\r\n\r\n"))
            await client.response()
            assert served.headers[1] == {"host": "x", "a": "b"}

    run(told())


# -- numbers ---------------------------------------------------------------------------------------------------


def test_one_connection_too_many_takes_the_place_of_those_that_were_silent_longest(run: Run) -> None:
    async def told() -> None:
        async with serving() as served:
            silent = [await served.connect() for _ in range(LIMITS.connections)]
            served.seconds(2)
            busy = silent[0]
            await busy.send(GET)
            await busy.response()
            served.working.clear()
            await busy.send(GET)
            await until(lambda: len(served.headers) == 2)
            newcomer = await served.connect()
            await until(lambda: all(closing(client) for client in silent[1:]))
            assert not closing(busy)
            served.working.set()
            assert (await busy.response()).startswith(b"HTTP/1.1 200 ")
            await newcomer.send(GET)
            assert (await newcomer.response()).startswith(b"HTTP/1.1 200 ")

    run(told())


def test_one_connection_too_many_is_told_to_slow_down_where_all_others_are_being_answered(run: Run) -> None:
    async def told() -> None:
        async with serving() as served:
            served.working.clear()
            busy = [await served.connect() for _ in range(LIMITS.connections)]
            for client in busy:
                await client.send(GET)
            await until(lambda: len(served.headers) == len(busy))
            reader, _ = await served.open()
            answer = await reader.read()
            assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
            assert b"<Code>SlowDown</Code><Message>Please reduce your request rate.</Message>" in answer
            served.working.set()
            for client in busy:
                assert (await client.response()).startswith(b"HTTP/1.1 200 ")

    run(told())


@pytest.mark.parametrize("known", [True, False])
def test_the_memory_for_bodies_has_a_limit_and_strangers_leave_some_to_others(*, known: bool) -> None:
    bodies = Bodies(limit=100, free=50)
    scopes: list[dict[str, Any]] = [{}, {}, {}]
    assert bodies.hold(scopes[0], 50, known=lambda: False)
    assert bodies.hold(scopes[1], 50, known=lambda: known) is known
    assert not bodies.hold(scopes[2], 1, known=lambda: True) or not known
    for scope in scopes:
        bodies.release(scope)
        bodies.release(scope)
    assert bodies.held == 0


def test_a_request_without_a_body_holds_nothing() -> None:
    bodies, scope = Bodies(), {"headers": [], "query_string": b"", "method": "GET", "raw_path": b"/", "scheme": "http"}

    async def receive() -> Any:
        return {"type": "http.request", "body": b"all of it", "more_body": False}

    def unasked(_request: HttpRequest) -> int:
        raise AssertionError("nobody is to be asked")

    request: Awaitable[HttpRequest] = asgi.read(scope, receive, unasked, bodies)
    assert asyncio.run(_awaited(request)).body == b"all of it"
    assert bodies.held == 0


async def _awaited(work: Awaitable[HttpRequest]) -> HttpRequest:
    return await work
