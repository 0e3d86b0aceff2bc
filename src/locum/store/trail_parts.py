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

_KINDS: Final = ("trail", "strangers")


@dataclass(frozen=True, slots=True)
class Part:
    """One table, and the indexes built so far. `stranger`: it has the rows of unauthenticated calls."""

    number: int
    indexes: frozenset[str] = frozenset()
    stranger: bool = False

    @property
    def table(self) -> str:
        """The name of the table."""
        return f"{_KINDS[self.stranger]}_{self.number}"

    @property
    def indexed(self) -> bool:
        """Whether all indexes are built."""
        return len(self.indexes) == len(INDEXES)


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
    sql = "SELECT type, name FROM sqlite_master WHERE name GLOB ? OR name GLOB ?"
    for sort, name in connection.execute(sql, [f"{kind}_[0-9]*" for kind in _KINDS]):
        kind, number, *index = name.split("_", 2)
        known = indexes.setdefault((int(number), kind == _KINDS[True]), set())
        if sort == "index":
            known.update(index)
    return tuple(Part(number, frozenset(indexes[number, stranger]), stranger) for number, stranger in sorted(indexes))
