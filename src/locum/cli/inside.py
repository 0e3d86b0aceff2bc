"""One command inside one instance: the common part of `locum run` and `locum exec`."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import click

from locum.cli.home import Plane
from locum.compute import namespace
from locum.compute.attachment import Attachment, Claim
from locum.compute.environment import inside, secret_places
from locum.compute.handover import ask, connect
from locum.compute.inside import Inside, enter_there, join_there
from locum.compute.launch import run
from locum.core.errors import LocumError

NETWORKS: Final = ("auto", "namespace", "loopback")


network_option = click.option(
    "--network",
    type=click.Choice(NETWORKS),
    default="auto",
    show_default=True,
    help="namespace: only 169.254.169.254 and the gateway; loopback: the host's network, IMDS on a port of its own.",
)


def run_inside(
    data: Path, plane: Plane, instance: str, command: Sequence[str], *, network: str, ephemeral: bool
) -> int:
    """Run `command` inside `instance`; its exit code. Raises HandoverError where the plane refuses, or is gone by now.

    `network` is `namespace` (169.254.169.254 and the gateway, nothing else), `loopback` (the host's
    network; the metadata service on a port of its own), or `auto`: the first that works here.
    """
    claim = Claim(instance, plane.account, ephemeral)
    if network == "namespace" or (network == "auto" and namespaces_work()):
        return _in_namespace(data, plane, claim, command)
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
        there = int(ask(connection, {"where": claim.instance})["pid"])
    if there:
        return run(command, environment, lambda: None, enter=lambda: join_there(there), owns=False)
    with ExitStack() as held, Inside(plane.port, secret_places(os.environ, Path.home(), data.resolve())) as new:

        def begin(child: int) -> Attachment | None:
            sockets = new.sockets()
            if not sockets:
                return None
            attachment = held.enter_context(Attachment(data, claim, sockets, child))
            attachment.attach()
            new.proceed()
            return attachment

        return run(command, environment, new.make, begin, enter=enter_there)


def _on_loopback(data: Path, plane: Plane, claim: Claim, command: Sequence[str]) -> int:
    metadata = socket.create_server(("127.0.0.1", 0))
    with Attachment(data, claim, [metadata]) as attachment:
        attachment.attach()
        where = f"http://127.0.0.1:{metadata.getsockname()[1]}/"
        environment = inside(os.environ, plane.endpoint, plane.region, where)
        return run(command, environment, lambda: None, lambda _child: attachment)
