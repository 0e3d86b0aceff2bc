"""The tables that the event history is kept in, as the schema of an SQLite file has them.

Which parts there are, and with which indexes, is what the schema says; `PRAGMA schema_version` tells each connection
when to read it again, whoever changed it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from locum.store.journal import Field

INDEXES: Final = {
    Field.EVENT_ID.value: "(event_id)",
    Field.REQUEST_ID.value: "(request_id)",
    Field.EVENT_NAME.value: "(event_name, account)",
    Field.EVENT_SOURCE.value: "(event_source, account) WHERE flags & 4 = 4",
    Field.USERNAME.value: "(username, account)",
    Field.ACCESS_KEY_ID.value: "(access_key_id)",
    Field.PRINCIPAL.value: "(principal)",
    "managed": "(account) WHERE flags & 4 = 4",
    "writes": "(account) WHERE flags & 1 = 0",
    "denials": "(account) WHERE flags & 2 = 2",
}
"""What an explanation or a client looks for. Whoever looks events up asks for those of an account, and for management
events: there may be few of them in parts full of others, of which nobody wants to read all."""

LISTS: Final = {
    Field.RESOURCE_NAME.value: "CAST(substr(item, instr(item, x'1f') + 1) AS TEXT)",
    Field.RESOURCE_TYPE.value: "CAST(substr(item, 1, instr(item, x'1f') - 1) AS TEXT)",
}
"""Tables of what rows have several of, and how it is taken from an item of the column `resources`."""

STEPS: Final = (*INDEXES, *LISTS)
"""What a full part gets, one at a time."""

_FORMER: Final = "resources"
"""An index that parts had before there were lists."""

_ITEMS: Final = """
WITH RECURSIVE items (id, account, item, rest) AS (
    SELECT id, account, x'', CAST(resources AS BLOB) FROM {table} WHERE resources <> ''
    UNION ALL
    SELECT id, account, substr(rest, 2, instr(substr(rest, 2), x'1e') - 1),
           substr(rest, instr(substr(rest, 2), x'1e') + 2)
    FROM items WHERE rest <> x''
)
"""
"""The items of the column `resources`, each between two record separators: a type, a unit separator and a name.

They are taken apart as bytes: of text, substr() ends at the first NUL, and what is behind it would be lost.
"""

_KINDS: Final = ("trail", "strangers")


@dataclass(frozen=True, slots=True)
class Part:
    """One table, and the steps done so far. `stranger`: it has the rows of unauthenticated calls."""

    number: int
    indexes: frozenset[str] = frozenset()
    stranger: bool = False

    @property
    def table(self) -> str:
        """The name of the table."""
        return f"{_KINDS[self.stranger]}_{self.number}"

    @property
    def indexed(self) -> bool:
        """Whether all indexes and lists are built."""
        return self.indexes.issuperset(STEPS)

    def step(self) -> list[str]:
        """The statements of the next step that is not done."""
        name = next(name for name in STEPS if name not in self.indexes)
        made = f"{self.table}_{name}"
        if name in INDEXES:
            return [f"CREATE INDEX {made} ON {self.table} {INDEXES[name]}"]
        items = _ITEMS.format(table=self.table)
        columns = "value TEXT, account TEXT, id INTEGER, PRIMARY KEY (value, account, id)"
        chosen = f"SELECT DISTINCT {LISTS[name]}, account, id FROM items WHERE item <> x'' ORDER BY 1, 2, 3"  # noqa: S608 - names of ours
        return [
            f"DROP INDEX IF EXISTS {self.table}_{_FORMER}",
            f"CREATE TABLE {made} ({columns}) WITHOUT ROWID",
            f"INSERT INTO {made} {items} {chosen}",
        ]

    def dropped(self) -> list[str]:
        """The statements that drop it."""
        lists = [f"{self.table}_{name}" for name in LISTS if name in self.indexes]
        return [f"DROP TABLE {table}" for table in (*lists, self.table)]


class Catalogue:
    """The parts of the file as one connection sees them, oldest first."""

    def __init__(self) -> None:
        self._version = -1
        self._parts: tuple[Part, ...] = ()

    def parts(self, connection: sqlite3.Connection) -> tuple[Part, ...]:
        """To be asked first in a transaction, and believed to its end."""
        (version,) = connection.execute("PRAGMA schema_version").fetchone()
        if version != self._version:
            self._parts = _parts(connection)
            self._version = version
        return self._parts


def last_position(connection: sqlite3.Connection, parts: Sequence[Part], part_rows: int) -> int:
    """The last position that a row has, 0 where there is none."""
    if not parts:
        return 0
    newest = parts[-1].number
    found = [
        connection.execute(f"SELECT max(id) FROM {part.table}").fetchone()[0]  # noqa: S608 - a name of ours
        for part in parts
        if part.number == newest
    ]
    return max((int(last) for last in found if last is not None), default=newest * part_rows)


def _parts(connection: sqlite3.Connection) -> tuple[Part, ...]:
    """The parts as the schema has them, oldest first."""
    indexes: dict[tuple[int, bool], set[str]] = {}
    sql = "SELECT name FROM sqlite_master WHERE name GLOB ? OR name GLOB ?"
    for (name,) in connection.execute(sql, [f"{kind}_[0-9]*" for kind in _KINDS]):
        kind, number, *index = name.split("_", 2)
        indexes.setdefault((int(number), kind == _KINDS[True]), set()).update(index)
    return tuple(Part(number, frozenset(indexes[number, stranger]), stranger) for number, stranger in sorted(indexes))
