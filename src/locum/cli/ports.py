"""The listening socket of the gateway, and the reason where its port cannot be used."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from locum.core.errors import ConfigurationError
from locum.store.directory import LOCK

LOOPBACK: Final = "127.0.0.1"
EVERY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - what --exposed is for

_PROC: Final = Path("/proc")
_LISTENING: Final = "0A"
"""TCP_LISTEN in /proc/net/tcp: proc(5), and `tcp_states.h` of Linux."""


class Holder(NamedTuple):
    """The Locum process that listens on a port: its data directory and process id."""

    data: Path
    pid: int


def check_host(host: str, *, exposed: bool) -> None:
    """Raise ConfigurationError unless `host` is an address on which this machine's own programs find the plane.

    One that other machines reach has to be `exposed` to them.
    """
    if host not in (LOOPBACK, EVERY_ADDRESS):
        known = f"{LOOPBACK}, this machine's own, or with --exposed {EVERY_ADDRESS}, all of them"
        raise ConfigurationError(f"--host {host!r} cannot be listened on: it is {known}")
    if host != LOOPBACK and not exposed:
        raise ConfigurationError(
            f"--host {host} is reached from other machines: whoever gets there can try keys, read health and metrics, "
            "and without --tls listen to session tokens and data; --exposed says that this is meant"
        )


def check_url(url: str) -> None:
    """Raise ConfigurationError unless `url` is one to which paths are appended."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query or parts.fragment:
        raise ConfigurationError(f"--public-url {url!r} cannot be one: it reads like https://locum.example")


def node_address(text: str, told: str) -> tuple[str, int]:
    """The host and the port that HOST:PORT is. Raises ConfigurationError, which tells of it as `told`."""
    host, _, port = text.rpartition(":")
    if not host or "@" in host or not (port.isascii() and port.isdecimal()) or not 0 < int(port) < 1 << 16:
        raise ConfigurationError(f"{told!r} names no node: an address reads like 10.0.0.5:4570")
    return host.strip("[]"), int(port)


def listening_socket(host: str, port: int, option: str = "--port", *, shared: bool = False) -> socket.socket:
    """Listen on `port` of `host`; 0 picks a free port. Raises ConfigurationError where that is not possible.

    `option` is that which names the port. `shared`: other processes of this user may listen there, too, who say so.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, reuse_port=shared)
    except OSError as error:
        problem = f"cannot listen on {host}:{port} ({os.strerror(error.errno or 0)})"
        if error.errno == errno.EADDRINUSE:
            holder = locum_on(port)
            by = "another program" if holder is None else f"the Locum on {holder.data} (process {holder.pid})"
            problem = f"port {port} of {host} is in use by {by}"
        raise ConfigurationError(f"{problem}; name another with {option}, or {option} 0 for a free one") from error


def first_shared_socket(host: str, port: int, option: str = "--port") -> socket.socket:
    """Listen on `port` as the first of those that share it: nobody else does yet. Raises ConfigurationError."""
    alone = listening_socket(host, port, option)
    number = int(alone.getsockname()[1])
    alone.close()
    return listening_socket(host, number, option, shared=True)


def locum_on(port: int) -> Holder | None:
    """The Locum of this user that listens on `port`; None where there is none, or it cannot be determined."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    for process in _PROC.glob("[0-9]*") if sockets else ():
        open_files = open_files_of(process)
        lock = next((file for file in open_files if file.name == LOCK), None)
        if lock is not None and not sockets.isdisjoint(map(str, open_files)):
            return Holder(lock.parent, int(process.name))
    return None


def open_files_of(process: Path) -> list[Path]:
    """The open files of a process; none where it is another user's or has ended."""
    found: list[Path] = []
    with suppress(OSError):
        for link in (process / "fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                found.append(link.readlink())
    return found


def _listening(port: int) -> list[str]:
    """The inodes of the TCP sockets (IPv4) that listen on `port`."""
    rows: list[list[str]] = []
    with suppress(OSError):
        rows = [line.split() for line in (_PROC / "net" / "tcp").read_text().splitlines()[1:]]
    return [row[9] for row in rows if row[3] == _LISTENING and int(row[1].rpartition(":")[2], 16) == port]
