"""The control socket of a data directory: launchers and commands ask the plane there, and wait for an answer.

Each question is a message of `handover`. It is answered by whoever the plane has for its kind (`Questions`).
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import msgspec

from locum.compute.handover import (
    LONG,
    MAX_MESSAGE,
    SOCKET_NAME,
    close_all,
    message_in,
    peer_user,
    receive_descriptors,
)
from locum.core.errors import ConfigurationError, LocumError

_BACKLOG: Final = 128
"""Launchers that may connect in one turn of the event loop: after a restart all of them do."""

AGAIN: Final = 0.1
"""Seconds until connections are accepted again where that failed."""

_log: Final = logging.getLogger("locum.compute")

T = TypeVar("T")
_Message = dict[str, Any]


class Lifeline(Protocol):
    """Something that lasts as long as the connection on which it was asked for."""

    def answered(self) -> None:
        """The answer to the question was sent."""

    async def end(self, *, gone: bool) -> None:
        """The connection has ended, as its other end has `gone`, or the plane closes."""


class Asked:
    """A question: the message, the listening sockets that came with it, and the connection.

    The sockets are closed once it is answered, but where a lifeline is kept: then they are that one's.
    """

    def __init__(self, message: _Message, sockets: list[socket.socket], connection: socket.socket) -> None:
        self.message = message
        self.sockets = sockets
        self.connection = connection
        self.kept: Lifeline | None = None

    def read(self, kind: type[T]) -> T:
        """The message as a value of `kind`. Raises LocumError where it is none."""
        try:
            return msgspec.convert(self.message, kind)
        except msgspec.ValidationError as error:
            raise LocumError(f"a message that is none: {error}") from error

    def keep(self, lifeline: Lifeline) -> None:
        """Have `lifeline` last as long as the connection, with the sockets, also where the question is refused then."""
        self.kept = lifeline


Question = Callable[[Asked], Awaitable[_Message]]
"""The answer to a kind of question, without `ok`. Raises LocumError where it is refused."""

Questions = Mapping[str, Question]
"""Those who answer, by the member of the message that names the kind."""


class Ended(LocumError):
    """A refusal that has everything end that its launcher runs."""


class Control:
    """The control socket of the data directory `data`."""

    def __init__(self, data: Path, questions: Questions) -> None:
        self._path = data / SOCKET_NAME
        self._questions = questions
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: socket.socket | None = None
        self._closing = False

    async def open(self) -> None:
        """Listen. The data directory is this process's own, so a socket file left there is stale.

        Raises ConfigurationError where the path is longer than a socket's may be (108 octets, unix(7)).
        """
        self._path.unlink(missing_ok=True)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        previous = os.umask(0o177)
        try:
            server.bind(str(self._path))
        except OSError as error:
            server.close()
            raise ConfigurationError(f"cannot listen on {self._path}: {error}; choose another --data") from error
        finally:
            os.umask(previous)
        server.listen(_BACKLOG)
        server.setblocking(False)
        self._server = server
        self._spawn(self._accept(server))

    async def close(self) -> None:
        """Stop listening, and end all lifelines. No instance ends by that: launchers attach to the next plane."""
        self._closing = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, server: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(server)
            except OSError as error:  # there is no descriptor left, say
                _log.warning("no launcher or command can connect at the moment: %s", error)
                await asyncio.sleep(AGAIN)
                continue
            if peer_user(connection) not in (os.geteuid(), 0):
                connection.close()
                continue
            connection.setblocking(False)
            self._spawn(self._converse(connection))

    async def _converse(self, connection: socket.socket) -> None:
        """One launcher, from its first message to its end."""
        lifelines: list[Lifeline] = []
        try:
            while await _readable(connection):
                try:
                    received = await _received(connection)
                except ValueError:
                    break
                if received is None:
                    break
                answer = await self._answer(*received, connection, lifelines)
                await asyncio.get_running_loop().sock_sendall(connection, json.dumps(answer).encode() + b"\n")
                if lifelines:
                    lifelines[-1].answered()
        except ConnectionError:
            pass
        finally:
            connection.close()
            for lifeline in lifelines:
                await lifeline.end(gone=not self._closing)

    async def _answer(
        self, message: _Message, descriptors: list[int], connection: socket.socket, lifelines: list[Lifeline]
    ) -> _Message:
        question = next((answer for kind, answer in self._questions.items() if kind in message), None)
        try:
            asked = Asked(message, listening(descriptors), connection)
        except ValueError as error:
            return {"error": str(error)}
        try:
            if question is None:
                raise LocumError("a message that is none: it asks for nothing")
            return {"ok": True, **await question(asked)}
        except Ended as error:
            return ended(str(error))
        except LocumError as error:
            return {"error": str(error)}
        finally:
            if asked.kept is not None:
                lifelines.append(asked.kept)
            else:
                for sock in asked.sockets:
                    sock.close()


def ended(reason: str) -> _Message:
    """The message that has everything end that a launcher runs."""
    return {"error": reason, "ended": True}


def listening(descriptors: list[int]) -> list[socket.socket]:
    """The sockets that came as `descriptors`. Raises ValueError unless all of them listen; then all are closed."""
    sockets: list[socket.socket] = []
    try:
        for descriptor in descriptors:
            sockets.append(socket.socket(fileno=descriptor))
            if not sockets[-1].getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                raise OSError("it does not listen")
    except OSError as error:
        for sock in sockets:
            sock.close()
        close_all(descriptors[len(sockets) :])
        raise ValueError("the descriptors are to be those of listening sockets") from error
    return sockets


async def _received(connection: socket.socket) -> tuple[_Message, list[int]] | None:
    """The next message and its descriptors; None at the end. Raises ValueError on anything else."""
    data, descriptors = receive_descriptors(connection)
    if not data:
        return None
    while (
        data.startswith(LONG) and not data.endswith(b"\n") and len(data) < MAX_MESSAGE and await _readable(connection)
    ):
        more, others = receive_descriptors(connection)
        descriptors += others
        if not more:
            break
        data += more
    return message_in(data, descriptors), descriptors


def _readable(connection: socket.socket) -> Awaitable[bool]:
    """Resolves to True when there is something to read, the end among it."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[bool] = loop.create_future()

    def ready() -> None:
        if not future.done():
            future.set_result(True)

    loop.add_reader(connection.fileno(), ready)
    future.add_done_callback(lambda _: loop.remove_reader(connection.fileno()))
    return future
