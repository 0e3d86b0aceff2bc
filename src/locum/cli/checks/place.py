"""Checks of the place: the data directory, its disk, the ports."""

from __future__ import annotations

import os
import shutil
import socket
import stat
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from locum.cli.checks.findings import Examined, Finding, note, ok, problem
from locum.cli.home import CREDENTIALS_FILE, Plane
from locum.cli.ports import locum_on
from locum.compute.handover import SOCKET_NAME

_PRIVATE: Final = ("keyring", CREDENTIALS_FILE, "locum.db")
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_LONGEST: Final = 107
"""Octets of a socket's path: unix(7)."""
_LITTLE, _ENOUGH = 100 << 20, 1 << 30
"""Bytes that are free."""
_PORTS: Final = {4566: "--port", 4567: "--console-port", 4443: "--tls-port", 4568: "--agents-port"}
"""The ports by default, and their options."""


def directory(examined: Examined) -> Finding:
    """Whether the data directory is this user's alone."""
    data = examined.data
    if len(os.fsencode(data / SOCKET_NAME)) > _LONGEST:
        return problem(f"{data} is too long a path for the socket in it", "choose another --data")
    if not data.exists():
        above = next(place for place in data.parents if place.exists())
        if not os.access(above, os.W_OK | os.X_OK):
            return problem(f"{data} cannot be made: {above} is not writable", "choose another --data")
        return ok(f"{data} will be made by the first start")
    if data.stat().st_uid != os.getuid():
        return problem(f"{data} is another user's", "choose another --data, or be that user")
    open_ones = [path.name for path in _private(data) if path.stat().st_mode & _OTHERS]
    if open_ones:
        return problem(f"{data}: others can read {', '.join(open_ones)}", f"chmod -R go= {data}")
    return ok(f"{data} is this user's alone")


def disk(examined: Examined) -> Finding:
    """Whether there is room for the journal."""
    place = next(place for place in (examined.data, *examined.data.parents) if place.exists())
    free = shutil.disk_usage(place).free
    told = f"{free / (1 << 30):.1f} GiB are free for {examined.data}"
    if free < _LITTLE:
        return problem(told, "make room: a plane that cannot write refuses what changes anything")
    return ok(told) if free >= _ENOUGH else note(told, "make room before long tests")


def ports(examined: Examined) -> Finding:
    """Whether the ports by default are free, or the plane's own."""
    own = set() if examined.plane is None else _own_ports(examined.plane)
    taken = [port for port in _PORTS if port not in own and _is_taken(port)]
    if not taken:
        return ok(f"{', '.join(map(str, _PORTS))} are free, or the plane's own")
    told = ", ".join(f"{port} ({_holder(port)})" for port in taken)
    return note(f"taken: {told}", f"name other ones where they are wanted: {', '.join(_PORTS[it] for it in taken)}")


def _own_ports(plane: Plane) -> set[int | None]:
    agents, console = urlsplit(f"//{plane.agents}"), urlsplit(plane.console)
    return {plane.port, plane.tls_port, agents.port, console.port}


def _private(data: Path) -> list[Path]:
    return [data, *(path for name in _PRIVATE if (path := data / name).exists())]


def _is_taken(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return False
    except OSError:
        return True


def _holder(port: int) -> str:
    found = locum_on(port)
    return "another program" if found is None else f"the Locum on {found.data}"
