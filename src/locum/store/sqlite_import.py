"""An import into the SQLite file of a new journal, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from locum.core.clock import Entropy, system_entropy
from locum.core.errors import ConfigurationError
from locum.store.directory import DataDirectory
from locum.store.former_table import FormerTable
from locum.store.importing import Beginning
from locum.store.journal import AuditRow, Entry, Former, Retention, Used
from locum.store.sqlite import FILE
from locum.store.sqlite_file import connect, last_sequence, prepare, reported, transaction
from locum.store.trail import Trail
from locum.store.usage import UsageTable

_PATIENCE: Final = 5.0
_ENTRY: Final = "INSERT INTO entry (sequence, at, events, format, call) VALUES (?, ?, ?, ?, nullif(?, ''))"
_USE: Final = "INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?)"
_PART: Final = "INSERT INTO checkpoint (sequence, part, data) VALUES (?, ?, ?)"


class SqliteImporter:
    """A data directory for a journal (`Importer`)."""

    def __init__(self, path: Path, entropy: Entropy = system_entropy) -> None:
        self._path = path
        self._entropy = entropy

    @contextmanager
    def importing(self, beginning: Beginning) -> Iterator[SqliteImport]:
        """See the port."""
        directory = DataDirectory.claim(self._path)
        try:
            file = directory.create(FILE)
            with reported(file):
                connection = connect(file, _PATIENCE)
                try:
                    prepare(connection, file, self._entropy)
                    found = SqliteImport(connection)
                    with transaction(connection, "BEGIN IMMEDIATE"):
                        found.begin(beginning, file)
                        yield found
                finally:
                    connection.close()
        finally:
            directory.release()


class SqliteImport:
    """An import (`Import`) by a connection with an open transaction."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._former = FormerTable(connection, Retention())
        self._trail = Trail(connection, Retention())
        UsageTable(connection)

    def begin(self, beginning: Beginning, file: Path) -> None:
        """Give the file its identity. Raises ConfigurationError where there is something in it."""
        if last_sequence(self._connection) or self._trail.last:
            raise ConfigurationError(f"{file} has a journal with something in it: name a new directory")
        sql = "UPDATE meta SET value = ? WHERE key = 'installation'"
        self._connection.execute(sql, (beginning.installation,))
        if beginning.remembered:
            self._former.remember(self._connection, beginning.remembered)

    def entries(self, entries: Sequence[Entry]) -> None:
        """See the port."""
        self._connection.executemany(_ENTRY, [entry[:-1] for entry in entries])

    def checkpoint(self, sequence: int, parts: Iterable[bytes]) -> None:
        """See the port."""
        rows = ((sequence, number, data) for number, data in enumerate(_after_none(parts)))
        self._connection.executemany(_PART, rows)

    def rows(self, rows: Sequence[tuple[int, AuditRow]]) -> None:
        """See the port."""
        for _, run in groupby(enumerate(rows), lambda pair: pair[1][0] - pair[0]):
            found = [numbered for _, numbered in run]
            self._trail.insert_at(self._connection, found[0][0], [row for _, row in found])

    def uses(self, uses: Sequence[Used]) -> None:
        """See the port."""
        self._connection.executemany(_USE, uses)

    def former(self, former: Sequence[Former]) -> None:
        """See the port."""
        entries = [Entry(it.sequence, it.at, b"", former=it.events) for it in former]
        self._former.insert(self._connection, entries)


def _after_none(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Part 0 of a checkpoint is empty."""
    yield b""
    yield from parts
