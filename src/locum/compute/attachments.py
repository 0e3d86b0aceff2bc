"""The attachments of a plane: the instances whose launchers are connected to it, and the sockets it serves for them."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Literal, Protocol

import msgspec

from locum.compute.control import Asked, Ended, Questions, ended
from locum.compute.handover import GATEWAY, GATEWAY_TLS, MAX_DESCRIPTORS, METADATA, USUAL, Entrance
from locum.core.errors import LocumError

_log: Final = logging.getLogger("locum.compute")


class Host(Protocol):
    """The host of instances, as it is used for launchers."""

    async def serve_metadata(self, sock: socket.socket, account: str, instance: str) -> None:
        """Answer metadata requests on `sock` as `instance`."""

    async def serve_gateway(self, sock: socket.socket) -> None:
        """Answer API calls on `sock`."""

    async def serve_aws_hosts(self, sock: socket.socket) -> None:
        """Answer API calls on `sock`, as whichever of AWS's hosts the client names, over TLS."""

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


class Attach(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The message of a launcher that brings the sockets of an instance. See `handover`."""

    attach: str
    account: str = ""
    ephemeral: bool = False
    pid: int = 0
    boot: int = -1
    driver: str = ""
    within: list[str] = []
    serving: tuple[Literal["metadata", "gateway", "gateway-tls"], ...] = ()


class _End(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    end: str
    account: str = ""


class _Shutdown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    shutdown: str
    account: str = ""


class _Where(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    where: str


class Attachments:
    """The attached launchers, by instance. `changed` is called with the id of an instance when one comes or goes."""

    def __init__(self, host: Host, changed: Callable[[str], None] = lambda _instance: None) -> None:
        self._host = host
        self.changed = changed
        self._by_instance: dict[str, list[_Attachment]] = {}

    @property
    def questions(self) -> Questions:
        """The questions of launchers of instances."""
        return {"attach": self._attach, "end": self._end, "shutdown": self._shut_down, "where": self._where}

    def is_attached(self, instance: str) -> bool:
        """Whether a launcher of `instance` is attached, also one that was told to end."""
        return instance in self._by_instance

    def number(self, driver: str) -> int:
        """The number of instances with a launcher of `driver`."""
        return sum(any(it.told.driver == driver for it in attached) for attached in self._by_instance.values())

    def review(self, instance: str | None = None) -> None:
        """Tell the launchers of `instance` (None: of all) that it has ended, where it has: each of them once."""
        every = self._by_instance.values() if instance is None else [self._by_instance.get(instance, [])]
        for attachment in [it for attached in every for it in attached]:
            attachment.review()

    async def _attach(self, asked: Asked) -> dict[str, Any]:
        told, sockets = asked.read(Attach), asked.sockets
        refusal = self._host.refusal(told.account, told.attach, told.boot, told.driver)
        if refusal is not None:
            raise Ended(refusal)
        kinds = told.serving or USUAL[: len(sockets)]
        if not 0 < len(sockets) == len(kinds):
            raise LocumError(f"an attachment brings 1 to {MAX_DESCRIPTORS} listening sockets, and what each is for")
        boot = told.boot if told.boot >= 0 else self._host.boot_of(told.account, told.attach)
        attachment = _Attachment(self, self._host, msgspec.structs.replace(told, boot=boot, serving=kinds), asked)
        asked.keep(attachment)
        self._by_instance.setdefault(told.attach, []).append(attachment)
        await attachment.serve()
        self.changed(told.attach)
        self._host.attached(told.account, told.attach, attachment.entrance)
        return {"boot": boot}

    def left(self, attachment: _Attachment) -> None:
        """Forget `attachment`, whose launcher is connected no more."""
        attached = self._by_instance[attachment.told.attach]
        attached.remove(attachment)
        if not attached:
            del self._by_instance[attachment.told.attach]
        self._host.detached(attachment.told.account, attachment.told.attach, attachment.entrance)

    async def _end(self, asked: Asked) -> dict[str, Any]:
        told = asked.read(_End)
        await self._host.ended(told.account, told.end)
        return {}

    async def _shut_down(self, asked: Asked) -> dict[str, Any]:
        told = asked.read(_Shutdown)
        await self._host.shut_down(told.account, told.shutdown)
        return {}

    async def _where(self, asked: Asked) -> dict[str, Any]:
        instance = asked.read(_Where).where
        await self._host.returned(instance)
        attached = reversed(self._by_instance.get(instance, []))
        found = next((it.told for it in attached if (it.told.pid or it.told.within) and not it.is_over), None)
        if found is None:
            return {"pid": 0, "within": [], "serving": []}
        return {"pid": found.pid, "within": found.within, "serving": found.serving}


class _Attachment:
    """`compute.control.Lifeline` of one launcher: `told` is its message, `is_over` whether it was told to end."""

    def __init__(self, all_: Attachments, host: Host, told: Attach, asked: Asked) -> None:
        self._all = all_
        self._host = host
        self.told = told
        self.is_over = False
        self._sockets = asked.sockets
        self._connection = asked.connection

    @property
    def entrance(self) -> Entrance:
        """The entrance for commands."""
        return Entrance(self.told.pid, tuple(self.told.within))

    async def serve(self) -> None:
        """Serve on the sockets, once it is durable that an ephemeral instance is one. Raises Fault."""
        told = self.told
        if told.ephemeral:
            await self._host.hold(told.account, told.attach)
        for kind, sock in zip(told.serving, self._sockets, strict=True):
            if kind == METADATA:
                await self._host.serve_metadata(sock, told.account, told.attach)
            elif kind == GATEWAY:
                await self._host.serve_gateway(sock)
            elif kind == GATEWAY_TLS:
                await self._host.serve_aws_hosts(sock)

    def review(self) -> None:
        """Tell the launcher that the instance has ended, where it has; once."""
        told = self.told
        refusal = None if self.is_over else self._host.refusal(told.account, told.attach, told.boot, told.driver)
        if refusal is not None:
            self.is_over = True
            with suppress(OSError):  # it has gone, or does not read
                self._connection.send(json.dumps(ended(refusal)).encode() + b"\n")

    def answered(self) -> None:
        self.review()

    async def end(self, *, gone: bool) -> None:
        self._all.left(self)
        for sock in self._sockets:
            await self._host.stop(sock)
            sock.close()
        if self.told.ephemeral and gone:
            try:
                await self._host.ended(self.told.account, self.told.attach)
            except LocumError as error:  # nobody is left to be told
                _log.warning("%s was not terminated: %s", self.told.attach, error)
        if gone:
            self._all.changed(self.told.attach)
