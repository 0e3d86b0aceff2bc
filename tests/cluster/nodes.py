"""The nodes of Locum, and HAProxy in front of them."""

from __future__ import annotations

import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from cluster.daemons import Daemon, free_ports, until
from cluster.database import NAMES
from cluster.settings import written
from locum.cli.home import read_root_key
from locum.cli.wrapped_keyring import WRAPPING_FILE
from support.plane import LOCUM, Key

_KEPT: Final = ("PATH", "LANG", "PYTHONPATH")
_FLAGS: Final = ("--no-rate-limits", "--no-console", "--quiet", "--drain", "3", "--backend", "*=none")


def answers(url: str) -> int:
    """The HTTP status of GET; 0 where nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


class Node:
    """A node: `locum up` on a directory of its own below `folder`."""

    def __init__(self, name: str, folder: Path, *flags: str) -> None:
        self.name, self.data = name, folder / f"node-{name}"
        [self.port] = free_ports(1)
        self.endpoint = f"http://127.0.0.1:{self.port}"
        environment = {key: os.environ[key] for key in _KEPT if key in os.environ} | {"HOME": str(folder)}
        command = [LOCUM, "up", "--data", str(self.data), "--port", str(self.port), *_FLAGS, *flags]
        self.daemon = Daemon(f"node-{name}", command, environment, folder, as_itself=True)

    def take_key(self, other: Node) -> None:
        """Have the key that opens the key ring of the installation, as an operator brings it from another node."""
        self.data.mkdir(0o700)
        shutil.copy(other.data / WRAPPING_FILE, self.data)

    def start(self) -> None:
        """Start it, and return when it is ready."""
        self.daemon.start()
        until(lambda: self.ready or not self.daemon.running, f"node {self.name} is ready")
        assert self.daemon.running, self.daemon.log.read_text()

    @property
    def ready(self) -> bool:
        """Whether it says so."""
        return answers(f"{self.endpoint}/_locum/ready") == 200

    @property
    def root(self) -> Key:
        """The root user's key, as it is in the node's directory."""
        found = read_root_key(self.data)
        return Key(found.access_key_id, found.secret_access_key)


class Front:
    """HAProxy before the nodes, by their names."""

    def __init__(self, folder: Path, nodes: Mapping[str, Node]) -> None:
        [self.port] = free_ports(1)
        self.endpoint = f"http://127.0.0.1:{self.port}"
        environment = {"PATH": "/usr/sbin:/usr/bin", "LOCUM_BIND": f"127.0.0.1:{self.port}"}
        environment |= {f"LOCUM_{name.upper()}": f"127.0.0.1:{node.port}" for name, node in nodes.items()}
        command = ["haproxy", "-db", "-f", str(written("haproxy.cfg", folder))]
        self.daemon = Daemon("haproxy", command, environment, folder)

    def start(self) -> None:
        """Start it, and return when it has a node that is ready."""
        self.daemon.start()
        until(lambda: answers(f"{self.endpoint}/_locum/ready") == 200, "HAProxy has a node")


@contextmanager
def nodes(folder: Path, flags: Mapping[str, Sequence[str]]) -> Iterator[tuple[dict[str, Node], Front]]:
    """Nodes, each with its flags, and HAProxy, for as long as the block runs."""
    made = {name: Node(name, folder, *flags[name]) for name in NAMES if name in flags}
    front = Front(folder, made | {name: next(iter(made.values())) for name in NAMES if name not in made})
    try:
        first, *others = made.values()
        first.start()
        for node in others:
            node.take_key(first)
            node.start()
        front.start()
        yield made, front
    finally:
        for daemon in (front.daemon, *(node.daemon for node in made.values())):
            with suppress(ProcessLookupError):
                daemon.go_on()
            daemon.kill()
