"""The entries of the journal, and what takes them back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from locum.core.clock import DAY
from locum.store.journal import Entry, Forgotten, Former, check_page
from locum.store.postgres.locks import WAIT, Turn
from locum.store.postgres.session import Connection, Session

PAGE: Final = 128
"""Entries read at once."""
_AT_ONCE: Final = 2_000
"""Rows that one step of housekeeping deletes."""

_CLAIM: Final = "SELECT locum.claim_entries(%s, %s, %b)"
_INSERT: Final = (
    "INSERT INTO locum.entry (sequence, at, events, format, call, batch)"
    " SELECT sequence, at, events, format, nullif(call, ''), CASE WHEN sequence = %b THEN nullif(%b::bytea, '') END"
    " FROM unnest(%b::bigint[], %b::float8[], %b::bytea[], %b::bigint[], %b::bytea[])"
    " AS r(sequence, at, events, format, call)"
)
_INSERT_FORMER: Final = (
    "INSERT INTO locum.former (sequence, at, events) SELECT * FROM unnest(%b::bigint[], %b::float8[], %b::bytea[])"
)
_SELECT: Final = (
    "SELECT sequence, at, events, format, coalesce(call, '') FROM locum.entry WHERE sequence > %s"
    " ORDER BY sequence LIMIT %s"
)
_BOUNDS: Final = "SELECT last, coalesce((SELECT max(sequence) FROM locum.checkpoint WHERE part = 0), 0) FROM locum.head"
_SETTLED: Final = (
    "SELECT sequence FROM locum.entry WHERE sha256(call) = sha256(%b) AND call = %b"
    " UNION ALL SELECT sequence FROM locum.entry WHERE sha256(batch) = sha256(%b) AND batch = %b LIMIT 1"
)
_FORMER: Final = (
    "SELECT sequence, at, events FROM locum.former WHERE sequence >"
    " coalesce((SELECT max(sequence) FROM locum.former WHERE at <= %s), 0) ORDER BY sequence DESC"
)
_FORGET: Final = (
    "DELETE FROM locum.former WHERE sequence IN (SELECT sequence FROM locum.former WHERE sequence <"
    " coalesce((SELECT min(sequence) FROM locum.former WHERE at >= %s), 9223372036854775807)"
    " ORDER BY sequence LIMIT %s)"
)


def insert(connection: Connection, batch: Sequence[Entry], expected: int, batch_id: str, *, first: bool) -> None:
    """Add `batch` inside the open transaction, which from here on has the turn. The server refuses what is not next.

    `first`: this handle has precedence.
    """
    given = raw(batch_id)
    if not first:
        connection.execute(WAIT, (Turn.PRECEDENCE,))
    connection.execute(_CLAIM, (expected, len(batch), given))
    if batch:
        sequences, times, events, formats, calls, _ = zip(*batch, strict=True)
        columns = [list(sequences), list(times), list(events), list(formats), [raw(call) for call in calls]]
        connection.execute(_INSERT, (expected + 1, given, *columns))
    former = [(entry.sequence, entry.at, entry.former) for entry in batch if entry.former]
    if former:
        connection.execute(_INSERT_FORMER, [list(column) for column in zip(*former, strict=True)])


def raw(text: str) -> bytes:
    """`text` as the database keeps what may be anything."""
    return text.encode("utf-8", "surrogatepass")


def last(session: Session) -> int:
    """The sequence number of the last entry."""
    return int(session.rows("SELECT last FROM locum.head", shown=True)[0][0])


def page(session: Session, after: int, name: str) -> list[Entry]:
    """The next entries after `after`, and the certainty that there is nothing else."""
    with session.snapshot(shown=True) as connection:
        entries = connection.execute(_SELECT, (after, PAGE))
        bounds = connection.execute(_BOUNDS)
    found = [
        Entry(sequence, at, events, stored_as, call.decode("utf-8", "surrogatepass"))
        for sequence, at, events, stored_as, call in entries.fetchall()
    ]
    ((end, kept),) = bounds.fetchall()
    check_page(found, after, end, kept, PAGE, name)
    return found


def settled(session: Session, known_by: str) -> int | None:
    """The sequence number of the entry of the call, or of the first one of the batch, with this id.

    It waits for whoever appends: a commit of which no answer came may be waiting for the disk, or for a standby.
    """
    with session.transaction() as connection:
        connection.execute(WAIT, (Turn.ENTRIES,))
        found = connection.execute(_SETTLED, [raw(known_by)] * 4)
    sequences = found.fetchall()
    return int(sequences[0][0]) if sequences else None


def former(session: Session, at: float) -> list[Former]:
    """What takes entries back that are younger than `at`, newest first. Raises Forgotten."""
    with session.snapshot() as connection:
        since = connection.execute("SELECT remembered FROM locum.head")
        found = connection.execute(_FORMER, (at,))
    ((remembered,),) = since.fetchall()
    if at < remembered:
        raise Forgotten(remembered)
    return [Former(*row) for row in found.fetchall()]


def remembered(session: Session) -> float:
    """The time since which all is there of what takes entries back."""
    return float(session.rows("SELECT remembered FROM locum.head")[0][0])


def forget(session: Session, days: int, now: float) -> bool:
    """Delete a part of what is past the retention of `days`. Whether there is more.

    Where the clock was moved back, older times may stand behind younger ones: only what is before all of these goes,
    as what is taken back must be taken back to its end.
    """
    first = now - days * DAY
    with session.connection() as connection, connection.transaction():
        gone = connection.execute(_FORGET, (first, _AT_ONCE)).rowcount
        if gone:
            connection.execute("UPDATE locum.head SET remembered = greatest(remembered, %s)", (first,))
    return gone == _AT_ONCE
