"""The carriers of roles other than instances whose launchers are connected to the plane (`locum run --as`)."""

from __future__ import annotations

import socket
from typing import Any, Protocol

import msgspec

from locum.compute.control import Asked, Questions
from locum.core.carriers import Carrier


class CarrierHost(Protocol):
    """The host of carriers (`agents.carriers`), as it is used for launchers."""

    async def admit(self, carrier: Carrier) -> dict[str, Any]:
        """Return what a new carrier needs to start, as JSON-able values. Raises LocumError where it may not start."""

    async def begin(self, carrier: Carrier, gateway: list[socket.socket], endpoint: list[socket.socket]) -> None:
        """Serve the gateway and the endpoint of `carrier` on these sockets. Raises LocumError where it cannot be."""

    async def end(self, carrier: Carrier, sockets: list[socket.socket], *, gone: bool) -> None:
        """Serve `carrier` no more: its launcher has `gone`, or the plane goes."""


class _Admit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    admit: Carrier


class _Carry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    carry: Carrier
    pid: int = 0
    boot: int = -1


class CarrierAttachments:
    """The questions of launchers of carriers."""

    def __init__(self, host: CarrierHost) -> None:
        self._host = host

    @property
    def questions(self) -> Questions:
        """Those who answer them."""
        return {"admit": self._admit, "carry": self._carry}

    async def _admit(self, asked: Asked) -> dict[str, Any]:
        return await self._host.admit(asked.read(_Admit).admit)

    async def _carry(self, asked: Asked) -> dict[str, Any]:
        told = asked.read(_Carry)
        asked.keep(_Carried(self._host, told.carry, asked.sockets))
        gateways = 1 if told.pid else 0
        await self._host.begin(told.carry, asked.sockets[:gateways], asked.sockets[gateways:])
        return {}


class _Carried:
    """`compute.control.Lifeline` of the launcher of a carrier."""

    def __init__(self, host: CarrierHost, carrier: Carrier, sockets: list[socket.socket]) -> None:
        self._host = host
        self._carrier = carrier
        self._sockets = sockets

    def answered(self) -> None:
        """It has nothing to say after that."""

    async def end(self, *, gone: bool) -> None:
        await self._host.end(self._carrier, self._sockets, gone=gone)
        for sock in self._sockets:
            sock.close()
