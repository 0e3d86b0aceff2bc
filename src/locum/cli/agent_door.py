"""The listener of a plane for agents (`locum up --agents`): its socket, its certificate, and what answers there."""

from __future__ import annotations

from contextlib import ExitStack
from importlib import import_module
from typing import Any, NamedTuple, Self

from locum.calls import Runtime
from locum.cli.home import TLS_AUTHORITY_FILE
from locum.cli.ports import listening_socket
from locum.cli.tls import AGENTS, own_authority, own_server
from locum.core.activation import SERVER_NAME
from locum.core.clock import Clock
from locum.http.listener import Listeners
from locum.store.directory import DataDirectory


class AgentsOptions(NamedTuple):
    """The address of the listener. Port 0: a free one."""

    host: str = "127.0.0.1"
    port: int = 4568


class AgentDoor:
    """The listener. Making one takes its port; raises ConfigurationError where that cannot be."""

    def __init__(self, options: AgentsOptions) -> None:
        self._socket = listening_socket(options.host, options.port, "--agents-port")
        self._activations: Any = None

    @classmethod
    def where_asked(cls, options: AgentsOptions | None, undone: ExitStack) -> Self | None:
        """The listener, which `undone` closes; None without options."""
        if options is None:
            return None
        door = cls(options)
        undone.callback(door.close)
        return door

    @property
    def address(self) -> str:
        """HOST:PORT, of IPv6 [HOST]:PORT."""
        host, port = self._socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def open(
        self, runtime: Runtime, listeners: Listeners, directory: DataDirectory, wall: Clock, apps: tuple[Any, Any]
    ) -> None:
        """Serve. `apps`: what makes the application of an instance's metadata service, and that of the gateway."""
        activations = import_module("locum.agents.instances.activations")  # late, as is what they take of X.509
        application = import_module("locum.agents.instances.agent_listener").AgentListener
        certificates = import_module("locum.http.agent_certificates")
        now = wall()
        own = own_authority(directory, now)
        files = own_server(directory, own, AGENTS, (SERVER_NAME,), now)
        context = certificates.agents_context(*files, str(directory.path / TLS_AUTHORITY_FILE))
        self._activations = activations.Activations(runtime, own, wall)
        await listeners.open(self._socket, application(self._activations, *apps), context)

    async def activate(self, account: str, instance: str, seconds: int) -> str:
        """An activation code of `instance`. Raises LocumError."""
        code: str = await self._activations.activate(account, instance, seconds)
        return code

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
