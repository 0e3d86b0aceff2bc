"""The event history in SQLite: append quickly, find by anything, forget in time.

Facts that shaped it:
- Rows come in batches, ten thousand a second at best, from a process that needs its interpreter for other
  things. sqlite3 lets the interpreter go at each step of a statement and has to wait to get it back, so a
  batch is one statement, not one a row.
- An index on a random id makes each insert dirty a page of its own. So rows go into parts of PART_ROWS,
  numbered by position, which have no index while they are filled (a part is scanned in milliseconds) and
  get theirs, one at a time, once they are full and there is a pause: a bulk build costs a tenth.
- What is too old goes part by part: dropping a table is cheap, deleting rows from nine indexes is not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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
    """One table. `indexes` are those built so far; `span` is its first and last instant, once it is indexed."""

    number: int
    indexes: frozenset[str] = field(default_factory=frozenset)
    span: tuple[float, float] | None = None

    @property
    def table(self) -> str:
        return f"trail_{self.number}"

    @property
    def indexed(self) -> bool:
        return len(self.indexes) == len(_INDEXES)


class Trail:
    """The event history of one SQLite file. Positions are dense and start at 1.

    `insert`, `stored` and `maintain` belong to the writing thread, `find` to whoever holds `connection` alone.
    """

    def __init__(self, connection: sqlite3.Connection, retention: Retention, part_rows: int = PART_ROWS) -> None:
        self._retention = retention
        self._part_rows = part_rows
        self._parts = _parts(connection)
        self._last = _last_position(connection, self._parts, part_rows)

    def insert(self, connection: sqlite3.Connection, rows: Sequence[AuditRow]) -> int:
        """Add `rows` inside the open transaction. After the commit, `stored` is to be told what this answers."""
        position, start = self._last, 0
        while start < len(rows):
            number, used = divmod(position, self._part_rows)
            chunk = rows[start : start + min(_STATEMENT_ROWS, self._part_rows - used)]
            if used == 0:
                connection.execute(f"CREATE TABLE trail_{number} (id INTEGER PRIMARY KEY, {_COLUMNS})")
            values = chain.from_iterable(_values(position + i, row) for i, row in enumerate(chunk, 1))
            placeholders = ",".join([_VALUES] * len(chunk))
            connection.execute(
                f"INSERT INTO trail_{number} (id, {_COLUMNS}) VALUES {placeholders}",  # noqa: S608 - a number of ours
                tuple(values),
            )
            position += len(chunk)
            start += len(chunk)
        return position

    def stored(self, last: int) -> None:
        """The rows up to `last` are committed."""
        self._last = last
        newest = self._parts[-1].number if self._parts else -1
        fresh = range(newest + 1, (last - 1) // self._part_rows + 1) if last else ()
        if fresh:
            self._parts = (*self._parts, *map(_Part, fresh))

    def find(self, connection: sqlite3.Connection, query: AuditQuery) -> list[Found]:
        """What `query` asks for, newest first."""
        found: list[Found] = []
        for part in reversed(self._parts):
            if len(found) >= query.limit:
                break
            too_new = query.before is not None and query.before <= part.number * self._part_rows + 1
            if too_new or not _may_hold(part, query):
                continue
            sql, values = _select(part, query, query.limit - len(found))
            found.extend(Found(*row) for row in connection.execute(sql, values))
        return found

    def maintain(self, connection: sqlite3.Connection, now: float) -> bool:
        """Drop one part that is too old, or build one index of one full part. Whether more is waiting."""
        if self._expired(now):
            oldest, *rest = self._parts
            self._parts = tuple(rest)
            connection.execute(f"DROP TABLE {oldest.table}")
            return True
        full = self._last // self._part_rows
        todo = [(i, part) for i, part in enumerate(self._parts) if part.number < full and not part.indexed]
        if not todo:
            return self._expired(now)
        place, part = todo[0]
        name = next(name for name in _INDEXES if name not in part.indexes)
        connection.execute(f"CREATE INDEX {part.table}_{name} ON {part.table} {_INDEXES[name]}")
        grown = replace(part, indexes=part.indexes | {name})
        grown = replace(grown, span=_span(connection, grown)) if grown.indexed else grown
        self._parts = (*self._parts[:place], grown, *self._parts[place + 1 :])
        return not grown.indexed or len(todo) > 1

    def _expired(self, now: float) -> bool:
        if len(self._parts) < 2:
            return False
        oldest, following = self._parts[:2]
        beyond = self._last - following.number * self._part_rows >= self._retention.rows
        return beyond or (oldest.span is not None and oldest.span[1] < now - self._retention.days * DAY)


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
    parts = (_Part(number, frozenset(indexes[number])) for number in sorted(indexes))
    return tuple(replace(part, span=_span(connection, part)) if part.indexed else part for part in parts)


def _last_position(connection: sqlite3.Connection, parts: tuple[_Part, ...], part_rows: int) -> int:
    if not parts:
        return 0
    newest = parts[-1]
    (last,) = connection.execute(f"SELECT max(id) FROM {newest.table}").fetchone()  # noqa: S608 - a number of ours
    return int(last) if last is not None else newest.number * part_rows


def _span(connection: sqlite3.Connection, part: _Part) -> tuple[float, float]:
    """The first and last instant of a full part: one scan of it."""
    bounds = f"SELECT (SELECT min(at) FROM {part.table}), (SELECT max(at) FROM {part.table})"  # noqa: S608 - a number of ours
    first, last = connection.execute(bounds).fetchone()
    return float(first), float(last)


def _may_hold(part: _Part, query: AuditQuery) -> bool:
    """Whether the instants of `part`, once they are known, meet those of `query`."""
    if part.span is None:
        return True
    first, last = part.span
    return (query.start is None or query.start <= last) and (query.end is None or query.end >= first)


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
