"""The checkpoint of the journal: a row for each part. Saving one keeps nobody from appending."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

from locum.store.postgres.locks import Turn
from locum.store.postgres.session import Session

_KEPT: Final = "SELECT max(sequence) FROM locum.checkpoint WHERE part = 0"
_PAGE: Final = "SELECT sequence, data FROM locum.checkpoint WHERE part >= %s ORDER BY part LIMIT %s"
_PARTS: Final = 256
"""Parts that are read at once."""
_COPY: Final = "COPY locum.checkpoint (sequence, part, data) FROM STDIN (FORMAT BINARY)"


def save(session: Session, sequence: int, parts: Iterable[bytes], keep: int) -> int:
    """Store `parts` in place of the older checkpoint, and delete the entries before it, but the `keep` newest.

    Part 0 is empty and only says that there is a checkpoint: an empty state has no other part. Answers the sequence
    number of the one that there is now.
    """
    with session.turn(Turn.CHECKPOINT) as connection:
        kept = connection.execute(_KEPT).fetchall()[0][0]
        if kept is not None and kept >= sequence:
            return int(kept)
        connection.execute("DELETE FROM locum.checkpoint")
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
    found: deque[tuple[int, bytes]] = deque()
    with session.connection() as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        while page := connection.execute(_PAGE, (len(found), _PARTS)).fetchall():
            found.extend(page)
    if not found:
        return None
    sequence, _ = found.popleft()
    return int(sequence), _consumed(found)


def _with_first(parts: Iterable[bytes]) -> Iterator[bytes]:
    yield b""
    yield from parts


def _consumed(parts: deque[tuple[int, bytes]]) -> Iterator[bytes]:
    """Each part, which is let go of: together they may be large."""
    while parts:
        yield parts.popleft()[1]
