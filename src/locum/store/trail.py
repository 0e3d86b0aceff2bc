"""The event history in SQLite: append quickly, find by anything, forget in time.

Facts that shaped it:
- Rows come in batches, ten thousand a second at best, from a process that needs its interpreter for other
  things. sqlite3 lets the interpreter go at each step of a statement and has to wait to get it back, so a
  batch is one statement, not one a row.
- An index on a random id makes each insert dirty a page of its own. So rows go into parts of PART_ROWS,
  numbered by position, which have no index while they are filled (a part is scanned in milliseconds) and
  get theirs, one at a time, once they are full and there is a pause: a bulk build costs a tenth.
- What is too old goes part by part: dropping a table is cheap, deleting rows from nine indexes is not.
- Which parts there are, and with which indexes, is what the schema says; `PRAGMA schema_version` tells each connection
  when to read it again, whoever changed it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from locum.core.clock import DAY
from locum.store.journal import AuditQuery, AuditRow, Field, Found, Retention

PART_ROWS: Final = 16_384
_STATEMENT_ROWS: Final = 2_000
_COLUMNS: Final = (
    "at, account, event_id, request_id, event_name, event_source, username, access_key_id, principal,"
    " flags, resources, data"
)
_VALUES: Final = "(?,?,?,?,?,?,?,?,?,?,?,?,?)"

READ_ONLY: Final = 1
DENIED: Final = 2
MANAGEMENT: Final = 4

_INDEXES: Final = {
    Field.EVENT_ID.value: "(event_id)",
    Field.REQUEST_ID.value: "(request_id)",
    Field.EVENT_NAME.value: "(event_name)",
    Field.USERNAME.value: "(username)",
    Field.ACCESS_KEY_ID.value: "(access_key_id)",
    Field.PRINCIPAL.value: "(principal)",
    "resources": "(resources) WHERE resources <> ''",
    "writes": "(id) WHERE flags & 1 = 0",
    "denials": "(id) WHERE flags & 2 = 2",
}
"""What an explanation or a client looks for. Sources and accounts are few, and every part holds most of them:
there an index would find what a scan finds, later."""

_RESOURCES: Final = {Field.RESOURCE_NAME: "\x1f{}\x1e", Field.RESOURCE_TYPE: "\x1e{}\x1f"}


@dataclass(frozen=True, slots=True)
class _Part:
    """One table, and the indexes built so far."""

    number: int
    indexes: frozenset[str]

    @property
    def table(self) -> str:
        return f"trail_{self.number}"

    @property
    def indexed(self) -> bool:
        return len(self.indexes) == len(_INDEXES)


class _Catalogue:
    """The parts of the file as one connection sees them, oldest first."""

    def __init__(self) -> None:
        self._version = -1
        self._parts: tuple[_Part, ...] = ()

    def parts(self, connection: sqlite3.Connection) -> tuple[_Part, ...]:
        """To be asked first in a transaction, and believed to its end."""
        (version,) = connection.execute("PRAGMA schema_version").fetchone()
        if version != self._version:
            self._parts = _parts(connection)
            self._version = version
        return self._parts


class Trail:
    """The event history of one SQLite file. Positions are dense and start at 1.

    `refresh`, `insert` and `maintain` belong to the writing thread, `find` and `scan` to whoever holds their connection
    alone; all of them to a transaction.
    """

    def __init__(self, connection: sqlite3.Connection, retention: Retention, part_rows: int = PART_ROWS) -> None:
        self._retention = retention
        self._part_rows = part_rows
        self._written = _Catalogue()
        self._seen = _Catalogue()
        self._spans: dict[int, tuple[float, float]] = {}
        self.refresh(connection)

    def refresh(self, connection: sqlite3.Connection) -> None:
        """Find the last position anew: somebody else has written, or what `insert` wrote was rolled back."""
        self._last = _last_position(connection, self._written.parts(connection), self._part_rows)

    def insert(self, connection: sqlite3.Connection, rows: Sequence[AuditRow]) -> None:
        """Add `rows` inside the open transaction."""
        start = 0
        while start < len(rows):
            number, used = divmod(self._last, self._part_rows)
            chunk = rows[start : start + min(_STATEMENT_ROWS, self._part_rows - used)]
            if used == 0:
                connection.execute(f"CREATE TABLE trail_{number} (id INTEGER PRIMARY KEY, {_COLUMNS})")
            values = chain.from_iterable(_values(self._last + i, row) for i, row in enumerate(chunk, 1))
            placeholders = ",".join([_VALUES] * len(chunk))
            connection.execute(
                f"INSERT INTO trail_{number} (id, {_COLUMNS}) VALUES {placeholders}",  # noqa: S608 - a number of ours
                tuple(values),
            )
            self._last += len(chunk)
            start += len(chunk)

    def find(self, connection: sqlite3.Connection, query: AuditQuery) -> list[Found]:
        """The rows of `query`, newest first."""
        found: list[Found] = []
        for part in reversed(self._seen.parts(connection)):
            if len(found) >= query.limit:
                break
            too_new = query.before is not None and query.before <= part.number * self._part_rows + 1
            if too_new or not self._may_hold(connection, part, query):
                continue
            sql, values = _select(part, query, query.limit - len(found))
            found.extend(Found(*row) for row in connection.execute(sql, values))
        return found

    def scan(self, connection: sqlite3.Connection, after: int, limit: int) -> list[Found]:
        """The first `limit` rows behind the position `after`, oldest first."""
        found: list[Found] = []
        for part in self._seen.parts(connection):
            if len(found) >= limit:
                break
            if (part.number + 1) * self._part_rows > after:
                sql = f"SELECT id, data FROM {part.table} WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
                found.extend(Found(*row) for row in connection.execute(sql, (after, limit - len(found))))
        return found

    def maintain(self, connection: sqlite3.Connection, now: float) -> bool:
        """Drop one part that is too old, or build one index of one full part. Whether more is waiting."""
        parts = self._written.parts(connection)
        if self._expired(connection, parts, now):
            connection.execute(f"DROP TABLE {parts[0].table}")
            return True
        full = self._last // self._part_rows
        todo = [part for part in parts if part.number < full and not part.indexed]
        if not todo:
            return False
        part = todo[0]
        name = next(name for name in _INDEXES if name not in part.indexes)
        connection.execute(f"CREATE INDEX {part.table}_{name} ON {part.table} {_INDEXES[name]}")
        return True

    def _expired(self, connection: sqlite3.Connection, parts: Sequence[_Part], now: float) -> bool:
        """Whether the oldest part is past its retention."""
        if len(parts) < 2:
            return False
        oldest, following = parts[:2]
        beyond = self._last - following.number * self._part_rows >= self._retention.rows
        return beyond or (oldest.indexed and self._span(connection, oldest)[1] < now - self._retention.days * DAY)

    def _may_hold(self, connection: sqlite3.Connection, part: _Part, query: AuditQuery) -> bool:
        """Whether the instants of `part`, where they can be known, meet those of `query`."""
        if not part.indexed or (query.start is None and query.end is None):
            return True
        first, last = self._span(connection, part)
        return (query.start is None or query.start <= last) and (query.end is None or query.end >= first)

    def _span(self, connection: sqlite3.Connection, part: _Part) -> tuple[float, float]:
        """The first and last instant of a full part, which stay what they are: one scan of it, once."""
        known = self._spans.get(part.number)
        if known is None:
            sql = f"SELECT (SELECT min(at) FROM {part.table}), (SELECT max(at) FROM {part.table})"  # noqa: S608
            first, last = connection.execute(sql).fetchone()
            known = self._spans[part.number] = float(first), float(last)
        return known


def _values(position: int, row: AuditRow) -> tuple[Any, ...]:
    flags = READ_ONLY * row.read_only | DENIED * row.denied | MANAGEMENT * row.management
    resources = "".join(f"\x1e{kind}\x1f{name}\x1e" for kind, name in row.resources) if row.resources else ""
    return (position, *row[:9], flags, resources, row.data)


def _parts(connection: sqlite3.Connection) -> tuple[_Part, ...]:
    """The parts as the schema has them, oldest first."""
    indexes: dict[int, set[str]] = {}
    for kind, name in connection.execute("SELECT type, name FROM sqlite_master WHERE name GLOB 'trail_[0-9]*'"):
        number, _, index = name.removeprefix("trail_").partition("_")
        known = indexes.setdefault(int(number), set())
        if kind == "index":
            known.add(index)
    return tuple(_Part(number, frozenset(indexes[number])) for number in sorted(indexes))


def _last_position(connection: sqlite3.Connection, parts: tuple[_Part, ...], part_rows: int) -> int:
    if not parts:
        return 0
    newest = parts[-1]
    (last,) = connection.execute(f"SELECT max(id) FROM {newest.table}").fetchone()  # noqa: S608 - a number of ours
    return int(last) if last is not None else newest.number * part_rows


def _select(part: _Part, query: AuditQuery, limit: int) -> tuple[str, list[Any]]:
    """The statement for one part. An indexed part is told which index to use: there are no statistics to guess by."""
    conditions: list[tuple[str, Any]] = []
    if query.before is not None:
        conditions.append(("id < ?", query.before))
    if query.field in _RESOURCES:
        hint = f" INDEXED BY {part.table}_resources" if part.indexed else ""
        conditions.append(
            (
                f"id IN (SELECT id FROM {part.table}{hint} WHERE resources <> '' AND instr(resources, ?))",  # noqa: S608
                _RESOURCES[query.field].format(query.value),
            )
        )
    elif query.field is not None:
        conditions.append((f"{query.field.value} = ?", query.value))
    for column, operator, value in (
        ("account", "=", query.account),
        ("at", ">=", query.start),
        ("at", "<=", query.end),
    ):
        if value is not None:
            conditions.append((f"{column} {operator} ?", value))
    fixed = [
        f"flags & {bit} = {bit if wanted else 0}"
        for bit, wanted in ((READ_ONLY, query.read_only), (DENIED, query.denied), (MANAGEMENT, query.management))
        if wanted is not None
    ]
    where = " AND ".join([*(text for text, _ in conditions), *fixed]) or "1"
    index = f" INDEXED BY {part.table}_{name}" if part.indexed and (name := _index_for(query)) else ""
    sql = f"SELECT id, data FROM {part.table}{index} WHERE {where} ORDER BY id DESC LIMIT ?"  # noqa: S608 - no input in it
    return sql, [*(value for _, value in conditions), limit]


def _index_for(query: AuditQuery) -> str:
    """The name of the most selective index that `query` can use, in the order of positions; or none."""
    if query.field is not None:
        return query.field.value if query.field.value in _INDEXES else ""
    if query.denied:
        return "denials"
    return "writes" if query.read_only is False else ""
