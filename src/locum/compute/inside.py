"""The inside of an instance: what the child of a launcher makes of itself before it becomes the command."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from locum.compute import aws_hosts, namespace
from locum.compute.handover import HandoverError, receive_descriptors

_GO: Final = b"\n"

Listen = Callable[[int], list[socket.socket | None]]
"""Makes the listening sockets inside, by the port of the gateway."""


class Inside:
    """A new inside: the child makes it, the launcher is given its listening sockets, and the child goes on.

    To be entered before the fork. The two talk over a pair of sockets, which no executed command inherits. The child
    is the first process of namespaces that its own parent has entered (`enter_there`).
    """

    def __init__(self, gateway_port: int, hidden: Sequence[Path], listen: Listen | None = None) -> None:
        """`listen` makes its listening sockets, those of an instance where it is None."""
        self._gateway_port = gateway_port
        self._hidden = hidden
        self._listen = listen or listen_as_instance
        self._launcher, self._child = socket.socketpair()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._launcher.close()
        self._child.close()

    def make(self, furnish: Callable[[], None] = lambda: None, *, nesting: bool = False) -> None:
        """In the child: furnish the namespaces, send the launcher their sockets, wait until it says they are served.

        `furnish()` is called where everything is hidden and the capabilities are still there. `nesting`: bwrap is to
        be executed in there. Raises OSError, or HandoverError where the launcher says nothing: the process is to end.
        """
        self._launcher.close()
        with ExitStack() as closed:
            made = [closed.enter_context(sock) for sock in self._listen(self._gateway_port) if sock is not None]
            namespace.mount_processes()
            hide_all(self._hidden)
            furnish()
            namespace.renounce_capabilities(nesting=nesting)
            socket.send_fds(self._child, [_GO], [sock.fileno() for sock in made])
        if self._child.recv(1) != _GO:
            raise HandoverError("the launcher has ended")

    def sockets(self) -> list[socket.socket]:
        """In the launcher: those that were made, in their order. None: the child has ended, and said why."""
        self._child.close()
        _, descriptors = receive_descriptors(self._launcher)
        return [socket.socket(fileno=descriptor) for descriptor in descriptors]

    def proceed(self) -> None:
        """In the launcher: let the child become the command."""
        with suppress(BrokenPipeError):  # it has ended
            self._launcher.sendall(_GO)


def listen_as_instance(gateway_port: int) -> list[socket.socket | None]:
    """The sockets of the metadata service, the gateway and, with IPv6, the metadata service again."""
    return [
        socket.create_server((namespace.METADATA_ADDRESS, namespace.METADATA_PORT)),
        socket.create_server(("127.0.0.1", gateway_port)),
        namespace.listen_on_metadata_6(),
    ]


def listen_with_hosts(gateway_port: int) -> list[socket.socket | None]:
    """The sockets of an instance, and those that AWS's host names take. Raises OSError."""
    return [*listen_as_instance(gateway_port), *aws_hosts.listen(gateway_port)]


def hide_all(places: Sequence[Path]) -> None:
    """Hide `places`, also from this process's own working directory: it is one that it had open before.

    Where that is no more to be found it is the root directory.
    """
    directory = Path.cwd()
    for place in places:
        namespace.hide(place)
    try:
        os.chdir(directory)
    except OSError:
        os.chdir("/")


def enter_there() -> None:
    """Enter namespaces of a new inside: what is forked then is the first process there. Raises NamespaceUnavailable."""
    namespace.enter_new(processes=True)


def join_there(pid: int, *, nesting: bool = False) -> None:
    """Make this process, and of its processes what it forks then, part of the inside where `pid` is. Raises OSError."""
    namespace.join(pid)
    namespace.renounce_capabilities(nesting=nesting)
