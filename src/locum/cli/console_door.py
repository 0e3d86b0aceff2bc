"""The listener of a plane for its console: its socket, and the application, which is loaded with the first request."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from locum.calls import Runtime
from locum.cli.ports import listening_socket
from locum.compute.control import Asked, Questions
from locum.core.errors import LocumError
from locum.wire.models import OWN_MODELS

if TYPE_CHECKING:
    from collections.abc import Awaitable

PORT: Final = 4567
"""The port where none is given; a free one where another program has that."""
_LOOPBACK: Final = "127.0.0.1"


class _Ticket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    console: str
    account: str


class ConsoleDoor:
    """The listener. Making one takes its port; raises ConfigurationError where that cannot be."""

    def __init__(self, port: int | None) -> None:
        """`port`: None for the usual one, or a free one where that is taken; 0 for a free one."""
        self._socket = _usual_socket() if port is None else listening_socket(_LOOPBACK, port, "--console-port")
        self._app: Any = None
        self._loading = asyncio.Lock()
        self._make: Callable[[], Any] | None = None
        self._runtime: Runtime | None = None

    @classmethod
    def where_asked(cls, port: int | None, wanted: bool, undone: ExitStack) -> Self | None:
        """The listener, which `undone` closes; None where none is wanted."""
        if not wanted:
            return None
        door = cls(port)
        undone.callback(door.close)
        return door

    @property
    def port(self) -> int:
        """Its port."""
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        """The address of the first page."""
        return f"http://{_LOOPBACK}:{self.port}/console/"

    @property
    def socket(self) -> socket.socket:
        """The listening socket."""
        return self._socket

    def prepare(self, runtime: Runtime, account: Callable[[], str], data: Path) -> None:
        """Be the console of the plane on `data`; `account` is that of its root user."""
        self._runtime = runtime

        def made() -> Any:
            app = import_module("locum.console.app")  # late: few planes are looked at
            settings = runtime.settings
            desk = partial(import_module("locum.cli.labs").lab_desk, data)
            of_plane = lambda: runtime.settings.endpoint, settings.region, account
            place = app.Place(lambda: self.port, *of_plane, desk, (str(OWN_MODELS),))
            return app.console_app(place, self._sign_in, runtime.clock, runtime.entropy)

        self._make = made

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async with self._loading:
            if self._app is None:
                self._app = await asyncio.to_thread(self._made)
        serving: Awaitable[None] = self._app(scope, receive, send)
        await serving

    @cached_property
    def _sign_in(self) -> Any:
        """Whoever lets people in: loaded with the first one who comes, by whoever has `_loading`."""
        return import_module("locum.agents.sign_in.host").SignInHost(self._runtime)

    def _made(self) -> Any:
        assert self._make is not None  # prepared before it is opened
        return self._make()

    @property
    def questions(self) -> Questions:
        """What the command line asks: an address at which somebody is signed in."""
        return {"console": self._ticket}

    async def _ticket(self, asked: Asked) -> dict[str, Any]:
        told = asked.read(_Ticket)
        if self._runtime is None:
            raise LocumError("the console is not ready yet")
        async with self._loading:
            sign_in = await asyncio.to_thread(lambda: self._sign_in)
        return {"url": f"{self.url}ticket?ticket={sign_in.ticket(told.account, told.console)}"}

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


async def no_console(asked: Asked) -> dict[str, Any]:
    """The answer of a plane without a console."""
    raise LocumError("this plane has no console: it was started with --no-console")


def _usual_socket() -> socket.socket:
    try:
        return socket.create_server((_LOOPBACK, PORT), reuse_port=False)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        return listening_socket(_LOOPBACK, 0, "--console-port")
