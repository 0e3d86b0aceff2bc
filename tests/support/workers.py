"""Calls by way of one process of a plane that has several, though all of them listen on one port."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from locum.cli.home import PLANE_FILE
from support.plane import RunningPlane

_PROGRAM: Final = b"locum.cli.workers.process"
_TRIES: Final = 10_000


def plane_pid(plane: RunningPlane) -> int:
    """The process that is the plane itself."""
    return int(json.loads((plane.data / PLANE_FILE).read_text())["pid"])


def worker_pids(plane: RunningPlane) -> set[int]:
    """Its worker processes."""
    parent = plane_pid(plane)
    return {pid for pid in _processes() if _is_worker(pid, parent)}


def _processes() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]


def _is_worker(pid: int, parent: int) -> bool:
    folder = Path(f"/proc/{pid}")
    with suppress(OSError):
        of = int(folder.joinpath("stat").read_text().rpartition(") ")[2].split()[1])
        return of == parent and _PROGRAM in folder.joinpath("cmdline").read_bytes()
    return False


@contextmanager
def through(plane: RunningPlane, pid: int) -> Iterator[str]:
    """The URL of a relay all of whose connections are served by the process `pid` of the plane."""
    port = int(plane.endpoint.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        threading.Thread(target=_relay, args=(listening, port, pid), daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def connection_to(port: int, pid: int) -> socket.socket:
    """A connection to `port` whose other end the process `pid` has. Raises ConnectionError where it takes none."""
    for _ in range(_TRIES):
        connection = socket.create_connection(("127.0.0.1", port))
        if _owner_is(connection, port, pid):
            return connection
        connection.close()
    raise ConnectionError(f"process {pid} takes no connection")


def listening(port: int) -> set[int]:
    """The processes of this user that listen on `port`."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {f"socket:[{row[9]}]" for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port}
    return {pid for pid in _processes() if not inodes.isdisjoint(_files(pid))}


def _files(pid: int) -> list[str]:
    with suppress(OSError):
        return [_target(file) for file in Path(f"/proc/{pid}/fd").iterdir()]
    return []


def _owner_is(connection: socket.socket, port: int, pid: int) -> bool:
    here = connection.getsockname()[1]
    for _ in range(_TRIES):
        inode = _inode_of(port, here)
        if inode != "0":  # it is, until it is accepted
            break
    return f"socket:[{inode}]" in _files(pid)


def _target(file: Path) -> str:
    with suppress(OSError):
        return str(file.readlink())
    return ""


def _inode_of(port: int, remote: int) -> str:
    """The socket of the end at `port` of a connection from the port `remote`; 0 where nobody has it."""
    ends = f":{port:04X}", f":{remote:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        row = line.split()
        if row[1].endswith(ends[0]) and row[2].endswith(ends[1]):
            return row[9]
    return "0"


def _relay(listening: socket.socket, port: int, pid: int) -> None:
    with suppress(OSError):
        while True:
            client, _ = listening.accept()
            threading.Thread(target=_join, args=(client, port, pid), daemon=True).start()


def _join(client: socket.socket, port: int, pid: int) -> None:
    with suppress(OSError), client, connection_to(port, pid) as plane:
        threading.Thread(target=_pump, args=(client, plane), daemon=True).start()
        _pump(plane, client)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(1 << 16):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
