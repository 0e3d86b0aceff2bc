"""The server: the backends of this process, for the other processes of the installation.

A connection has one call at a time. Where it ends before its call is answered, whoever asked is gone: the call is
cancelled, and what may be undone is undone.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import traceback
from collections.abc import AsyncIterable, Awaitable, Callable, Collection
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from locum.backends.port import Backend, Carried
from locum.backends.remote.channel import PIECE, Channel, ChannelLost
from locum.backends.remote.handshake import shown_by_client
from locum.backends.remote.messages import (
    STANDS,
    UNDO,
    Answer,
    AskFacts,
    AskTold,
    Broken,
    Carry,
    Facts,
    Forgotten,
    Question,
    Told,
    answer_of,
    arn_in,
    call_of,
    encode,
    read_question,
    refused,
)
from locum.backends.remote.places import keep_alive
from locum.core.clock import Entropy
from locum.core.errors import Fault

INTRODUCTION: Final = 10.0
"""Seconds in which a new connection shows that it is of this installation."""

MOST_STRANGERS: Final = 256
"""Connections over TLS that have not shown it yet. More are closed at once."""

UNDONE_AFTER: Final = 60.0
"""Seconds after which a call is undone that nobody has said stands."""

_ANSWERS: Final = frozenset((UNDO, STANDS))
_BACKLOG: Final = 1024

_log: Final = logging.getLogger("locum.backends")


class Served(NamedTuple):
    """What a server has of its process. `of` finds the backend of a service's operation, `forget` has all forget.

    `seen` waits, for a bounded time, until this process has seen an entry of the journal: what was committed in another
    process before it asked. `carried_out` is told the operation and the resources of each call.
    """

    of: Callable[[str, str], Backend]
    forget: Callable[[str], Awaitable[None]]
    seen: Callable[[int], Awaitable[None]]
    carried_out: Callable[[str, Collection[str]], None]


class BackendServer:
    """Serves connections that have the key. `refused` counts those that have not."""

    def __init__(self, served: Served, key: bytes, entropy: Entropy) -> None:
        self._served = served
        self._key = key
        self._entropy = entropy
        self._servers: list[asyncio.Server] = []
        self._files: list[Path] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._strangers = 0
        self.refused = 0

    async def open_unix(self, path: Path) -> None:
        """Listen at `path`, for the user of this process alone. What is left there of an earlier one is replaced."""
        sock = _bound(path)
        self._files.append(path)
        loop, protocol = asyncio.get_running_loop(), partial(_Protocol, self._spawn, b"")
        self._servers.append(await loop.create_unix_server(protocol, sock=sock, backlog=_BACKLOG))

    async def open_tls(self, sock: socket.socket, context: ssl.SSLContext, binding: bytes) -> None:
        """Listen on the bound socket `sock` over TLS. `binding` is of the certificate in `context` (`handshake`)."""
        loop, protocol = asyncio.get_running_loop(), partial(_Protocol, self._spawn, binding)
        server = await loop.create_server(
            protocol, sock=sock, backlog=_BACKLOG, ssl=context, ssl_handshake_timeout=INTRODUCTION
        )
        self._servers.append(server)

    async def close(self) -> None:
        """Listen no more, and end all connections with what is under way on them."""
        for server in self._servers:
            server.close()
        for task in (tasks := list(self._connections)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for path in self._files:
            path.unlink(missing_ok=True)

    def _spawn(self, protocol: _Protocol, channel: Channel) -> None:
        task = asyncio.ensure_future(self._serve(protocol, channel))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, protocol: _Protocol, channel: Channel) -> None:
        try:
            if await self._is_of_here(channel, protocol.binding):
                while True:
                    await self._answer(protocol, channel, await channel.receive())
        except (ChannelLost, msgspec.MsgspecError):
            return  # gone, or no question of this protocol
        finally:
            channel.close()

    async def _is_of_here(self, channel: Channel, binding: bytes) -> bool:
        """Whether the other end shows that it has the key, in time."""
        if binding and self._strangers >= MOST_STRANGERS:
            self.refused += 1
            return False
        self._strangers += 1
        try:
            async with asyncio.timeout(INTRODUCTION):
                await shown_by_client(channel, self._key, self._entropy, binding)
        except (ChannelLost, TimeoutError):
            self.refused += 1
            return False
        finally:
            self._strangers -= 1
        return True

    async def _answer(self, protocol: _Protocol, channel: Channel, asked: bytes) -> None:
        """Answer one question. Raises ChannelLost, once nothing of it is left."""
        question = read_question(asked)
        body = await channel.octets(question.octets) if isinstance(question, Carry) else b""
        work = asyncio.ensure_future(self._worked(question, body))
        del asked, body
        protocol.gone = work.cancel
        try:
            answer, carried = await work
        except asyncio.CancelledError:
            _undo(work)
            if (own := asyncio.current_task()) is not None and own.cancelling():
                raise
            raise ChannelLost from None
        finally:
            protocol.gone = None
        try:
            await _send(channel, answer, carried)
        except BaseException:
            if carried is not None and carried.undo is not None:
                carried.undo()
            raise
        if carried is not None and carried.undo is not None:
            await _settle(channel, carried.undo)

    async def _worked(self, question: Question, body: bytes) -> tuple[bytes, Carried | None]:
        """The answer to a question, encoded, and the call that was carried out for it, if it was one."""
        try:
            await self._served.seen(question.after)
            if isinstance(question, Carry):
                return await self._carried_out(question, body)
            return encode(await self._told(question)), None
        except Fault as fault:
            return encode(refused(fault)), None
        except Exception as error:  # the fault barrier of backends: what they raise may quote what they were given
            frames = "".join(traceback.format_tb(error.__traceback__))
            _log.error("a question of another process failed: %s\n%s", type(error).__name__, frames)
            return encode(Broken(type(error).__name__)), None

    async def _carried_out(self, question: Carry, body: bytes) -> tuple[bytes, Carried]:
        decided = False

        def decide_again() -> None:
            nonlocal decided
            decided = True

        call = call_of(question, body, decide_again)
        carried = await self._served.of(call.service, call.operation).call(call)
        self._served.carried_out(call.operation, call.resources)
        return encode(answer_of(carried, decide_again=decided)), carried

    async def _told(self, question: Question) -> Answer:
        if isinstance(question, AskFacts):
            of = question.service, arn_in(question.arn), question.account, question.region, question.parts
            return Facts(await self._served.of(question.service, "").facts(*of))
        if isinstance(question, AskTold):
            named = question.service, question.operation
            return Told(await self._served.of(*named).told(*named, question.params, question.account, question.region))
        await self._served.forget(question.account)
        return Forgotten()


class _Protocol(asyncio.StreamReaderProtocol):
    """A connection. `gone` is called when it ends, while somebody has set it."""

    def __init__(self, spawn: Callable[[_Protocol, Channel], None], binding: bytes) -> None:
        super().__init__(asyncio.StreamReader(limit=PIECE), self._opened)
        self._spawn = spawn
        self.binding = binding
        self.gone: Callable[[], object] | None = None

    def eof_received(self) -> bool | None:
        self._tell()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._tell()

    def _opened(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.binding:
            keep_alive(writer.get_extra_info("socket"))
        self._spawn(self, Channel(reader, writer))

    def _tell(self) -> None:
        if self.gone is not None:
            self.gone()


def _bound(path: Path) -> socket.socket:
    """A socket at `path` (mode 0600), where none is any more."""
    path.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    previous = os.umask(0o177)
    try:
        sock.bind(str(path))
    finally:
        os.umask(previous)
    return sock


def _undo(work: asyncio.Task[tuple[bytes, Carried | None]]) -> None:
    """Undo a call that was carried out at the moment when whoever waited for it was cancelled."""
    carried = None if work.cancelled() or not work.done() or work.exception() else work.result()[1]
    if carried is not None and carried.undo is not None:
        carried.undo()


async def _send(channel: Channel, answer: bytes, carried: Carried | None) -> None:
    """Send an answer, with the body of a response. Raises ChannelLost."""
    body = b"" if carried is None else carried.response.body
    if isinstance(body, bytes):
        await channel.send(answer, body)
        return
    await channel.send(answer)
    await _stream(channel, body)


async def _stream(channel: Channel, body: AsyncIterable[bytes]) -> None:
    async for chunk in body:
        for begin in range(0, len(chunk), PIECE):
            await channel.send(chunk[begin : begin + PIECE])
    await channel.send(b"")


async def _settle(channel: Channel, undo: Callable[[], None]) -> None:
    """Undo a call, unless whoever asked says that it stands. Raises ChannelLost."""
    said = b""
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(UNDONE_AFTER):
                said = await channel.receive(len(STANDS))
    finally:
        if said != STANDS:
            undo()
    if said not in _ANSWERS:
        raise ChannelLost
    await channel.send(said)
