"""One command inside one instance: the common part of `locum run` and `locum exec`."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import click

from locum.cli.home import Plane
from locum.compute import namespace
from locum.compute.attachment import Attachment, Claim
from locum.compute.aws_hosts import AwsHosts, lay, sorted_out, trusting
from locum.compute.closed import check_bubblewrap, closed, furnish, rooted
from locum.compute.containers import exec_line
from locum.compute.environment import inside, secret_places
from locum.compute.handover import GATEWAY_TLS, Message, ask, connect
from locum.compute.inside import Inside, enter_there, join_there, listen_with_hosts
from locum.compute.launch import run
from locum.compute.resolver import Resolver
from locum.core.errors import ConfigurationError, LocumError
from locum.wire import aws_suffixes

NETWORKS: Final = ("auto", "namespace", "loopback")


network_option = click.option(
    "--network",
    type=click.Choice(NETWORKS),
    default="auto",
    show_default=True,
    help="namespace: only 169.254.169.254 and the gateway; loopback: the host's network, IMDS on a port of its own.",
)


class View(NamedTuple):
    """The host's files that the command sees: all, where neither `closed` nor `root` is given (`compute.closed`).

    `shared` are directories of the host that are there in a closed file system, read-only. `aws_hosts`: AWS's host
    names are this plane's.
    """

    closed: bool = False
    root: Path | None = None
    shared: tuple[Path, ...] = ()
    aws_hosts: bool = False

    def within(self, data: Path) -> list[str]:
        """The words that come before the command. Raises ConfigurationError where that cannot be."""
        if self.closed and self.root is not None:
            raise ConfigurationError("--closed and --root exclude one another")
        if self.shared and not self.closed:
            raise ConfigurationError("--share takes --closed")
        if not self.closed and self.root is None:
            return []
        if self.aws_hosts:
            raise ConfigurationError("--aws-hosts is for the machine's own files, not with --closed or --root")
        check_bubblewrap()
        shared = [directory.resolve() for directory in self.shared]
        return closed(data, Path.home(), shared) if self.root is None else rooted(data, self.root.resolve())


aws_hosts_option = click.option(
    "--aws-hosts",
    is_flag=True,
    help="AWS's own host names are this plane's inside, over TLS. It takes a network namespace.",
)


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
    network; the metadata service on a port of its own), or `auto`: the first that works here. Raises ConfigurationError
    where that is not one for the `view`.
    """
    view = view or View()
    claim = Claim(instance, plane.account, ephemeral, within=view.within(data.resolve()))
    if network == "namespace" or (network == "auto" and namespaces_work()):
        return _in_namespace(data, plane, claim, command, aws_hosts=view.aws_hosts)
    if claim.within:
        raise ConfigurationError("--closed and --root take namespaces: there are none with --network loopback, or here")
    if view.aws_hosts:
        raise ConfigurationError("--aws-hosts takes a network namespace: this machine has none, or --network loopback")
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


def _in_namespace(data: Path, plane: Plane, claim: Claim, command: Sequence[str], *, aws_hosts: bool) -> int:
    found, hosts = _whereabouts(data, claim.instance, aws_hosts=aws_hosts)
    environment = _environment(plane, hosts)
    there, within = int(found["pid"]), found["within"]
    if claim.within and (there or within):
        raise ConfigurationError(f"{claim.instance} runs already: its driver decides what it sees (locum up --closed)")
    if within and not there:
        line = exec_line(within, command, terminal=sys.stdin.isatty() and sys.stdout.isatty())
        return run(line, os.environ, lambda: None)  # which is the engine's own environment
    if there:
        enter = partial(join_there, there, nesting=bool(within))
        return run([*within, *command], environment, lambda: None, enter=enter, owns=False)
    home, place = Path.home(), data.resolve()
    hidden = secret_places(os.environ, home, place)
    with ExitStack() as held, Inside(plane.port, hidden, listen_with_hosts if hosts else None) as new:
        make = partial(new.make, partial(furnish, place, claim.instance), nesting=True) if claim.within else new.make
        if hosts is not None:
            make = partial(new.make, partial(lay, hosts))

        def begin(child: int) -> Attachment | None:
            sockets = sorted_out(new.sockets())
            if not sockets.served:
                return None
            whose = claim._replace(serving=sockets.serving)
            attachment = held.enter_context(Attachment(data, whose, sockets.served, child))
            attachment.attach()
            if hosts is not None:
                Resolver(sockets.resolver, hosts.zone).start()
            new.proceed()
            return attachment

        return run([*claim.within, *command], environment, make, begin, enter=enter_there)


def _whereabouts(data: Path, instance: str, *, aws_hosts: bool) -> tuple[Message, AwsHosts | None]:
    """The plane's answer to `where` `instance` runs; and AWS's host names where they are, or are to be, there.

    Raises ConfigurationError where it runs without them.
    """
    with connect(data) as connection:
        known = ask(connection, {"where": instance})
        has_hosts = GATEWAY_TLS in known["serving"]
        if (known["pid"] or known["within"]) and aws_hosts and not has_hosts:
            raise ConfigurationError(f"{instance} runs without AWS's host names: it takes `locum run --aws-hosts`")
        if not aws_hosts and not has_hosts:
            return known, None
        authority = ask(connection, {"authority": True})["authority"].encode()
    return known, AwsHosts(aws_suffixes(), authority, data.resolve())


def _environment(plane: Plane, hosts: AwsHosts | None) -> dict[str, str]:
    """The variables of a command in a network namespace."""
    if hosts is None:
        return inside(os.environ, f"http://127.0.0.1:{plane.port}", plane.region)
    return {**inside(os.environ, "", plane.region, direct=hosts.suffixes), **trusting(hosts.folder)}


def _on_loopback(data: Path, plane: Plane, claim: Claim, command: Sequence[str]) -> int:
    metadata = socket.create_server(("127.0.0.1", 0))
    with Attachment(data, claim, [metadata]) as attachment:
        attachment.attach()
        where = f"http://127.0.0.1:{metadata.getsockname()[1]}/"
        environment = inside(os.environ, plane.endpoint, plane.region, where)
        return run(command, environment, lambda: None, lambda _child: attachment)
