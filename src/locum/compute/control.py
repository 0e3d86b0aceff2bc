"""The plane's end of the hand-over: accept launchers, serve on the sockets they bring, notice when they go."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec

from locum.compute.handover import SOCKET_NAME, close_all, peer_user, receive
from locum.core.errors import ConfigurationError, LocumError


class Host(Protocol):
    """What the plane does for an attachment."""

    async def serve_metadata(self, sock: socket.socket, account: str, instance: str) -> None:
        """Answer metadata requests on `sock` as `instance`."""

    async def serve_gateway(self, sock: socket.socket) -> None:
        """Answer API calls on `sock`."""

    async def stop(self, sock: socket.socket) -> None:
        """Stop serving on `sock`."""

    def refusal(self, account: str, instance: str) -> str | None:
        """Why nothing can run in `instance`, or None: it is there and running."""

    async def ended(self, account: str, instance: str) -> None:
        """The launcher of an ephemeral instance is gone."""

    async def records(self, request_id: str, count: int, *, denied_only: bool) -> list[dict[str, Any]]:
        """The records of one request, or where `request_id` is empty the latest `count`, as JSON-able values."""


@dataclass(slots=True)
class _Attachment:
    account: str
    instance: str
    ephemeral: bool
    pid: int
    sockets: list[socket.socket] = field(default_factory=list)


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A launcher's message: see `handover`. One of the first four is given."""

    attach: str | None = None
    port: str | None = None
    where: str | None = None
    records: str | None = None
    account: str = ""
    ephemeral: bool = False
    pid: int = 0
    count: int = 1
    denied: bool = False


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


class Control:
    """The control socket of a data directory."""

    def __init__(self, data: Path, host: Host) -> None:
        self._path = data / SOCKET_NAME
        self._host = host
        self._by_instance: dict[str, _Attachment] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: socket.socket | None = None

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
        server.listen(16)
        server.setblocking(False)
        self._server = server
        self._spawn(self._accept(server))

    async def close(self) -> None:
        """Stop listening; attachments end with the process."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    def _spawn(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, server: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(server)
            if peer_user(connection) not in (os.geteuid(), 0):
                connection.close()
                continue
            connection.setblocking(False)
            self._spawn(self._converse(connection))

    async def _converse(self, connection: socket.socket) -> None:
        """One launcher, from its first message to its end."""
        mine: list[_Attachment] = []
        try:
            while await _readable(connection):
                try:
                    received = receive(connection)
                except ValueError:
                    break
                if received is None:
                    break
                try:
                    answer = await self._answer(*received, mine)
                except LocumError as error:
                    answer = {"error": str(error)}
                await asyncio.get_running_loop().sock_sendall(connection, json.dumps(answer).encode() + b"\n")
        except ConnectionError:
            pass
        finally:
            connection.close()
            for attachment in mine:
                await self._detach(attachment)

    async def _answer(self, message: dict[str, Any], descriptors: list[int], mine: list[_Attachment]) -> dict[str, Any]:
        try:
            asked = msgspec.convert(message, Question)
            sockets = listening(descriptors)
        except msgspec.ValidationError as error:
            close_all(descriptors)
            return {"error": f"a message that is none: {error}"}
        except ValueError as error:
            return {"error": str(error)}
        instance = asked.attach or asked.port
        if instance is not None:
            return await self._serve(asked, instance, sockets, mine)
        for sock in sockets:
            sock.close()
        if asked.where is not None:
            known = self._by_instance.get(asked.where)
            return {"ok": True, "pid": known.pid if known else 0}
        if asked.records is not None:
            found = await self._host.records(asked.records, asked.count, denied_only=asked.denied)
            return {"ok": True, "records": found}
        return {"error": "a message that is none: it asks for nothing"}

    async def _serve(
        self, asked: Question, instance: str, sockets: list[socket.socket], mine: list[_Attachment]
    ) -> dict[str, Any]:
        refusal = self._host.refusal(asked.account, instance)
        if refusal is None and len(sockets) != (2 if asked.attach else 0):
            refusal = "an attachment brings two listening sockets, a port none"
        if refusal is not None:
            for sock in sockets:
                sock.close()
            return {"error": refusal}
        attachment = _Attachment(asked.account, instance, asked.ephemeral, asked.pid)
        mine.append(attachment)
        if asked.attach:
            return await self._attach(attachment, sockets)
        return await self._open_port(attachment)

    async def _attach(self, attachment: _Attachment, sockets: list[socket.socket]) -> dict[str, Any]:
        metadata, gateway = sockets
        attachment.sockets = sockets
        await self._host.serve_metadata(metadata, attachment.account, attachment.instance)
        await self._host.serve_gateway(gateway)
        self._by_instance[attachment.instance] = attachment
        return {"ok": True}

    async def _open_port(self, attachment: _Attachment) -> dict[str, Any]:
        sock = socket.create_server(("127.0.0.1", 0))
        attachment.sockets = [sock]
        await self._host.serve_metadata(sock, attachment.account, attachment.instance)
        return {"ok": True, "port": sock.getsockname()[1]}

    async def _detach(self, attachment: _Attachment) -> None:
        if self._by_instance.get(attachment.instance) is attachment:
            del self._by_instance[attachment.instance]
        for sock in attachment.sockets:
            await self._host.stop(sock)
        if attachment.ephemeral:
            await self._host.ended(attachment.account, attachment.instance)


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
