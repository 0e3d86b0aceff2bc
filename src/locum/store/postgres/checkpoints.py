"""The checkpoint of the journal: a base, the layers on it, and a new base that is being written; a row for each part.

They are in order as in a SQLite file (`store.checkpoint_table`), by sequence and part. Whatever is done to them keeps
nobody from appending.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from locum.store.postgres.locks import Turn
from locum.store.postgres.session import Connection, Session

_BASE: Final = 1 << 19
"""The first part of a new base, after those of the layer of the same sequence."""
_AT_ONCE: Final = 256
"""Rows that one step deletes."""
_LAST: Final = (1 << 31) - 1
"""More than the number of any part."""

_KEPT: Final = "SELECT max(sequence) FROM locum.checkpoint WHERE part = 0"
_PAGE: Final = (
    "SELECT sequence, part, data FROM locum.checkpoint WHERE (sequence, part) > (%s, %s)"
    " ORDER BY sequence, part LIMIT %s"
)
_PARTS: Final = 256
"""Parts that are read at once."""
_COPY: Final = "COPY locum.checkpoint (sequence, part, data) FROM STDIN (FORMAT BINARY)"
_OCTETS: Final = (
    "SELECT coalesce(max(octets), 0), coalesce(sum(octets), 0) FROM (SELECT sum(octet_length(data)) AS octets"
    " FROM locum.checkpoint GROUP BY sequence, part >= %s) AS each"
)
_UNFINISHED: Final = (
    "DELETE FROM locum.checkpoint USING locum.new_base"
    " WHERE checkpoint.sequence = new_base.sequence AND part >= %s AND NOT complete"
)
_CLAIM: Final = "INSERT INTO locum.new_base (claim, sequence, complete) VALUES (%s, %s, false)"
_CLAIMED: Final = "SELECT sequence FROM locum.new_base WHERE claim = %s"
_EXTEND: Final = (
    "INSERT INTO locum.checkpoint (sequence, part, data) VALUES (%s, %s, %s)"
    " ON CONFLICT (sequence, part) DO UPDATE SET data = excluded.data"
)
_DROP: Final = (
    "DELETE FROM locum.checkpoint WHERE (sequence, part) IN (SELECT sequence, part FROM locum.checkpoint"
    " WHERE sequence < %s OR (sequence = %s AND part > 0 AND part < %s) ORDER BY sequence, part LIMIT %s)"
)


def save(session: Session, sequence: int, parts: Iterable[bytes], keep: int, upon: int | None) -> int:
    """Store `parts` upon the checkpoint of `upon`, or in place of all (None); delete the entries that they stand for.

    Part 0 is empty and only says that there is a checkpoint: an empty layer has no other part. Answers the sequence
    number of the one that there is now.
    """
    with session.turn(Turn.CHECKPOINT) as connection:
        there = connection.execute(_KEPT).fetchall()[0][0]
        if (there is not None and there >= sequence) or upon not in (None, there or 0):
            return int(there or 0)
        if upon is None:
            connection.execute("DELETE FROM locum.checkpoint")
            connection.execute("DELETE FROM locum.new_base")
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.set_types(["int8", "int4", "bytea"])
            for number, data in enumerate(_with_first(parts)):
                copy.write_row((sequence, number, data))
        connection.execute("DELETE FROM locum.entry WHERE sequence <= %s", (sequence - keep,))
    return sequence


def kept(session: Session) -> int | None:
    """The sequence number of the checkpoint, or None."""
    found: int | None = session.rows(_KEPT)[0][0]
    return found


def load(session: Session) -> tuple[int, Iterator[bytes]] | None:
    """The checkpoint's sequence number and parts, or None. It is read in pieces, which are of one instant."""
    with _instant(session) as connection:
        found = _read(connection, -1)
    return (int(found[-1][0]), _consumed(found)) if found else None


def layers(session: Session, after: int) -> tuple[int, Iterator[bytes]] | None:
    """The sequence number, and the parts behind the state after entry `after`, where they are all that changed."""
    with _instant(session) as connection:
        first = connection.execute("SELECT min(sequence) FROM locum.checkpoint").fetchall()[0][0]
        found = None if first is None or first > after else _read(connection, after)
    return (int(found[-1][0]), _consumed(found)) if found else None


def octets(session: Session) -> tuple[int, int]:
    """The octets of the largest of base and layers, and of all of them."""
    largest, together = session.rows(_OCTETS, (_BASE,))[0]
    return int(largest), int(together)


def begin_base(session: Session, claim: str, sequence: int) -> bool:
    """Have a new base begun, in place of one that nobody completed. Whether the checkpoint is that of `sequence`."""
    with session.turn(Turn.CHECKPOINT) as connection:
        if connection.execute(_KEPT).fetchall()[0][0] != sequence:
            return False
        connection.execute(_UNFINISHED, (_BASE,))
        connection.execute("DELETE FROM locum.new_base")
        connection.execute(_CLAIM, (claim, sequence))
    return True


def extend_base(session: Session, claim: str, first: int, parts: Sequence[bytes]) -> bool:
    """Store the parts `first` and on of the new base. Whether it is the newest claim."""
    with session.turn(Turn.CHECKPOINT) as connection:
        sequence = _claimed(connection, claim)
        if sequence is None:
            return False
        rows = [(sequence, number, data) for number, data in enumerate(parts, _BASE + first)]
        with connection.cursor() as cursor:
            cursor.executemany(_EXTEND, rows)
    return True


def finish_base(session: Session, claim: str) -> bool:
    """Delete some of what the new base stands for, which is complete. Whether there is more."""
    with session.turn(Turn.CHECKPOINT) as connection:
        sequence = _claimed(connection, claim)
        if sequence is None:
            return False
        connection.execute("UPDATE locum.new_base SET complete = true")
        return connection.execute(_DROP, (sequence, sequence, _BASE, _AT_ONCE)).rowcount == _AT_ONCE


def _claimed(connection: Connection, claim: str) -> int | None:
    """The sequence number of the new base of this claim, or None where it is not the newest one."""
    found = connection.execute(_CLAIMED, (claim,)).fetchall()
    return int(found[0][0]) if found else None


@contextmanager
def _instant(session: Session) -> Iterator[Connection]:
    """A transaction in which what is read in pieces is of one instant."""
    with session.connection() as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield connection


def _read(connection: Connection, after: int) -> deque[tuple[int, int, bytes]]:
    """The rows of all sequence numbers behind `after`."""
    found: deque[tuple[int, int, bytes]] = deque()
    sequence, part = after, _LAST
    while page := connection.execute(_PAGE, (sequence, part, _PARTS)).fetchall():
        found.extend((row[0], row[1], row[2]) for row in page)
        sequence, part, _ = page[-1]
    return found


def _with_first(parts: Iterable[bytes]) -> Iterator[bytes]:
    yield b""
    yield from parts


def _consumed(rows: deque[tuple[int, int, bytes]]) -> Iterator[bytes]:
    """Each part, which is let go of: together they may be large."""
    while rows:
        _, part, data = rows.popleft()
        if part:
            yield data
