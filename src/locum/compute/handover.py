"""The handover of listening sockets from a launcher to the plane: a message with descriptors over a Unix socket.

    launcher -> plane   {"attach": INSTANCE, "account": ID, "ephemeral": BOOL, "pid": N, "boot": N,
                         "driver": NAME, "within": [WORD...], "serving": [KIND...]}  + a descriptor for each
                        {"admit": CARRIER}
                        {"carry": CARRIER, "pid": N}  + up to 3 descriptors
                        {"end": INSTANCE, "account": ID}
                        {"shutdown": INSTANCE, "account": ID}
                        {"where": INSTANCE}
                        {"authority": true}
                        {"records": REQUEST-ID or "", "count": N, "denied": BOOL}
                        {"policies": QUESTION}
                        {"audit": QUESTION}
                        {"chaos": QUESTION}
                        {"save": NAME}
                        {"accounts": QUESTION}
                        {"plan": QUESTION}
                        {"hypothetical": QUESTION}
                        {"console": USER or "", "account": ID}
                        {"activate": INSTANCE, "account": ID, "seconds": N}
                        {"running": true}
                        {"names": "instances", "profiles" or "roles", "account": ID}
    plane -> launcher   {"ok": true, ...} or {"error": "text"}
                        {"error": "text", "ended": true}

    attach     serve on these listening sockets as INSTANCE: each is for its KIND, or where none are said the first is
               its metadata service's, the second the gateway's, the third the metadata service's over IPv6. `pid` is a
               process in their network namespace; 0:
               they are of the host's, where the plane's own gateway is. `ephemeral`: the instance lives as long as its
               launcher. `boot` is the start of the instance that this is part of (`Instance.boots`): that which the
               plane told with its answer to the first attachment, and -1 in that. `driver` is the one that started
               the launcher, "" where a user did. A plane with another driver has it end. `within` are
               words that come before a command that is executed in those namespaces (`closed`); with `pid` 0, those
               of a command line of the host's that executes it in the container that the instance is (`containers`)
    admit      what a task, a pod or a function (`core.carriers`) needs before it starts: "credentials", a "notice"
    carry      serve on these listening sockets for CARRIER: where `pid` is given the first is the gateway's, the others
               are its endpoint's. Its tokens are written and renewed as long as the launcher is connected
    end        what ran in an ephemeral instance has ended: terminate it
    shutdown   the instance has shut itself down: stop it, or terminate it (InstanceInitiatedShutdownBehavior)
    where      "pid": a process in the namespace where INSTANCE runs, or 0; "within", as it was attached; "serving": the
               kinds of the sockets there. A launcher that is expected back after a start of the plane is waited for
    authority  "authority": the certificate of the installation's authority, in PEM
    records    "records": those of a request, or the latest
    policies   the answer to a question about policies and the event history (`calls.activity`)
    audit      the answer to a question about the identities of the plane (`agents.audits`)
    chaos      the answer to a question about the clock or faults on request (`agents.chaos`)
    save       the state of the plane is saved under NAME. "services": those of which the backend holds something
    accounts   the answer to a question about accounts for a test each (`agents.brief_accounts`)
    plan       what a template or a plan of Terraform would be allowed (`agents.plans`)
    hypothetical  the answer to a question about calls that nobody made (`calls.hypothetical`)
    console    "url": an address at which a browser is signed in at the console (`cli.console_door`)
    activate   "code": an activation code of INSTANCE, for an agent, that is to be used within so many seconds
    running    what runs in the plane (`agents.overview`): "instances", "carriers", "functions", "stacks"
    names      "names": of the instances that run, the instance profiles or the roles of an account

`ended` is said in answer to an attachment, or later at any time, to every launcher of an instance that was stopped,
rebooted or terminated, or is not there: all that runs inside is to end, and the connection to be closed after it.

Each message is one JSON line. The connection is the attachment's lifeline. When the launcher is gone, its sockets are
served no more, and an ephemeral instance is terminated. When the plane is gone, the launcher, which keeps duplicates
of the sockets, sends the same message to the next plane (`attachment`). The socket file is mode 0600, and the peer's
user id is checked (SO_PEERCRED, unix(7)).
"""

from __future__ import annotations

import array
import json
import os
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from locum.core.errors import LocumError

