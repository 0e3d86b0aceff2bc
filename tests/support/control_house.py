"""A control socket in this process, and launchers that talk to it; behind it is a host that does nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from locum.compute.attachments import Attachments
from locum.compute.control import Asked, Control
from locum.compute.handover import Entrance, HandoverError, ask, connect
from locum.core.errors import ConfigurationError, Fault

T = TypeVar("T")
INSTANCE = "i-0123456789abcdef0"


@dataclass
class Host:
    """Serves nothing, and remembers what it was asked to do."""

    metadata: dict[socket.socket, tuple[str, str]] = field(default_factory=dict)
    gateways: list[socket.socket] = field(default_factory=list)
    hosts: list[socket.socket] = field(default_factory=list)
    held: list[tuple[str, str]] = field(default_factory=list)
    terminated: list[tuple[str, str]] = field(default_factory=list)
    shut: list[tuple[str, str]] = field(default_factory=list)
    expected: set[str] = field(default_factory=set)
    inside: list[tuple[str, str, int]] = field(default_factory=list)
    failing: str = ""
    boot: int = 3
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def serve_metadata(self, sock: socket.socket, account: str, instance: str) -> None:
        self.metadata[sock] = (account, instance)

    async def serve_gateway(self, sock: socket.socket) -> None:
        self.gateways.append(sock)

    async def serve_aws_hosts(self, sock: socket.socket) -> None:
        self.hosts.append(sock)

    async def stop(self, sock: socket.socket) -> None:
        self.metadata.pop(sock, None)
        if sock in self.gateways:
            self.gateways.remove(sock)
        sock.close()
        async with self.changed:
            self.changed.notify_all()

    def refusal(self, account: str, instance: str, boot: int = -1, driver: str = "") -> str | None:
        if driver not in ("", "process"):
            return "this plane has another driver"
        if instance == INSTANCE and boot not in (-1, self.boot):
            return "it was started again"
        return None if (account, instance) == ("111122223333", INSTANCE) else f"there is no instance {instance}"

    def boot_of(self, account: str, instance: str) -> int:
        return self.boot

    async def hold(self, account: str, instance: str) -> None:
        if self.failing:
            raise Fault("ServiceUnavailable", self.failing, 503)
        self.held.append((account, instance))
        self.expected.discard(instance)
        async with self.changed:
            self.changed.notify_all()

    async def ended(self, account: str, instance: str) -> None:
        self.terminated.append((account, instance))
        async with self.changed:
            self.changed.notify_all()
        if self.failing:
            raise Fault("OperationNotPermitted", self.failing)

    async def shut_down(self, account: str, instance: str) -> None:
        if self.failing:
            raise Fault("OperationNotPermitted", self.failing)
        self.shut.append((account, instance))

    def attached(self, account: str, instance: str, entrance: Entrance) -> None:
        self.inside.append((account, instance, entrance.pid))

    def detached(self, account: str, instance: str, entrance: Entrance) -> None:
        if (account, instance, entrance.pid) in self.inside:
            self.inside.remove((account, instance, entrance.pid))

    async def returned(self, instance: str) -> None:
        await self.until(lambda: instance not in self.expected)

    async def until(self, met: Callable[[], bool]) -> None:
        """Wait for what a launcher brings about."""
        async with self.changed:
            await self.changed.wait_for(met)


class House:
    """A control socket on an event loop, and launchers that talk to it from a thread."""

    def __init__(self, data: Path, runner: asyncio.Runner) -> None:
        self.data, self._runner = data, runner
        self.host = Host()
        self.attachments = Attachments(self.host)
        self.control = Control(data, {**self.attachments.questions, "policies": self._repeat})
        self.run(self.control.open())

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._runner.get_loop()

    async def _repeat(self, asked: Asked) -> dict[str, Any]:
        if self.host.failing:
            raise ConfigurationError(self.host.failing)
        return asked.message

    def run(self, work: Awaitable[T]) -> T:
        async def waited() -> T:
            return await work

        return self._runner.run(waited())

    def ask(self, lifeline: socket.socket, message: Any, descriptors: Sequence[int] = ()) -> dict[str, Any]:
        return self.run(asyncio.to_thread(ask, lifeline, message, descriptors))

    def refused(self, lifeline: socket.socket, message: Any, descriptors: Sequence[int] = ()) -> str:
        with pytest.raises(HandoverError) as caught:
            self.ask(lifeline, message, descriptors)
        return str(caught.value)

    def attach(self, lifeline: socket.socket, *, ephemeral: bool = False, pid: int = 0) -> dict[str, Any]:
        with listening() as one, listening() as other:
            return self.ask(lifeline, attaching(ephemeral=ephemeral, pid=pid), [one.fileno(), other.fileno()])


def attaching(**more: Any) -> dict[str, Any]:
    return {"attach": INSTANCE, "account": "111122223333", **more}


def listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def descriptors() -> int:
    """How many descriptors this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def gone(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with asyncio.Runner() as runner:
        house = House(tmp_path, runner)
        yield house
        house.run(house.control.close())


@pytest.fixture
def lifeline(house: House) -> Iterator[socket.socket]:
    with connect(house.data) as connection:
        house.ask(connection, {"where": INSTANCE})
        yield connection
