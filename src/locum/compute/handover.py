"""How listening sockets get from a launcher to the plane: one message with descriptors over a Unix socket.

    launcher -> plane   {"attach": INSTANCE, "account": ID, "ephemeral": BOOL, "pid": N}  + [metadata, gateway]
                        {"port": INSTANCE, "account": ID, "ephemeral": BOOL}
                        {"where": INSTANCE}
                        {"records": REQUEST-ID or "", "count": N, "denied": BOOL}
    plane -> launcher   {"ok": true, ...} or {"error": "text"}

Each message is one JSON line. The connection is the attachment's lifeline: when the launcher is gone, so
are its sockets, and so is an ephemeral instance. The socket file is mode 0600 and the peer's user id is
checked (SO_PEERCRED, unix(7)).
"""

from __future__ import annotations

import array
import json
import os
import socket
import struct
from pathlib import Path
from typing import Any, Final

from locum.core.errors import LocumError

SOCKET_NAME: Final = "control.sock"
MAX_MESSAGE: Final = 4096
MAX_DESCRIPTORS: Final = 2
_CHUNK: Final = 1 << 16


class HandoverError(LocumError):
    """The plane is not there, or refused."""


def connect(data: Path) -> socket.socket:
    """A connection to the plane that owns the data directory `data`. Raises HandoverError."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(data / SOCKET_NAME))
    except OSError as error:
        connection.close()
        raise HandoverError(f"no Locum is running on {data}: start one with `locum up`") from error
    return connection


def ask(connection: socket.socket, message: dict[str, Any], descriptors: list[int] | None = None) -> dict[str, Any]:
    """Send `message` and wait for the answer. Raises HandoverError where it is a refusal."""
    ancillary = []
    if descriptors:
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
    try:
        connection.sendmsg([json.dumps(message).encode() + b"\n"], ancillary)
        line = _line(connection)
    except ConnectionError:
        line = b""
    if not line.endswith(b"\n"):
        raise HandoverError("Locum closed the connection")
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise HandoverError(answer["error"])
    return answer


def _line(connection: socket.socket) -> bytes:
    """Up to a line feed, or to the end."""
    chunks: list[bytes] = []
    while not chunks or not chunks[-1].endswith(b"\n"):
        chunk = connection.recv(_CHUNK)
        if not chunk:
            break
        chunks.append(chunk)
    return b"".join(chunks)


def receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """The next message and its descriptors; None at the end. Raises ValueError on anything else."""
    data, descriptors, _, _ = socket.recv_fds(connection, MAX_MESSAGE, MAX_DESCRIPTORS)
    if not data:
        return None
    try:
        message = json.loads(data)
        if not isinstance(message, dict):
            raise ValueError("not an object")
    except ValueError:
        close_all(descriptors)
        raise
    return message, descriptors


def close_all(descriptors: list[int]) -> None:
    """Close descriptors that came with a message that is not obeyed."""
    for descriptor in descriptors:
        os.close(descriptor)


def peer_user(connection: socket.socket) -> int:
    """The user id of the process at the other end. SO_PEERCRED."""
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(uid)
