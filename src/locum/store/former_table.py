"""What takes entries back, in the SQLite file of a journal: kept for the retention, apart from the entries."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from locum.core.clock import DAY
from locum.store.journal import Entry, Forgotten, Former, Retention

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS former (sequence INTEGER PRIMARY KEY, at REAL NOT NULL, events BLOB NOT NULL)"
)
_SINCE: Final = "remembered"
"""The key of the time in the table `meta` since which all is there."""
_AT_ONCE: Final = 2_000
"""Rows that one step of housekeeping deletes."""


class FormerTable:
    """The table in the file of `connection`, which is made where there is none."""

    def __init__(self, connection: sqlite3.Connection, retention: Retention) -> None:
        self._days = retention.days
        there = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'former'").fetchone()[0]
        if there:
            return
        begun = connection.execute("SELECT max(at) FROM entry").fetchone()[0]
        compacted = connection.execute("SELECT count(*) FROM checkpoint").fetchone()[0]
        connection.execute(_SCHEMA)
        if begun is not None or compacted:  # a journal from before there was this table
            self.remember(connection, begun or 0.0)

    def insert(self, connection: sqlite3.Connection, batch: Sequence[Entry]) -> None:
        """Add what takes the entries of a batch back."""
        rows = [(entry.sequence, entry.at, entry.former) for entry in batch if entry.former]
        if rows:
            connection.executemany("INSERT INTO former (sequence, at, events) VALUES (?, ?, ?)", rows)

    def find(self, connection: sqlite3.Connection, at: float) -> list[Former]:
        """What takes entries back that are younger than `at`, newest first. Raises Forgotten."""
        since = self.since(connection)
        if at < since:
            raise Forgotten(since)
        sql = (
            "SELECT sequence, at, events FROM former WHERE sequence >"
            " coalesce((SELECT max(sequence) FROM former WHERE at <= ?), 0) ORDER BY sequence DESC"
        )
        return [Former(*row) for row in connection.execute(sql, (at,))]

    @staticmethod
    def since(connection: sqlite3.Connection) -> float:
        """The time since which all is there."""
        found = connection.execute("SELECT value FROM meta WHERE key = ?", (_SINCE,)).fetchone()
        return 0.0 if found is None else float(found[0])

    def forget(self, connection: sqlite3.Connection, now: float) -> bool:
        """Delete what is past the retention, a part of it. Whether there is more.

        Where the clock was moved back, older times may stand behind younger ones: only what is before all of these
        goes, as what is taken back must be taken back to its end.
        """
        first = now - self._days * DAY
        sql = (
            "DELETE FROM former WHERE sequence IN (SELECT sequence FROM former WHERE sequence <"
            " coalesce((SELECT min(sequence) FROM former WHERE at >= ?), 9223372036854775807)"
            " ORDER BY sequence LIMIT ?)"
        )
        gone = connection.execute(sql, (first, _AT_ONCE)).rowcount
        if gone:
            self.remember(connection, max(first, self.since(connection)))
        return gone == _AT_ONCE

    @staticmethod
    def remember(connection: sqlite3.Connection, since: float) -> None:
        """Note the time since which all is there."""
        connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (_SINCE, repr(since)))
