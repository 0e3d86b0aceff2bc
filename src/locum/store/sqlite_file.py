"""The SQLite file of a journal: its settings, its schema, its errors as ours.

WAL mode, so that history is read beside the writer. synchronous=FULL wherever an answer depends on it:
sqlite.org/wal.html, "Performance Considerations": in WAL mode, FULL syncs the log with each commit.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from locum.core.clock import Entropy
from locum.core.errors import PassingStorageError, StorageError

STORE_FORMAT: Final = 1
"""The format of the file: raised when an older Locum could no longer use it."""

_APPLICATION_ID: Final = 0x4C6F636D
"""`Locm`, in the header of the file (sqlite.org/pragma.html, application_id)."""

_HELD: Final = "held"
"""The key of a position in the table `meta`."""

_SETTINGS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
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
_IDS: Final = (
    "ALTER TABLE entry ADD COLUMN batch TEXT",
    "ALTER TABLE entry ADD COLUMN call TEXT",
    "CREATE UNIQUE INDEX entry_call ON entry (call) WHERE call IS NOT NULL",
)
"""The ids that a batch and a call are known by, in a file that was made without them."""

_PASSING: Final = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM}
)
"""sqlite.org/rescode.html: primary codes after which the same statement may succeed. An I/O error is none of them:
after a failed fsync(2) nobody knows what the disk has."""


class FileChanges:
    """The last sequence number of a file, looked at from a connection of its own: cheap while nothing is written."""

    def __init__(self, path: Path, patience: float) -> None:
        self._path = path
        self._connection = connect(path, patience)
        self._version = -1
        self._last = 0

    def last(self) -> int:
        """The last sequence number. sqlite.org/pragma.html#pragma_data_version tells whether to look for it."""
        with reported(self._path):
            version = value(self._connection, "PRAGMA data_version")
            if version != self._version:
                self._last = last_sequence(self._connection)
                self._version = version
        return self._last

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


@contextmanager
def reported(path: Path) -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _PASSING:
            raise PassingStorageError(f"{path} cannot be used at the moment: {error}") from error
        if isinstance(error, sqlite3.OperationalError):
            raise StorageError(f"{path} cannot be used: {error}") from error
        raise StorageError(f"{path} is damaged or not Locum's ({error}); restore it, or use another --data") from error


@contextmanager
def transaction(connection: sqlite3.Connection, begin: str = "BEGIN") -> Iterator[None]:
    """All or nothing; what is read in it is of one instant."""
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def connect(path: Path, patience: float) -> sqlite3.Connection:
    """A connection that waits for a lock for `patience` seconds."""
    connection = sqlite3.connect(
        path, timeout=patience, isolation_level=None, check_same_thread=False, cached_statements=64
    )
    try:
        for setting in _SETTINGS:
            connection.execute(setting)
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(connection: sqlite3.Connection, path: Path, entropy: Entropy) -> str:
    """Make the tables of a new file, or check those of an old one. Answers the installation's id."""
    if value(connection, "SELECT count(*) FROM sqlite_master") == 0:
        installation = str(uuid.UUID(bytes=entropy(16), version=4))
        meta = [("format", str(STORE_FORMAT)), ("installation", installation)]
        with transaction(connection, "BEGIN IMMEDIATE"):
            for statement in (*_SCHEMA, *_IDS):
                connection.execute(statement)
            connection.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", meta)
        return installation
    if value(connection, "PRAGMA application_id") != _APPLICATION_ID:
        raise StorageError(f"{path} is another program's database; use another --data")
    installation = _checked(dict(connection.execute("SELECT key, value FROM meta")), path)
    if not value(connection, "SELECT count(*) FROM pragma_table_info('entry') WHERE name = 'call'"):
        with transaction(connection, "BEGIN IMMEDIATE"):
            for statement in _IDS:
                connection.execute(statement)
    return installation


def _checked(known: dict[str, str], path: Path) -> str:
    """The installation's id, in a file whose format is one of ours."""
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


def last_sequence(connection: sqlite3.Connection) -> int:
    """The sequence number of the last entry. It may have been compacted away: then the checkpoint says."""
    newest = "SELECT coalesce(max(sequence), 0) FROM "
    return max(int(value(connection, newest + table)) for table in ("entry", "checkpoint"))


def held(connection: sqlite3.Connection) -> int | None:
    """The position behind which audit rows are kept, or None."""
    found = connection.execute("SELECT value FROM meta WHERE key = ?", (_HELD,)).fetchone()
    return None if found is None else int(found[0])


def set_held(connection: sqlite3.Connection, after: int | None) -> None:
    """Keep audit rows behind a position; None: none of them."""
    connection.execute("DELETE FROM meta WHERE key = ?", (_HELD,))
    if after is not None:
        connection.execute("INSERT INTO meta (key, value) VALUES (?, ?)", (_HELD, str(after)))


def value(connection: sqlite3.Connection, sql: str) -> Any:
    """The one value that `sql` answers."""
    return connection.execute(sql).fetchone()[0]
