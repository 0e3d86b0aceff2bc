"""A copy of a journal's file while it may be written to (sqlite.org/backup.html), and the check of one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from locum.core.errors import StorageError


def copy_journal(journal: Path, target: Path) -> None:
    """Write the journal as it is at one moment to the new file `target` (mode 0600). Raises StorageError."""
    target.touch(mode=0o600, exist_ok=False)
    try:
        with (
            closing(sqlite3.connect(f"file:{quote(str(journal))}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)
    except sqlite3.Error as error:
        raise StorageError(f"{journal} cannot be copied to {target}: {error}") from error


def check_file(journal: Path) -> None:
    """Have SQLite read all of a file that nobody uses. Raises StorageError where something in it is wrong."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(journal))}?mode=ro", uri=True)) as connection:
            (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise StorageError(f"{journal} cannot be read: {error}") from error
    if found != "ok":
        raise StorageError(f"{journal} is damaged: {found}")
