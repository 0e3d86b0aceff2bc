"""The launcher's end of an attachment: it keeps the listening sockets of an instance and hands them to every plane.

    connected    the plane was sent duplicates of the sockets, and serves on them once it has answered
    away         the plane is gone: it is looked for every RETRY seconds. Clients wait in the sockets' backlogs, for the
                 first PATIENCE tries; then their connections are reset
    refused      the plane cannot have it now: asked again every REFUSED seconds, and no client waits
    ended        the instance was stopped, rebooted or terminated, or it is a driver's and the data directory has gone:
                 what runs in it is ended, and no plane looked for

A client that waits too long gives up, and its call must not be carried out minutes later by the next plane. So nobody
waits for as long as clients do.
"""

from __future__ import annotations

import select
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Protocol, Self

from locum.compute.handover import (
    HandoverError,
    InstanceEnded,
    Message,
    PlaneAway,
    answer_in,
    ask,
    connect,
    peer_user,
    send,
)

RETRY: Final = 0.1
REFUSED: Final = 1.0
"""Seconds."""
PATIENCE: Final = 50
"""Tries: five seconds. boto3 gives up a call after sixty, a request to the metadata service after one."""
_ANSWER: Final = 4096  # octets; that to an attachment is short


class Claimed(Protocol):
    """A claim: the instance or the carrier that a launcher attaches."""

    @property
    def instance(self) -> str:
        """Its id."""

    @property
    def driver(self) -> str:
        """The driver of the plane that started the launcher; empty: a user did."""

    def message(self, pid: int) -> Message:
        """The message that goes with the sockets, of which a process `pid` is in the namespace."""


class Claim(NamedTuple):
    """The instance that a launcher attaches, and whether that is `ephemeral`: lives only as long as the launcher.

    `driver` is the one of the plane (`locum up --driver`) that started the launcher, for the start `boot` of the
    instance. Empty: a user started it. Commands in its namespaces have the words `within` before them. `serving` are
    the kinds of its sockets (`handover`), where those are not the usual ones.
    """

    instance: str
    account: str
    ephemeral: bool = False
    driver: str = ""
    boot: int = -1
    within: Sequence[str] = ()
    serving: tuple[str, ...] = ()

    def message(self, pid: int) -> Message:
        """The message that goes with the sockets."""
        told = {"attach": self.instance, "account": self.account, "ephemeral": self.ephemeral}
        told |= {"pid": pid, "boot": self.boot, "driver": self.driver}
        return told | {"within": list(self.within), "serving": list(self.serving)}


class Attachment:
    """Keeps the listening `sockets` of an instance (the metadata service's, in a namespace also the gateway's) served.

    `pid` is a process in their network namespace; 0 where that is the host's. First `attach`, then `keep`. It owns the
    sockets, and closes them when it is closed.
    """

    def __init__(self, data: Path, claim: Claimed, sockets: Sequence[socket.socket], pid: int = 0) -> None:
        self._data = data
        self._instance = claim.instance
        self._message = claim.message(pid)
        self._sockets = tuple(sockets)
        self._descriptors = [sock.fileno() for sock in sockets]
        for sock in sockets:
            sock.setblocking(False)
        self._connection: socket.socket | None = None
        self._user = -1
        self._tries = 0
        self._pause = RETRY
        self._complaint = ""
        self._ended = False
        self._detached = bool(claim.driver)
        self._end: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def attach(self) -> None:
        """Have the plane serve on the sockets. Raises HandoverError where there is none or it refuses."""
        self._connection = connect(self._data)
        self._user = peer_user(self._connection)
        self._message["boot"] = ask(self._connection, self._message, self._descriptors).get("boot", -1)

    def keep(self, until: int, end: Callable[[], None] = lambda: None) -> None:
        """Attach again whenever the plane has gone, until there is something to read from the descriptor `until`.

        `end()` is called once the plane says that the instance has ended; it makes sure that `until` comes.
        """
        self._end = end
        while until not in (ready := self._ready(until)):
            if self._connection is not None:
                self._listen(self._connection)
                continue
            for sock in ready:
                _turn_away(sock)
            self._reconnect()

    def close(self) -> None:
        """Close the sockets and the connection."""
        if self._connection is not None:
            self._connection.close()
        for sock in self._sockets:
            sock.close()

    def _ready(self, until: int) -> list[Any]:
        """The sockets that can be read: `until`, the connection, or clients to turn away; none after a pause."""
        awaited: list[Any] = [until]
        if self._ended and self._connection is None:
            return select.select(awaited, [], [])[0]
        if self._connection is not None:
            return select.select([*awaited, self._connection], [], [])[0]
        if self._tries >= PATIENCE:
            awaited += self._sockets
        return select.select(awaited, [], [], self._pause)[0]

    def _listen(self, connection: socket.socket) -> None:
        """Take the plane's answer, its word that the instance has ended, or the end of the connection."""
        try:
            for line in connection.recv(_ANSWER).splitlines(keepends=True) or [b""]:
                self._message["boot"] = answer_in(line).get("boot", -1)
        except (PlaneAway, ConnectionError):
            self._lose(RETRY)
        except InstanceEnded as ended:
            self._have_ended(str(ended))
        except HandoverError as refusal:
            self._lose(REFUSED)
            self._tries = PATIENCE
            self._complain(str(refusal))
        else:
            self._tries, self._complaint = 0, ""

    def _lose(self, pause: float) -> None:
        assert self._connection is not None
        self._connection.close()
        self._connection, self._pause = None, pause

    def _have_ended(self, reason: str) -> None:
        if not self._ended:
            self._ended = True
            _tell(f"what runs in {self._instance} is ended: {reason}")
            self._end()

    def _complain(self, text: str) -> None:
        """Tell the user, once for each reason."""
        if text != self._complaint:
            self._complaint = text
            _tell(f"nothing answers inside {self._instance} any more: {text}")

    def _reconnect(self) -> None:
        """Send the sockets to the plane, if one is there by now and is the same user's: nobody else is given them."""
        self._tries += 1
        if self._detached and self._tries >= PATIENCE and not self._data.is_dir():
            self._have_ended(f"{self._data} has gone")
            return
        with suppress(PlaneAway):
            connection = connect(self._data)
            with suppress(ConnectionError):
                if peer_user(connection) == self._user:
                    send(connection, self._message, self._descriptors)
                    self._connection = connection
                    return
            connection.close()


def _tell(text: str) -> None:
    sys.stderr.write(f"locum: {text}\n")
    sys.stderr.flush()


def _turn_away(sock: socket.socket) -> None:
    """Reset the connection of a client that waits on the listening `sock`."""
    with suppress(OSError):  # it may have gone by itself
        connection, _ = sock.accept()
        with connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
