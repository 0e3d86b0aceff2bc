"""What `locum run` and `locum exec` share: one command inside one instance."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from locum.cli.home import Plane
from locum.compute import namespace
from locum.compute.environment import inside, secret_places
from locum.compute.handover import ask, connect
from locum.compute.launch import attach_here, join_there, run
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
    """Run `command` inside `instance`; its exit code.

    `network` is `namespace` (169.254.169.254 and the gateway, nothing else), `loopback` (the host's
    network; the metadata service on a port of its own), or `auto`: the first that works here.
    """
    with connect(data) as lifeline:
        if network == "namespace" or (network == "auto" and namespaces_work()):
            return _in_namespace(lifeline, data, plane, instance, command, ephemeral=ephemeral)
        return _on_loopback(lifeline, plane, instance, command, ephemeral=ephemeral)


def namespaces_work() -> bool:
    """Whether this machine lets this user make the namespaces: tried in a process of its own."""
    child = os.fork()
    if child == 0:
        try:
            namespace.enter_new()
        except (OSError, LocumError):
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def _in_namespace(
    lifeline: socket.socket, data: Path, plane: Plane, instance: str, command: Sequence[str], *, ephemeral: bool
) -> int:
    pid = int(ask(lifeline, {"where": instance})["pid"])

    def prepare() -> None:
        if pid:
            join_there(pid)
        else:
            hidden = secret_places(os.environ, Path.home(), data.resolve())
            attach_here(lifeline, instance, plane.account, plane.port, ephemeral=ephemeral, hidden=hidden)

    return run(command, inside(os.environ, f"http://127.0.0.1:{plane.port}", plane.region), prepare)


def _on_loopback(
    lifeline: socket.socket, plane: Plane, instance: str, command: Sequence[str], *, ephemeral: bool
) -> int:
    answer = ask(lifeline, {"port": instance, "account": plane.account, "ephemeral": ephemeral})
    metadata = f"http://127.0.0.1:{answer['port']}/"
    return run(command, inside(os.environ, plane.endpoint, plane.region, metadata), lambda: None)
