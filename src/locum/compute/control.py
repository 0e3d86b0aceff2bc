"""The plane's end of the hand-over: accept launchers, serve on the sockets they bring, notice when they go."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import msgspec

from locum.compute.handover import (
    GATEWAY,
    GATEWAY_TLS,
    LONG,
    MAX_DESCRIPTORS,
    MAX_MESSAGE,
    METADATA,
    SOCKET_NAME,
    USUAL,
    Entrance,
    close_all,
    message_in,
    peer_user,
    receive_descriptors,
)
from locum.core.carriers import Carrier
from locum.core.errors import ConfigurationError, LocumError

Activate = Callable[[str, str, int], Awaitable[str]]
"""Make an activation code of an instance, by its account and id, to be used within so many seconds."""

_log: Final = logging.getLogger("locum.compute")
_BACKLOG: Final = 128
"""Launchers that may connect in one turn of the event loop: after a restart all of them do."""


class Host(Protocol):
    """The host of instances, as the control socket uses it for launchers."""

    async def serve_metadata(self, sock: socket.socket, account: str, instance: str) -> None:
        """Answer metadata requests on `sock` as `instance`."""

    async def serve_gateway(self, sock: socket.socket) -> None:
        """Answer API calls on `sock`."""

    async def stop(self, sock: socket.socket) -> None:
        """Stop serving on `sock`."""

    def refusal(self, account: str, instance: str, boot: int = -1, driver: str = "") -> str | None:
        """The reason why nothing can run in `instance`; None where it is there and running.

        `boot` is its start that something runs in (`boot_of`), -1 any; `driver` the one that started it, if any.
        """

    def boot_of(self, account: str, instance: str) -> int:
        """The start of `instance` that it runs in now."""

    async def hold(self, account: str, instance: str) -> None:
        """Make durable that `instance` is ephemeral: its launcher is attached. Raises Fault where it cannot be."""

    async def ended(self, account: str, instance: str) -> None:
        """Terminate the ephemeral `instance`: what ran in it has ended. Raises Fault where it cannot be."""

    async def shut_down(self, account: str, instance: str) -> None:
        """Stop or terminate `instance`, as it is to behave: it has shut itself down. Raises Fault."""

    def attached(self, account: str, instance: str, entrance: Entrance) -> None:
        """Commands come into `instance` by `entrance` (process 0: it is on the host's network), which serves it."""

    def detached(self, account: str, instance: str, entrance: Entrance) -> None:
        """They do not come in by `entrance` any more, if they ever did: its launcher may have been refused."""

    async def returned(self, instance: str) -> None:
        """Wait for the launcher of `instance`, where one is expected back after a start of the plane."""

    async def records(self, request_id: str, count: int, *, denied_only: bool) -> list[dict[str, Any]]:
        """The records of one request, or where `request_id` is empty the latest `count`, as JSON-able values."""

    async def policies(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to a question about policies, as JSON-able values. Raises LocumError where it has none."""

    async def chaos(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to a question about the clock or faults on request. Raises LocumError where it has none."""


class Carriers(Protocol):
    """The host of carriers other than instances (`agents.carriers`), as the control socket uses it for launchers."""

    async def admit(self, carrier: Carrier) -> dict[str, Any]:
        """What a new carrier needs before it starts, as JSON-able values. Raises LocumError where it may not start."""

    async def begin(self, carrier: Carrier, gateway: list[socket.socket], endpoint: list[socket.socket]) -> None:
        """Serve the gateway and the endpoint of `carrier` on these sockets. Raises LocumError where it cannot be."""

    async def end(self, carrier: Carrier, sockets: list[socket.socket], *, gone: bool) -> None:
        """Serve `carrier` no more: its launcher has `gone`, or the plane goes."""


class AwsHosts(Protocol):
    """What answers at AWS's host names in instances, over TLS."""

    async def serve(self, sock: socket.socket) -> None:
        """Answer API calls on `sock`, as whichever of AWS's hosts the client names."""

    def authority(self) -> str:
        """The certificate of the installation's authority, in PEM."""


@dataclass(slots=True)
class _Carried:
    carrier: Carrier
    sockets: list[socket.socket]


@dataclass(slots=True, eq=False)
class _Attachment:
    account: str
    instance: str
    ephemeral: bool
    pid: int
    sockets: list[socket.socket]
    connection: socket.socket
    boot: int = -1
    driver: str = ""
    within: list[str] = field(default_factory=list)
    serving: tuple[str, ...] = ()
    told: bool = False

    @property
    def entrance(self) -> Entrance:
        """Where commands come in."""
        return Entrance(self.pid, tuple(self.within))


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A launcher's message: see `handover`. One of the first eleven is given."""

    attach: str | None = None
    admit: Carrier | None = None
    carry: Carrier | None = None
    end: str | None = None
    shutdown: str | None = None
    where: str | None = None
    authority: bool = False
    records: str | None = None
    policies: dict[str, Any] | None = None
    chaos: dict[str, Any] | None = None
    activate: str | None = None
    account: str = ""
    ephemeral: bool = False
    pid: int = 0
    boot: int = -1
    driver: str = ""
    within: list[str] = []
    serving: tuple[Literal["metadata", "gateway", "gateway-tls"], ...] = ()
    count: int = 1
    seconds: int = 0
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
    """The control socket of a data directory. `activate`: None where no agents are served."""

    def __init__(
        self,
        data: Path,
        host: Host,
        changed: Callable[[str], None] = lambda _instance: None,
        carriers: Carriers | None = None,
        activate: Activate | None = None,
        hosts: AwsHosts | None = None,
    ) -> None:
        """`changed` is called with the id of an instance that a launcher was attached to, or detached from."""
        self._path = data / SOCKET_NAME
        self._changed = changed
        self._host = host
        self._carriers = carriers
        self._activate = activate
        self._hosts = hosts
        self._by_instance: dict[str, list[_Attachment]] = {}
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
        """Stop listening and serving. No instance ends by that: launchers attach to the next plane."""
        self._closing = True
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
        mine: list[_Attachment | _Carried] = []
        try:
            while await _readable(connection):
                try:
                    received = await _received(connection)
                except ValueError:
                    break
                if received is None:
                    break
                try:
                    answer = await self._answer(*received, connection, mine)
                except LocumError as error:
                    answer = {"error": str(error)}
                await asyncio.get_running_loop().sock_sendall(connection, json.dumps(answer).encode() + b"\n")
                if mine and isinstance(latest := mine[-1], _Attachment):
                    self.review(latest.instance)
        except ConnectionError:
            pass
        finally:
            connection.close()
            for attachment in mine:
                await self._detach(attachment)

    async def _answer(
        self,
        message: dict[str, Any],
        descriptors: list[int],
        connection: socket.socket,
        mine: list[_Attachment | _Carried],
    ) -> dict[str, Any]:
        try:
            asked = msgspec.convert(message, Question)
            sockets = listening(descriptors)
        except msgspec.ValidationError as error:
            close_all(descriptors)
            return {"error": f"a message that is none: {error}"}
        except ValueError as error:
            return {"error": str(error)}
        if asked.attach is not None:
            whose = asked.account, asked.attach, asked.ephemeral, asked.pid
            kinds = asked.serving or USUAL[: len(sockets)]
            attachment = _Attachment(*whose, sockets, connection, asked.boot, asked.driver, asked.within, kinds)
            return await self._attach(attachment, mine)
        if asked.carry is not None and self._carriers is not None:
            return await self._carry(self._carriers, _Carried(asked.carry, sockets), asked.pid, mine)
        for sock in sockets:
            sock.close()
        return await self._reply(asked)

    async def _reply(self, asked: Question) -> dict[str, Any]:
        """The answer to a question that brings no sockets. Raises LocumError."""
        if asked.admit is not None and self._carriers is not None:
            return {"ok": True, **await self._carriers.admit(asked.admit)}
        if asked.end is not None:
            await self._host.ended(asked.account, asked.end)
            return {"ok": True}
        if asked.shutdown is not None:
            await self._host.shut_down(asked.account, asked.shutdown)
            return {"ok": True}
        if asked.where is not None:
            return {"ok": True, **await self._where(asked.where)}
        if asked.authority and self._hosts is not None:
            return {"ok": True, "authority": self._hosts.authority()}
        if asked.records is not None:
            records = await self._host.records(asked.records, asked.count, denied_only=asked.denied)
            return {"ok": True, "records": records}
        if asked.policies is not None:
            return {"ok": True, **await self._host.policies(asked.policies)}
        if asked.chaos is not None:
            return {"ok": True, **await self._host.chaos(asked.chaos)}
        if asked.activate is not None:
            if self._activate is None:
                return {"error": "this plane serves no agents: start it with `locum up --agents`"}
            return {"ok": True, "code": await self._activate(asked.account, asked.activate, asked.seconds)}
        return {"error": "a message that is none: it asks for nothing"}

    async def _where(self, instance: str) -> dict[str, Any]:
        await self._host.returned(instance)
        attached = reversed(self._by_instance.get(instance, []))
        found = next((it for it in attached if it.pid and not it.told), None)
        if found is None:
            return {"pid": 0, "within": [], "serving": []}
        return {"pid": found.pid, "within": found.within, "serving": found.serving}

    async def _carry(
        self, carriers: Carriers, carried: _Carried, pid: int, mine: list[_Attachment | _Carried]
    ) -> dict[str, Any]:
        mine.append(carried)
        gateways = 1 if pid else 0
        await carriers.begin(carried.carrier, carried.sockets[:gateways], carried.sockets[gateways:])
        return {"ok": True}

    async def _attach(self, attachment: _Attachment, mine: list[_Attachment | _Carried]) -> dict[str, Any]:
        account, instance, sockets = attachment.account, attachment.instance, attachment.sockets
        refusal = self._host.refusal(account, instance, attachment.boot, attachment.driver)
        if refusal is not None:
            for sock in sockets:
                sock.close()
            return _ended(refusal)
        if not 0 < len(sockets) == len(attachment.serving):
            for sock in sockets:
                sock.close()
            return {"error": f"an attachment brings 1 to {MAX_DESCRIPTORS} listening sockets, and what each is for"}
        if attachment.boot < 0:
            attachment.boot = self._host.boot_of(account, instance)
        mine.append(attachment)
        self._by_instance.setdefault(instance, []).append(attachment)
        if attachment.ephemeral:
            await self._host.hold(account, instance)
        for kind, sock in zip(attachment.serving, sockets, strict=True):
            if kind == METADATA:
                await self._host.serve_metadata(sock, account, instance)
            elif kind == GATEWAY:
                await self._host.serve_gateway(sock)
            elif kind == GATEWAY_TLS and self._hosts is not None:
                await self._hosts.serve(sock)
        self._changed(instance)
        self._host.attached(account, instance, attachment.entrance)
        return {"ok": True, "boot": attachment.boot}

    def is_attached(self, instance: str) -> bool:
        """Whether a launcher of `instance` is attached, also one that was told to end."""
        return instance in self._by_instance

    def attached(self, driver: str) -> int:
        """The number of instances with a launcher of `driver`."""
        return sum(any(it.driver == driver for it in attached) for attached in self._by_instance.values())

    def review(self, instance: str | None = None) -> None:
        """Tell the launchers of `instance` (None: of all) that it has ended, where it has: each of them once."""
        every = self._by_instance.values() if instance is None else [self._by_instance.get(instance, [])]
        for attachment in (it for attached in every for it in attached if not it.told):
            whose = attachment.account, attachment.instance
            refusal = self._host.refusal(*whose, attachment.boot, attachment.driver)
            if refusal is not None:
                attachment.told = True
                with suppress(OSError):  # it has gone, or does not read
                    attachment.connection.send(json.dumps(_ended(refusal)).encode() + b"\n")

    async def _detach(self, attachment: _Attachment | _Carried) -> None:
        if isinstance(attachment, _Carried):
            assert self._carriers is not None
            await self._carriers.end(attachment.carrier, attachment.sockets, gone=not self._closing)
            for sock in attachment.sockets:
                sock.close()
            return
        attached = self._by_instance[attachment.instance]
        attached.remove(attachment)
        if not attached:
            del self._by_instance[attachment.instance]
        self._host.detached(attachment.account, attachment.instance, attachment.entrance)
        for sock in attachment.sockets:
            await self._host.stop(sock)
            sock.close()
        if attachment.ephemeral and not self._closing:
            try:
                await self._host.ended(attachment.account, attachment.instance)
            except LocumError as error:  # nobody is left to be told
                _log.warning("%s was not terminated: %s", attachment.instance, error)
        if not self._closing:
            self._changed(attachment.instance)


def _ended(refusal: str) -> dict[str, Any]:
    return {"error": refusal, "ended": True}


async def _received(connection: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
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
