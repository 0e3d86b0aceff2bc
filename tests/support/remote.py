"""A server of backends and a backend in front of it, on one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from locum import wire
from locum.backends.port import Backend, BackendCall, Carried
from locum.backends.remote import BackendServer, RemoteBackend, Served, UnixPlace
from locum.backends.remote.channel import Channel
from locum.core.clock import system_entropy
from locum.core.http import HttpRequest, HttpResponse
from locum.core.resources import UNKNOWN, ResourceFacts

KEY = bytes(range(32))
Act = Callable[[BackendCall], Awaitable[Carried]]


async def nothing(call: BackendCall) -> Carried:
    """Answers nothing."""
    del call
    return Carried(HttpResponse(200, [], b""))


class Behind(Backend):
    """Does with each call what `act` says, and keeps what it was asked."""

    forgets = True

    def __init__(self) -> None:
        self.act: Act = nothing
        self.calls: list[BackendCall] = []
        self.asked: list[Any] = []
        self.known = UNKNOWN
        self.answer: dict[str, Any] | None = None

    async def call(self, call: BackendCall) -> Carried:
        self.calls.append(call)
        return await self.act(call)

    async def facts(
        self, service: str, arn: str, account: str, region: str, parts: Collection[str] = ()
    ) -> ResourceFacts:
        self.asked.append((service, arn, account, region, tuple(parts)))
        return self.known

    async def told(
        self, service: str, operation: str, params: Mapping[str, Any], account: str, region: str
    ) -> dict[str, Any] | None:
        self.asked.append((service, operation, params, account, region))
        return self.answer

    async def forget(self, account: str) -> None:
        self.asked.append(account)

    async def close(self) -> None:
        """Nothing to let go of."""


class _Kept:
    """A socket whose connections are kept in `channels`."""

    def __init__(self, path: Path, channels: list[Channel]) -> None:
        self._place = UnixPlace(path)
        self._channels = channels

    async def connect(self) -> tuple[Channel, bytes]:
        channel, binding = await self._place.connect()
        self._channels.append(channel)
        return channel, binding


class RemoteHouse:
    """The two ends. `seen` has the entries that the server was asked to have seen, `woken` what was carried out.

    `channels` are the connections that were made to it.
    """

    def __init__(self, runner: asyncio.Runner, folder: Path, key: bytes = KEY) -> None:
        self.runner = runner
        self.path = folder / "backend"
        self.behind = Behind()
        self.channels: list[Channel] = []
        self.seen: list[int] = []
        self.woken: list[tuple[str, tuple[str, ...]]] = []
        self.server = self.new_server()
        self.remote = self.client(key)
        self.run(self.server.open_unix(self.path))

    def new_server(self) -> BackendServer:
        """Another server of the same backends, which does not listen yet."""
        return BackendServer(
            Served(lambda *_: self.behind, self.behind.forget, self._see, self._wake), KEY, system_entropy
        )

    def client(self, key: bytes = KEY) -> RemoteBackend:
        """Another backend in front of the server."""
        return RemoteBackend(_Kept(self.path, self.channels), lambda: key, system_entropy, lambda: 7)

    def run(self, work: Any) -> Any:
        """The result of `work`."""
        return self.runner.run(work)

    async def _see(self, sequence: int) -> None:
        self.seen.append(sequence)

    def _wake(self, operation: str, resources: Collection[str]) -> None:
        self.woken.append((operation, tuple(resources)))

    async def close(self) -> None:
        """End both."""
        await self.remote.close()
        await self.server.close()


@contextmanager
def remote_house(folder: Path) -> Iterator[RemoteHouse]:
    """A house whose socket is in `folder`."""
    with asyncio.Runner() as runner:
        house = RemoteHouse(runner, folder)
        try:
            yield house
        finally:
            house.run(house.close())


def call_of(request: HttpRequest, service: str, **more: Any) -> BackendCall:
    """The call that a request is."""
    codec = wire.resolve(request, service)
    params = codec.parse(request, request.body)
    return BackendCall(codec, "000000000000", "eu-west-1", request, request.body, params, **more)


async def pieces_of(body: bytes, size: int) -> AsyncIterator[bytes]:
    """`body`, in pieces."""
    for begin in range(0, len(body), size):
        yield body[begin : begin + size]


async def whole(response: HttpResponse) -> bytes:
    """The body of a response."""
    body = response.body
    return body if isinstance(body, bytes) else b"".join([piece async for piece in body])
