"""Last uses, in SQLite: one row for each principal, access key, action and region.

Facts that shaped it:
- What is written at once is what `latest_uses` says. The table always has a row for whatever memory knows of: so a
  look-up reads rows, and asks memory for each of them, and nobody iterates over what the writing thread changes.
- Other handles of the file write the same rows. The later instant wins, whoever writes it.
- The primary key begins with account and principal, by which it is asked for: the table is its own index.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

from locum.core.clock import DAY
from locum.store.journal import AuditRow, Use, Used
from locum.store.latest_uses import KEPT, LatestUses, last_uses

TRACKED_DAYS: Final = 400
"""IAM User Guide, "Refine permissions using last accessed information": "at least the last 400 days"."""

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS usage (account TEXT, principal TEXT, access_key_id TEXT, action TEXT, region TEXT,"
    " at REAL NOT NULL, PRIMARY KEY (account, principal, access_key_id, action, region)) WITHOUT ROWID"
)
_WRITE: Final = "INSERT INTO usage VALUES (?,?,?,?,?,?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)"
_READ: Final = "SELECT account, principal, access_key_id, action, region, at FROM usage WHERE account = ?"


class UsageTable:
    """The last uses of one SQLite file.

    All but `find` belongs to the writing thread, `find` to whoever holds its connection alone.
    """

    def __init__(self, connection: sqlite3.Connection, kept: int = KEPT) -> None:
        connection.execute(_SCHEMA)
        self._latest = LatestUses(kept)
        self._forgotten = 0.0

    def note(self, connection: sqlite3.Connection, rows: Sequence[AuditRow]) -> None:
        """Take the uses of `rows` into account, inside the open transaction."""
        uses = last_uses(rows)
        due = self._latest.due(uses)
        self._write(connection, due)
        self._latest.stored(uses, due)
        if self._latest.full:
            self.settle(connection)
            self._latest.clear()

    def settle(self, connection: sqlite3.Connection) -> None:
        """Write all that the table does not have yet."""
        self._write(connection, self._latest.unsaved())

    def rolled_back(self) -> None:
        """The transaction in which something was noted did not happen. What the table does not have is lost with it."""
        self._latest.clear()

    def find(self, connection: sqlite3.Connection, account: str, principal: str | None) -> list[Used]:
        """The last uses in `account`, of `principal` where that is given."""
        if principal is None:
            rows: Iterable[tuple[str, str, str, str, str, float]] = connection.execute(_READ, (account,))
        else:
            rows = connection.execute(f"{_READ} AND principal = ?", (account, principal))
        return [Used(*row[:5], self._latest.latest(Use(*row[:5]), row[5])) for row in rows]

    def forget(self, connection: sqlite3.Connection, now: float) -> None:
        """Drop what is older than the time that is tracked; once a day."""
        if now - self._forgotten >= DAY:
            self._forgotten = now
            connection.execute("DELETE FROM usage WHERE at < ?", (now - TRACKED_DAYS * DAY,))

    @staticmethod
    def _write(connection: sqlite3.Connection, uses: dict[Use, float]) -> None:
        if uses:
            connection.executemany(_WRITE, [(*use, at) for use, at in uses.items()])
