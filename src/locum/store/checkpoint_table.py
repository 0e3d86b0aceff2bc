"""The checkpoint in the SQLite file of a journal: a base, the layers on it, and a new base that is being written.

The rows, in the order of their sequence and part, are events that make the state, the last one of a key being true:

    the base | a layer for each checkpoint since | the new base, of the state after the newest of these layers | ...

So each row of a new base says what those before it say already, and may come and stay alone. When all of it is there,
what is before it goes, from the first on: what takes an entity away is kept for longer than what put it there. Each
step is a transaction of its own; wherever they end, the file has a checkpoint. Older versions of Locum sort by the part
alone, which is the same order.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS new_base (claim TEXT, sequence INTEGER, complete INTEGER)"
"""Its one row is about the new base that is being written, or was when somebody else began, or the process ended."""

_SHIFT: Final = 20
_BASE: Final = 1 << 19
"""The first part of a new base, after those of the layer of the same sequence."""

_INSERT: Final = "INSERT OR REPLACE INTO checkpoint (sequence, part, data) VALUES (?, ?, ?)"
_AT_ONCE: Final = 256
"""Rows that one step deletes."""


class CheckpointTable:
    """The tables in the file of `connection`. To be changed in a transaction of the caller's."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        connection.execute(_SCHEMA)

    @staticmethod
    def sequence(connection: sqlite3.Connection) -> int | None:
        """The sequence number of the checkpoint, or None."""
        found: int | None = connection.execute("SELECT max(sequence) FROM checkpoint").fetchone()[0]
        return found

    @staticmethod
    def parts(connection: sqlite3.Connection) -> deque[tuple[bytes]]:
        """The parts, each in a tuple, in their order."""
        return deque(connection.execute("SELECT data FROM checkpoint WHERE part > 0 ORDER BY sequence, part"))

    @staticmethod
    def layers(connection: sqlite3.Connection, after: int) -> tuple[int, deque[tuple[bytes]]] | None:
        """The sequence number, and the parts behind the state after entry `after`, where they are all that changed."""
        first, last = connection.execute("SELECT min(sequence), max(sequence) FROM checkpoint").fetchone()
        if first is None or not first <= after < last:
            return None
        sql = "SELECT data FROM checkpoint WHERE sequence > ? AND part > 0 ORDER BY sequence, part"
        return last, deque(connection.execute(sql, (after,)))

    @staticmethod
    def octets(connection: sqlite3.Connection) -> tuple[int, int]:
        """The octets of the largest of base and layers, and of all of them."""
        each = "SELECT sum(length(data)) AS octets FROM checkpoint GROUP BY sequence, part & ?"
        sql = f"SELECT coalesce(max(octets), 0), coalesce(sum(octets), 0) FROM ({each})"  # noqa: S608 - constants
        largest, together = connection.execute(sql, (_BASE,)).fetchone()
        return largest, together

    @staticmethod
    def clear(connection: sqlite3.Connection) -> None:
        """Delete all that there is. Whoever was writing a new base is to stop."""
        connection.execute("DELETE FROM checkpoint")
        connection.execute("DELETE FROM new_base")

    @staticmethod
    def add(connection: sqlite3.Connection, sequence: int, parts: Iterable[bytes]) -> None:
        """Store a base or a layer. The first row is empty and only says that there is one: nothing may have changed."""
        rows = ((sequence, sequence << _SHIFT | number, data) for number, data in enumerate(parts, 1))
        connection.execute(_INSERT, (sequence, 0, b""))
        connection.executemany(_INSERT, rows)

    @staticmethod
    def claim(connection: sqlite3.Connection, claim: str, sequence: int) -> None:
        """Have a new base begun, in place of one that nobody completed."""
        left = connection.execute("SELECT sequence FROM new_base WHERE NOT complete").fetchall()
        for (former,) in left:
            sql = "DELETE FROM checkpoint WHERE sequence = ? AND part & ?"
            connection.execute(sql, (former, _BASE))
        connection.execute("DELETE FROM new_base")
        connection.execute("INSERT INTO new_base (claim, sequence, complete) VALUES (?, ?, 0)", (claim, sequence))

    @staticmethod
    def claimed(connection: sqlite3.Connection, claim: str) -> int | None:
        """The sequence number of the new base of this claim, or None where it is not the newest claim."""
        found = connection.execute("SELECT sequence FROM new_base WHERE claim = ?", (claim,)).fetchone()
        return None if found is None else found[0]

    @staticmethod
    def extend(connection: sqlite3.Connection, sequence: int, first: int, parts: Sequence[bytes]) -> None:
        """Store the parts `first` and on of the new base."""
        begin = sequence << _SHIFT | _BASE
        connection.executemany(_INSERT, ((sequence, begin + first + n, data) for n, data in enumerate(parts)))

    @staticmethod
    def drop(connection: sqlite3.Connection, sequence: int) -> bool:
        """Delete some of what the new base stands for, which is complete. Whether there is more."""
        connection.execute("UPDATE new_base SET complete = 1")
        sql = (
            "DELETE FROM checkpoint WHERE rowid IN (SELECT rowid FROM checkpoint WHERE sequence < ?"
            " OR (sequence = ? AND part BETWEEN 1 AND ?) ORDER BY sequence, part LIMIT ?)"
        )
        last = (sequence << _SHIFT | _BASE) - 1
        return connection.execute(sql, (sequence, sequence, last, _AT_ONCE)).rowcount == _AT_ONCE
