"""The journal on SQLite: one file in a data directory that this process alone holds.

WAL mode, so that history is read beside the writer. synchronous=FULL wherever an answer depends on it:
sqlite.org/wal.html, "Performance Considerations": in WAL mode, FULL syncs the log with each commit.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any, Final

from locum.core.clock import Entropy, system_entropy
from locum.core.errors import StorageError
from locum.store.directory import DataDirectory
from locum.store.journal import (
    AuditQuery,
    AuditRow,
    Entry,
    Found,
    Retention,
    SequenceConflict,
    Used,
    check_follows,
)
from locum.store.trail import Trail
from locum.store.usage import UsageTable

FILE: Final = "locum.db"
STORE_FORMAT: Final = 1
"""The format of the file: raised when an older Locum could no longer use it."""

_APPLICATION_ID: Final = 0x4C6F636D
"""`Locm`, in the header of the file (sqlite.org/pragma.html, application_id)."""

_SETTINGS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA secure_delete = OFF",  # what is secret is sealed before it comes here
    "PRAGMA wal_autocheckpoint = 4000",
    "PRAGMA temp_store = MEMORY",
)
_SCHEMA: Final = (
    f"PRAGMA application_id = {_APPLICATION_ID}",
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE entry (sequence INTEGER PRIMARY KEY, at REAL, format INTEGER NOT NULL, events BLOB NOT NULL)",
    "CREATE TABLE checkpoint (sequence INTEGER, part INTEGER, data BLOB NOT NULL, PRIMARY KEY (sequence, part))",
)


class SqliteJournal:
    """See `Journal`. Closing it also releases the data directory."""

    def __init__(self, directory: DataDirectory, retention: Retention, entropy: Entropy) -> None:
        self._directory = directory
        self._path = directory.create(FILE)
        self._lock = Lock()
        with _reported(self._path):
            self._writer = _connect(self._path)
            try:
                self.installation = _prepare(self._writer, self._path, entropy)
                self._trail = Trail(self._writer, retention)
                self._usage = UsageTable(self._writer)
                self._last = _last_sequence(self._writer)
                self._reader = _connect(self._path)
            except BaseException:
                self._writer.close()
                raise
        self._full = True

    @classmethod
    def open(
        cls,
        path: Path,
        retention: Retention = Retention(),  # noqa: B008 - frozen
        entropy: Entropy = system_entropy,
    ) -> SqliteJournal:
        """The journal in the data directory `path`, made where there is none.

        Raises StorageError where the directory is in use, not ours, damaged or of a newer format.
        """
        directory = DataDirectory.claim(path)
        try:
            return cls(directory, retention, entropy)
        except BaseException:
            directory.release()
            raise

    @property
    def directory(self) -> DataDirectory:
        """The data directory, held until `close`."""
        return self._directory

    def append(self, batch: Sequence[Entry], audit: Sequence[AuditRow], expected: int) -> None:
        check_follows(batch, expected)
        if self._last != expected:
            raise SequenceConflict(f"the last entry is {self._last}, not {expected}")
        with self._transaction(full=True):
            self._writer.executemany(
                "INSERT INTO entry (sequence, at, events, format) VALUES (?, ?, ?, ?)",
                [tuple(entry) for entry in batch],
            )
            position = self._trail.insert(self._writer, audit)
            self._usage.note(self._writer, audit)
        self._last = expected + len(batch)
        self._trail.stored(position)

    def record(self, rows: Sequence[AuditRow]) -> None:
        with self._transaction(full=False):
            position = self._trail.insert(self._writer, rows)
            self._usage.note(self._writer, rows)
        self._trail.stored(position)

    def last(self) -> int:
        return self._last

    def read(self, after: int) -> Iterator[Entry]:
        with _reported(self._path):
            rows = self._writer.execute(
                "SELECT sequence, at, events, format FROM entry WHERE sequence > ? ORDER BY sequence", (after,)
            )
            expected = after
            for row in rows:
                entry = Entry(*row)
                expected += 1
                if entry.sequence != expected:
                    raise StorageError(f"{self._path}: journal entry {expected} is missing")
                yield entry
        if expected < self._last:
            raise StorageError(f"{self._path}: journal entry {expected + 1} is missing")

    def save_checkpoint(self, sequence: int, parts: Iterable[bytes], keep: int = 0) -> None:
        with self._transaction(full=True):
            self._writer.execute("DELETE FROM checkpoint")
            self._writer.executemany(
                "INSERT INTO checkpoint (sequence, part, data) VALUES (?, ?, ?)",
                [(sequence, number, data) for number, data in enumerate([b"", *parts])],
            )
            self._writer.execute("DELETE FROM entry WHERE sequence <= ?", (sequence - keep,))

    def checkpoint(self) -> tuple[int, Iterator[bytes]] | None:
        """Part 0 is empty and only says that there is a checkpoint: an empty state has no other part."""
        with _reported(self._path):
            row = self._writer.execute("SELECT max(sequence) FROM checkpoint").fetchone()
        return None if row[0] is None else (row[0], self._checkpoint_parts(row[0]))

    def find(self, query: AuditQuery) -> list[Found]:
        with self._lock, _reported(self._path):
            return self._trail.find(self._reader, query)

    def uses(self, account: str, principal: str | None = None) -> list[Used]:
        with self._lock, _reported(self._path):
            return self._usage.find(self._reader, account, principal)

    def maintain(self, now: float) -> bool:
        with self._lock, _reported(self._path):
            self._usage.forget(self._writer, now)
            return self._trail.maintain(self._writer, now)

    def close(self) -> None:
        with self._lock:
            with suppress(StorageError), self._transaction(full=False):  # not where it is closed already, or failing
                self._usage.settle(self._writer)
            self._reader.close()
            self._writer.close()
        self._directory.release()

    def _checkpoint_parts(self, sequence: int) -> Iterator[bytes]:
        with _reported(self._path):
            select = "SELECT data FROM checkpoint WHERE sequence = ? AND part > 0 ORDER BY part"
            for (data,) in self._writer.execute(select, (sequence,)):
                yield data

    @contextmanager
    def _transaction(self, *, full: bool) -> Iterator[None]:
        """All or nothing; on the disk itself where `full`. sqlite.org/pragma.html#pragma_synchronous."""
        with _reported(self._path):
            if full != self._full:
                self._writer.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")
                self._full = full
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._writer.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._writer.execute("ROLLBACK")
                raise


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StorageError(f"{path} cannot be used: {error}") from error
    except sqlite3.Error as error:
        raise StorageError(f"{path} is damaged or not Locum's ({error}); restore it, or use another --data") from error


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=32)
    try:
        for setting in _SETTINGS:
            connection.execute(setting)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, entropy: Entropy) -> str:
    """Make the tables of a new file, or check those of an old one. Answers the installation's id."""
    if _value(connection, "SELECT count(*) FROM sqlite_master") == 0:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA:
            connection.execute(statement)
        installation = str(uuid.UUID(bytes=entropy(16), version=4))
        meta = [("format", str(STORE_FORMAT)), ("installation", installation)]
        connection.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", meta)
        connection.execute("COMMIT")
        return installation
    if _value(connection, "PRAGMA application_id") != _APPLICATION_ID:
        raise StorageError(f"{path} is another program's database; use another --data")
    known: dict[str, str] = dict(connection.execute("SELECT key, value FROM meta"))
    try:
        stored, installation = int(known["format"]), known["installation"]
    except (KeyError, ValueError) as error:
        raise StorageError(
            f"{path} is damaged: it does not say its format; restore it, or use another --data"
        ) from error
    if stored > STORE_FORMAT:
        raise StorageError(
            f"{path} was written by a newer Locum (format {stored}, this one reads up to {STORE_FORMAT}); "
            "use that version or newer, or another --data"
        )
    return installation


def _last_sequence(connection: sqlite3.Connection) -> int:
    """The newest entry may have been compacted away: then the checkpoint says."""
    newest = "SELECT coalesce(max(sequence), 0) FROM "
    return max(int(_value(connection, newest + table)) for table in ("entry", "checkpoint"))


def _value(connection: sqlite3.Connection, sql: str) -> Any:
    return connection.execute(sql).fetchone()[0]
