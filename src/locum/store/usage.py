"""Last uses, in SQLite: one row for each principal, access key, action and region.

Facts that shaped it:
- Nearly every call is a use, and of the same few things; hardly anybody asks. So the instants are kept in memory
  and a row is written, with the batch that has the call, only where the use is a new one or moved on by COARSE
  seconds. What a crash takes with it is that much precision, never a use.
- The table always has a row for whatever memory knows of. So a look-up reads rows, and asks memory for each of
  them: nobody has to iterate over what the writing thread changes.
- Other handles of the file write the same rows. The later instant wins, whoever writes it.
- The primary key begins with account and principal, by which it is asked for: the table is its own index.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

from locum.core.clock import DAY
from locum.store.journal import AuditRow, Use, Used

COARSE: Final = 60.0
"""Seconds."""

TRACKED_DAYS: Final = 400
"""IAM User Guide, "Refine permissions using last accessed information": "at least the last 400 days"."""

_KEPT: Final = 32_768
"""How many uses are kept in memory."""

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS usage (account TEXT, principal TEXT, access_key_id TEXT, action TEXT, region TEXT,"
    " at REAL NOT NULL, PRIMARY KEY (account, principal, access_key_id, action, region)) WITHOUT ROWID"
)
_WRITE: Final = "INSERT INTO usage VALUES (?,?,?,?,?,?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)"
_READ: Final = "SELECT account, principal, access_key_id, action, region, at FROM usage WHERE account = ?"


class _Instant:
    """The instant of a last use, and the one that is in the table (epoch seconds)."""

    __slots__ = ("at", "saved")

    def __init__(self, at: float) -> None:
        self.at = self.saved = at


class UsageTable:
    """The last uses of one SQLite file.

    All but `find` belongs to the writing thread, `find` to whoever holds its connection alone.
    """

    def __init__(self, connection: sqlite3.Connection, kept: int = _KEPT) -> None:
        connection.execute(_SCHEMA)
        self._kept = kept
        self._latest: dict[Use, _Instant] = {}
        self._forgotten = 0.0

    def note(self, connection: sqlite3.Connection, rows: Sequence[AuditRow]) -> None:
        """Take the uses of `rows` into account, inside the open transaction."""
        latest = self._latest
        due: list[Use] = []
        for row in rows:
            use = row.use
            if use is None:
                continue
            known = latest.get(use)
            if known is None:
                latest[use] = _Instant(row.at)
                due.append(use)
            elif row.at > known.at:
                known.at = row.at
                if row.at - known.saved >= COARSE:
                    due.append(use)
                    known.saved = row.at
        if due:
            self._write(connection, due)
        if len(latest) > self._kept:
            self.settle(connection)
            latest.clear()

    def settle(self, connection: sqlite3.Connection) -> None:
        """Write all that the table does not have yet."""
        self._write(connection, [use for use, known in self._latest.items() if known.at > known.saved])

    def rolled_back(self) -> None:
        """The transaction in which something was noted did not happen. What the table does not have is lost with it."""
        self._latest.clear()

    def find(self, connection: sqlite3.Connection, account: str, principal: str | None) -> list[Used]:
        """The last uses in `account`, of `principal` where that is given."""
        if principal is None:
            rows: Iterable[tuple[str, str, str, str, str, float]] = connection.execute(_READ, (account,))
        else:
            rows = connection.execute(f"{_READ} AND principal = ?", (account, principal))
        return [Used(*row[:5], self._latest_of(Use(*row[:5]), row[5])) for row in rows]

    def forget(self, connection: sqlite3.Connection, now: float) -> None:
        """Drop what is older than the time that is tracked; once a day."""
        if now - self._forgotten >= DAY:
            self._forgotten = now
            connection.execute("DELETE FROM usage WHERE at < ?", (now - TRACKED_DAYS * DAY,))

    def _latest_of(self, use: Use, stored: float) -> float:
        known = self._latest.get(use)
        return stored if known is None else max(stored, known.at)

    def _write(self, connection: sqlite3.Connection, uses: Iterable[Use]) -> None:
        connection.executemany(_WRITE, [(*use, self._latest[use].at) for use in uses])
