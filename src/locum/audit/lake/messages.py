"""What a plane and the process with its column store say to each other: each message is its length, and MessagePack.

The plane asks, the process answers each request with a `Reply`, in order.
"""

from __future__ import annotations

import os
import struct
from typing import Final

import msgspec

from locum.audit.lake.selection import Selection

_LENGTH: Final = struct.Struct("!I")


class Check(msgspec.Struct, frozen=True, tag="check"):
    """Whether `statement` can be run on event data stores, of which `activity` are for events from outside of AWS."""

    statement: str
    activity: list[str] = []


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """The position of the last row that is in the column store of `installation`, in `Reply.position`.

    A column store of another installation, or one that is ahead of `newest`, the last row of the journal, is emptied.
    """

    installation: str
    newest: int


class Ingest(msgspec.Struct, frozen=True, tag="ingest"):
    """Rows of the event history, which have all up to `position`; those are kept that one of `selections` has."""

    rows: list[tuple[int, bytes]]
    position: int
    selections: list[Selection]


class Add(msgspec.Struct, frozen=True, tag="add"):
    """Give events to event data stores: ids of stores and events, times in epoch seconds, and JSON.

    Those that a store has been given before are left out; `Reply.rows` is how many were not.
    """

    rows: list[tuple[str, str, float, str]]


class Forget(msgspec.Struct, frozen=True, tag="forget"):
    """Delete all events but those of `selections`."""

    selections: list[Selection]


class Query(msgspec.Struct, frozen=True, tag="query"):
    """Run `statement` on `selections`; the result is written to the file `path`, of at most `octets`.

    `now` is the current time in epoch seconds.
    """

    statement: str
    selections: list[Selection]
    now: float
    path: str
    octets: int


Request = Check | Progress | Ingest | Add | Forget | Query


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to a request. `error` says why it was not done. `stores` are those that a
    checked statement reads. `rows`, `scanned` and `octets` are a query's, `rows` those of `Add` as well.

    `exhausted`: the memory of the process did not suffice, and it ends.
    """

    error: str = ""
    position: int = 0
    rows: int = 0
    scanned: int = 0
    octets: int = 0
    exhausted: bool = False
    stores: list[str] = []


encode: Final = msgspec.msgpack.Encoder().encode
requests: Final[msgspec.msgpack.Decoder[Request]] = msgspec.msgpack.Decoder(Request)
replies: Final[msgspec.msgpack.Decoder[Reply]] = msgspec.msgpack.Decoder(Reply)


def framed(message: Request | Reply) -> bytes:
    """A message as it is written."""
    data = encode(message)
    return _LENGTH.pack(len(data)) + data


def send(descriptor: int, data: bytes) -> None:
    """Write a message that is `framed`. Raises OSError where nobody reads."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def receive(descriptor: int) -> bytes | None:
    """The next message; None at the end."""
    head = _exactly(descriptor, _LENGTH.size)
    return None if head is None else _exactly(descriptor, _LENGTH.unpack(head)[0])


def _exactly(descriptor: int, size: int) -> bytes | None:
    parts: list[bytes] = []
    while size:
        part = os.read(descriptor, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
