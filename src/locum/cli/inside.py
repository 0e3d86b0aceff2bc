"""One command inside one instance: the common part of `locum run` and `locum exec`."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import click

from locum.cli.home import Plane
from locum.compute import namespace
from locum.compute.attachment import Attachment, Claim
from locum.compute.closed import check_bubblewrap, closed, furnish, rooted
from locum.compute.environment import inside, secret_places
from locum.compute.handover import ask, connect
from locum.compute.inside import Inside, enter_there, join_there
from locum.compute.launch import run
from locum.core.errors import ConfigurationError, LocumError

NETWORKS: Final = ("auto", "namespace", "loopback")


network_option = click.option(
    "--network",
    type=click.Choice(NETWORKS),
    default="auto",
    show_default=True,
    help="namespace: only 169.254.169.254 and the gateway; loopback: the host's network, IMDS on a port of its own.",
)


class View(NamedTuple):
    """What the command sees of the host's files: all, where neither is given (`compute.closed`).

    `shared` are directories of the host that are there in a closed file system, read-only.
    """

    closed: bool = False
    root: Path | None = None
    shared: tuple[Path, ...] = ()

    def within(self, data: Path) -> list[str]:
        """The words that come before the command. Raises ConfigurationError where that cannot be."""
        if self.closed and self.root is not None:
            raise ConfigurationError("--closed and --root exclude one another")
        if self.shared and not self.closed:
            raise ConfigurationError("--share takes --closed")
        if not self.closed and self.root is None:
            return []
        check_bubblewrap()
        shared = [directory.resolve() for directory in self.shared]
        return closed(data, Path.home(), shared) if self.root is None else rooted(data, self.root.resolve())


def run_inside(
    data: Path,
    plane: Plane,
    instance: str,
    command: Sequence[str],
    *,
    network: str,
    ephemeral: bool,
    view: View | None = None,
) -> int:
    """Run `command` inside `instance`; its exit code. Raises HandoverError where the plane refuses, or is gone by now.

    `network` is `namespace` (169.254.169.254 and the gateway, nothing else), `loopback` (the host's
    network; the metadata service on a port of its own), or `auto`: the first that works here.
    """
    claim = Claim(instance, plane.account, ephemeral, within=[] if view is None else view.within(data.resolve()))
    if network == "namespace" or (network == "auto" and namespaces_work()):
        return _in_namespace(data, plane, claim, command)
    if claim.within:
        raise ConfigurationError("--closed and --root take namespaces: there are none with --network loopback, or here")
    return _on_loopback(data, plane, claim, command)


def namespaces_work() -> bool:
    """Whether this machine lets this user make the namespaces: tried in a process of its own."""
    return _succeeds(_make_namespaces)


def _make_namespaces() -> None:
    """Raises NamespaceUnavailable, or OSError."""
    enter_there()
    if not _succeeds(namespace.mount_processes):
        raise PermissionError("/proc is masked")


def _succeeds(what: Callable[[], object]) -> bool:
    """Whether a process that is forked for it can do `what`."""
    child = os.fork()
    if child == 0:
        try:
            what()
        except (OSError, LocumError):
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def _in_namespace(data: Path, plane: Plane, claim: Claim, command: Sequence[str]) -> int:
    environment = inside(os.environ, f"http://127.0.0.1:{plane.port}", plane.region)
    with connect(data) as connection:
        found = ask(connection, {"where": claim.instance})
    if there := int(found["pid"]):
        within = found["within"]
        if claim.within:
            raise ConfigurationError(
                f"{claim.instance} runs already: its driver decides what it sees (locum up --closed)"
            )
        enter = partial(join_there, there, nesting=bool(within))
        return run([*within, *command], environment, lambda: None, enter=enter, owns=False)
    home, place = Path.home(), data.resolve()
    with ExitStack() as held, Inside(plane.port, secret_places(os.environ, home, place)) as new:
        make = partial(new.make, partial(furnish, place, claim.instance), nesting=True) if claim.within else new.make

        def begin(child: int) -> Attachment | None:
            sockets = new.sockets()
            if not sockets:
                return None
            attachment = held.enter_context(Attachment(data, claim, sockets, child))
            attachment.attach()
            new.proceed()
            return attachment

        return run([*claim.within, *command], environment, make, begin, enter=enter_there)


def _on_loopback(data: Path, plane: Plane, claim: Claim, command: Sequence[str]) -> int:
    metadata = socket.create_server(("127.0.0.1", 0))
    with Attachment(data, claim, [metadata]) as attachment:
        attachment.attach()
        where = f"http://127.0.0.1:{metadata.getsockname()[1]}/"
        environment = inside(os.environ, plane.endpoint, plane.region, where)
        return run(command, environment, lambda: None, lambda _child: attachment)