SOCKET_NAME: Final = "control.sock"
LONG: Final = (b'{"policies":', b'{"plan":', b'{"hypothetical":')
"""The beginnings of messages that may come in several pieces: policy documents, templates or keys are in them."""

MAX_MESSAGE: Final = 1 << 21
"""Octets. A template has a MiB."""

MAX_DESCRIPTORS: Final = 8
_CHUNK: Final = 1 << 16

METADATA: Final = "metadata"
GATEWAY: Final = "gateway"
GATEWAY_TLS: Final = "gateway-tls"
"""The kinds of listening sockets."""
USUAL: Final = (METADATA, GATEWAY, METADATA)
"""The kinds where an attachment says none."""

Message = dict[str, Any]


class Entrance(NamedTuple):
    """The entrance to an instance for commands: a process in its namespaces, and the words before a command there."""

    pid: int
    within: tuple[str, ...] = ()


class HandoverError(LocumError):
    """The plane is not there, or refused."""


class PlaneAway(HandoverError):
    """The plane is not there."""


class InstanceEnded(HandoverError):
    """The instance does not run any more, or was started again: what runs in it is to end."""


def connect(data: Path) -> socket.socket:
    """A connection to the plane that owns the data directory `data`. Raises PlaneAway."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(data / SOCKET_NAME))
    except OSError as error:
        connection.close()
        raise PlaneAway(f"no Locum is running on {data}: start one with `locum up`") from error
    return connection


def ask(connection: socket.socket, message: Message, descriptors: Sequence[int] = ()) -> Message:
    """Send `message` and wait for the answer. Raises HandoverError: a refusal, or PlaneAway, where none comes."""
    try:
        send(connection, message, descriptors)
        line = _line(connection)
    except ConnectionError:
        line = b""
    return answer_in(line)


def asked(data: Path, message: Message) -> Message:
    """The answer to `message` of the plane that owns the data directory `data`. Raises as `connect` and `ask`."""
    with connect(data) as connection:
        answer = ask(connection, message)
    del answer["ok"]
    return answer


def send(connection: socket.socket, message: Message, descriptors: Sequence[int] = ()) -> None:
    """Send `message`. Raises ConnectionError."""
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    octets = json.dumps(message).encode() + b"\n"
    sent = connection.sendmsg([octets], ancillary)
    connection.sendall(octets[sent:])


def answer_in(line: bytes) -> Message:
    """The answer that `line` is.

    Raises HandoverError where it is a refusal (InstanceEnded: for good), PlaneAway where it is no whole line.
    """
    if not line.endswith(b"\n"):
        raise PlaneAway("Locum closed the connection")
    answer: Message = json.loads(line)
    if "error" in answer:
        raise (InstanceEnded if answer.get("ended") else HandoverError)(answer["error"])
    return answer


def _line(connection: socket.socket) -> bytes:
    """Up to a line feed and not further, or to the end."""
    chunks: list[bytes] = []
    while not chunks or not chunks[-1].endswith(b"\n"):
        coming = connection.recv(_CHUNK, socket.MSG_PEEK)
        chunk = connection.recv(coming.find(b"\n") + 1 or _CHUNK)
        if not chunk:
            break
        chunks.append(chunk)
    return b"".join(chunks)


def message_in(data: bytes, descriptors: list[int]) -> Message:
    """The message that `data` is. Raises ValueError on anything else, with the descriptors that came with it closed."""
    try:
        message = json.loads(data)
        if not isinstance(message, dict):
            raise ValueError("not an object")
    except ValueError:
        close_all(descriptors)
        raise
    return message


def receive_descriptors(connection: socket.socket) -> tuple[bytes, list[int]]:
    """Some octets and the descriptors that came with them, close-on-exec. Nothing and none at the end."""
    descriptors = array.array("i")
    room = socket.CMSG_LEN(MAX_DESCRIPTORS * descriptors.itemsize)
    # Not socket.recv_fds: it leaves its flags out.
    data, ancillary, _, _ = connection.recvmsg(_CHUNK, room, socket.MSG_CMSG_CLOEXEC)
    for level, kind, octets in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(octets)
    return data, list(descriptors)


def close_all(descriptors: list[int]) -> None:
    """Close descriptors that came with a message that is not obeyed."""
    for descriptor in descriptors:
        os.close(descriptor)


def peer_user(connection: socket.socket) -> int:
    """The user id of the process at the other end. SO_PEERCRED."""
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(uid)
