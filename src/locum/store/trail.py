"""The event history in SQLite: append quickly, find by anything, forget in time.

Facts that shaped it:
- Rows come in batches, ten thousand a second at best, from a process that needs its interpreter for other
  things. sqlite3 lets the interpreter go at each step of a statement and has to wait to get it back, so a
  batch is one statement, not one a row.
- An index on a random id makes each insert dirty a page of its own. So rows go into parts of PART_ROWS,
  numbered by position, which have no index while they are filled (a part is scanned in milliseconds) and
  get theirs, one at a time, once they are full and there is a pause: a bulk build costs a tenth.
- Ten million rows are six hundred parts: what is looked up has to be an index in each of them, also what most parts
  have none of, and of several resources of a row each is an entry of a list.
- What is too old goes part by part: dropping a table is cheap, deleting rows from ten indexes is not.
- Anybody can cause rows of unauthenticated calls. They have parts of their own, of the same positions, and a retention
  of their own, so that they never push out what is known of authenticated calls.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain, groupby
from math import inf
from operator import attrgetter, itemgetter
from typing import Any, Final

from locum.core.clock import DAY
from locum.store.journal import AuditQuery, AuditRow, Field, Found, Retention
from locum.store.trail_parts import INDEXES, Catalogue, Part, last_position

PART_ROWS: Final = 16_384
_STATEMENT_ROWS: Final = 2_000
_COLUMNS: Final = (
    "at, account, event_id, request_id, event_name, event_source, username, access_key_id, principal,"
    " flags, resources, data"
)
_TABLE: Final = f"CREATE TABLE IF NOT EXISTS {{}} (id INTEGER PRIMARY KEY, {_COLUMNS})"
_VALUES: Final = "(?,?,?,?,?,?,?,?,?,?,?,?,?)"

READ_ONLY: Final = 1
DENIED: Final = 2
MANAGEMENT: Final = 4

_SEPARATORS: Final = {0x1E: " ", 0x1F: " "}
_RESOURCES: Final = {Field.RESOURCE_NAME: "\x1f{}\x1e", Field.RESOURCE_TYPE: "\x1e{}\x1f"}


class Trail:
    """The event history of one SQLite file. Positions are dense and start at 1.

    `refresh`, `insert` and `maintain` belong to the writing thread, `find` and `scan` to whoever holds their connection
    alone; all of them to a transaction.
    """

    def __init__(self, connection: sqlite3.Connection, retention: Retention, part_rows: int = PART_ROWS) -> None:
        self._retention = retention
        self._part_rows = part_rows
        self._written = Catalogue()
        self._seen = Catalogue()
        self._spans: dict[str, tuple[float, float]] = {}
        self._counts: dict[str, int] = {}
        self.refresh(connection)

    def refresh(self, connection: sqlite3.Connection) -> None:
        """Find the last position anew: somebody else has written, or what `insert` wrote was rolled back."""
        self._last = last_position(connection, self._written.parts(connection), self._part_rows)

    @property
    def last(self) -> int:
        """The last position, 0 where there is none."""
        return self._last

    def insert_at(self, connection: sqlite3.Connection, position: int, rows: Sequence[AuditRow]) -> None:
        """Add `rows`, of which the first gets a position that is behind the last one."""
        if position <= self._last:
            raise ValueError(f"position {position} is not behind {self._last}")
        self._last = position - 1
        connection.execute(_TABLE.format(Part(self._last // self._part_rows).table))
        self.insert(connection, rows)

    def insert(self, connection: sqlite3.Connection, rows: Sequence[AuditRow]) -> None:
        """Add `rows` inside the open transaction."""
        start = 0
        while start < len(rows):
            number, used = divmod(self._last, self._part_rows)
            chunk = rows[start : start + min(_STATEMENT_ROWS, self._part_rows - used)]
            if used == 0:
                connection.execute(_TABLE.format(Part(number).table))
            numbered = list(enumerate(chunk, self._last + 1))
            strangers = [pair for pair in numbered if pair[1].stranger]
            if strangers:
                table = Part(number, stranger=True).table
                connection.execute(_TABLE.format(table))
                _insert(connection, table, strangers)
                numbered = [pair for pair in numbered if not pair[1].stranger]
            if numbered:
                _insert(connection, Part(number).table, numbered)
            self._last += len(chunk)
            start += len(chunk)

    def find(self, connection: sqlite3.Connection, query: AuditQuery) -> list[Found]:
        """The rows of `query`, newest first."""
        found: list[Found] = []
        for number, parts in groupby(reversed(self._seen.parts(connection)), attrgetter("number")):
            limit = query.limit - len(found)
            if limit <= 0:
                break
            if query.before is not None and query.before <= number * self._part_rows + 1:
                continue
            rows = [
                Found(*row)
                for part in parts
                if self._may_hold(connection, part, query)
                for row in connection.execute(*_select(part, query, limit))
            ]
            found.extend(sorted(rows, key=itemgetter(0), reverse=True)[:limit])
        return found

    def scan(self, connection: sqlite3.Connection, after: int, limit: int) -> list[Found]:
        """The first `limit` rows behind the position `after`, oldest first."""
        found: list[Found] = []
        for number, parts in groupby(self._seen.parts(connection), attrgetter("number")):
            if len(found) >= limit:
                break
            if (number + 1) * self._part_rows > after:
                wanted = after, limit - len(found)
                sql = "SELECT id, data FROM {} WHERE id > ? ORDER BY id LIMIT ?"
                rows = [Found(*row) for part in parts for row in connection.execute(sql.format(part.table), wanted)]
                found.extend(sorted(rows, key=itemgetter(0))[: wanted[1]])
        return found

    def maintain(self, connection: sqlite3.Connection, now: float, held: int | None = None) -> bool:
        """Drop one part that is too old, or do one step for one full part. Whether more is waiting.

        Rows of authenticated calls behind the position `held` stay.
        """
        parts = self._written.parts(connection)
        for stranger, rows in ((False, self._retention.rows), (True, self._retention.strangers)):
            kind = [part for part in parts if part.stranger is stranger]
            if len(kind) > 1 and self._expired(connection, kind, rows, now) and not self._is_held(kind[0], held):
                for sql in kind[0].dropped():
                    connection.execute(sql)
                return True
        full = self._last // self._part_rows
        todo = [part for part in parts if part.number < full and not part.indexed]
        if not todo:
            return False
        for sql in todo[0].step():
            connection.execute(sql)
        return True

    def _is_held(self, part: Part, held: int | None) -> bool:
        """Whether a row of `part` is to be kept, though it is past its retention."""
        return held is not None and not part.stranger and (part.number + 1) * self._part_rows > held

    def _expired(self, connection: sqlite3.Connection, parts: Sequence[Part], rows: int, now: float) -> bool:
        """Whether the oldest of `parts`, of one kind, is past its retention: `rows` are behind it, or it is too old."""
        oldest, *later = parts
        positions = self._last - later[0].number * self._part_rows  # where there are fewer, nothing is counted
        if positions >= rows and sum(self._count(connection, part) for part in later) >= rows:
            return True
        return oldest.indexed and self._span(connection, oldest)[1] < now - self._retention.days * DAY

    def _count(self, connection: sqlite3.Connection, part: Part) -> int:
        """The number of rows of a part; that of a full one, which stays what it is, is counted once."""
        known = self._counts.get(part.table)
        if known is None:
            (known,) = connection.execute(f"SELECT count(*) FROM {part.table}").fetchone()  # noqa: S608
            if part.number < self._last // self._part_rows:
                self._counts[part.table] = known
        return int(known)

    def _may_hold(self, connection: sqlite3.Connection, part: Part, query: AuditQuery) -> bool:
        """Whether the instants of `part`, where they can be known, meet those of `query`."""
        if not part.indexed or (query.start is None and query.end is None):
            return True
        first, last = self._span(connection, part)
        return (query.start is None or query.start <= last) and (query.end is None or query.end >= first)

    def _span(self, connection: sqlite3.Connection, part: Part) -> tuple[float, float]:
        """The first and last instant of a full part, which stay what they are: one scan of it, once."""
        known = self._spans.get(part.table)
        if known is None:
            sql = f"SELECT (SELECT min(at) FROM {part.table}), (SELECT max(at) FROM {part.table})"  # noqa: S608
            first, last = connection.execute(sql).fetchone()
            known = self._spans[part.table] = (inf, -inf) if first is None else (float(first), float(last))
        return known


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[tuple[int, AuditRow]]) -> None:
    """Add `rows` with their positions, in one statement."""
    values: Iterable[Any] = chain.from_iterable(_values(position, row) for position, row in rows)
    placeholders = ",".join([_VALUES] * len(rows))
    connection.execute(
        f"INSERT INTO {table} (id, {_COLUMNS}) VALUES {placeholders}",  # noqa: S608 - a name of ours
        tuple(values),
    )


def _values(position: int, row: AuditRow) -> tuple[Any, ...]:
    flags = READ_ONLY * row.read_only | DENIED * row.denied | MANAGEMENT * row.management
    resources = "".join(_item(kind, name) for kind, name in row.resources) if row.resources else ""
    return (position, *row[:9], flags, resources, row.data)


def _item(kind: str, name: str) -> str:
    """A resource in the column `resources`."""
    return f"\x1e{_plain(kind)}\x1f{_plain(name)}\x1e"


def _plain(text: str) -> str:
    """A type or name without what separates them there."""
    return text.translate(_SEPARATORS) if "\x1e" in text or "\x1f" in text else text


def _select(part: Part, query: AuditQuery, limit: int) -> tuple[str, list[Any]]:
    """The statement for one part, which is told which index to use: there are no statistics to guess by."""
    conditions: list[tuple[str, Sequence[Any]]] = []
    if query.before is not None:
        conditions.append(("id < ?", [query.before]))
    if query.field in _RESOURCES:
        conditions.append(_of_resource(part, query, query.field))
    elif query.field is not None:
        conditions.append((f"{query.field.value} = ?", [query.value]))
    for column, operator, value in (
        ("account", "=", query.account),
        ("at", ">=", query.start),
        ("at", "<=", query.end),
    ):
        if value is not None:
            conditions.append((f"{column} {operator} ?", [value]))
    fixed = [
        f"flags & {bit} = {bit if wanted else 0}"
        for bit, wanted in ((READ_ONLY, query.read_only), (DENIED, query.denied), (MANAGEMENT, query.management))
        if wanted is not None
    ]
    where = " AND ".join([*(text for text, _ in conditions), *fixed]) or "1"
    name = _index_for(query)
    index = f" INDEXED BY {part.table}_{name}" if name in part.indexes else ""
    sql = f"SELECT id, data FROM {part.table}{index} WHERE {where} ORDER BY id DESC LIMIT ?"  # noqa: S608 - no input in it
    return sql, [*(value for _, values in conditions for value in values), limit]


def _of_resource(part: Part, query: AuditQuery, field: Field) -> tuple[str, Sequence[Any]]:
    """The condition for a resource, in the list of the part where it has one."""
    value = _plain(query.value)
    if field.value not in part.indexes:
        return "instr(resources, ?)", [_RESOURCES[field].format(value)]
    of_account = "" if query.account is None else " AND account = ?"
    given = [value] if query.account is None else [value, query.account]
    return f"id IN (SELECT id FROM {part.table}_{field.value} WHERE value = ?{of_account})", given  # noqa: S608 - names of ours


def _index_for(query: AuditQuery) -> str:
    """The name of the most selective index that `query` can use; or none."""
    if query.field is not None:
        managed = query.field is not Field.EVENT_SOURCE or query.management is True
        return query.field.value if query.field.value in INDEXES and managed else ""
    if query.denied:
        return "denials"
    if query.read_only is False:
        return "writes"
    return "managed" if query.management and query.account is not None else ""
