"""A journal is moved between a data directory and a database, with the files that belong to the installation.

The directory is that of a node: what is the node's own stays in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from locum.cli.home import KEYRING_FILE
from locum.cli.membership import DUTIES
from locum.cli.moving import Content, move
from locum.cli.node_directory import COPIED
from locum.cli.storage import DirectoryFiles, checked_database
from locum.cli.wrapped_keyring import shared_keyring, wrapping_of
from locum.core.clock import system_entropy
from locum.core.errors import ConfigurationError
from locum.credentials import KeyRing, clusterkeys, identitykeys, read_keyring, write_keyring
from locum.credentials.files import ENVIRONMENT_VARIABLE
from locum.store import DataDirectory, SqliteJournal
from locum.store.installation_files import InstallationFiles
from locum.store.sqlite import FILE
from locum.store.sqlite_import import SqliteImporter

if TYPE_CHECKING:
    from locum.store.postgres import PostgresJournal

_SEALED_FILES: Final = (clusterkeys.KEY_FILE, identitykeys.KEY_FILE)
"""Sealed under the key ring in both places. (The authority of TLS is taken from the directory by its first node.)"""


def to_database(data: Path, url: str, key_command: str | None) -> Content:
    """Copy what is in the directory to a database, of which it becomes a node's. Raises LocumError.

    The journal of the directory is put aside then: a plane that went on with it would use the same numbers.
    """
    if not (data / FILE).is_file():
        copied = f": {COPIED} was copied to a database already" if (data / COPIED).is_file() else ""
        raise ConfigurationError(f"there is no journal in {data}{copied}")
    ring = _ring_of(data)
    place = checked_database(url)
    with closing(SqliteJournal.open(data)) as source:
        with _opened(place) as journal:
            _check_same_ring(journal.files, ring, data, key_command)
            _copy_files(DirectoryFiles(data), journal.files)
        from locum.store.postgres.importing import PostgresImporter

        told = move(source, PostgresImporter(place), lambda: _journal(place))
    (data / FILE).rename(data / COPIED)
    return told


def to_directory(data: Path, url: str, key_command: str | None) -> Content:
    """Copy what is in a database to a directory, which is a node's or new. Raises LocumError."""
    place = checked_database(url)
    DataDirectory.claim(data).release()
    if (data / FILE).exists():
        raise ConfigurationError(f"{data} has a journal already: name another directory, or move {FILE} away")
    with _opened(place) as source:
        if node := source.leases.holder(DUTIES):
            raise ConfigurationError(f"a node is running on the database ({node.partition(' ')[0]}): stop all of them")
        ring = shared_keyring(source.files, wrapping_of(key_command), data, system_entropy, os.environ)
        present = read_keyring(data / KEYRING_FILE, {})
        if present is not None and present.dump() != ring.dump():
            raise ConfigurationError(f"{data / KEYRING_FILE} is another installation's: name another directory")
        write_keyring(data / KEYRING_FILE, ring)  # before the journal, which is nothing without it
        _copy_files(source.files, DirectoryFiles(data))
        return _moved(source, data)


def _moved(source: PostgresJournal, data: Path) -> Content:
    """Move a journal to a directory that has none, and has none where that fails."""
    try:
        return move(source, SqliteImporter(data), lambda: SqliteJournal.open(data))
    except BaseException:
        for suffix in ("", "-wal", "-shm"):
            (data / f"{FILE}{suffix}").unlink(missing_ok=True)
        raise


def _ring_of(data: Path) -> KeyRing:
    found = read_keyring(data / KEYRING_FILE, os.environ)
    if found is None:
        raise ConfigurationError(f"{data} has no key ring: what is in its journal is sealed under it")
    return found


def _check_same_ring(files: InstallationFiles, ring: KeyRing, data: Path, key_command: str | None) -> None:
    """Have the database hold the key ring, wrapped. Raises ConfigurationError where it has another one."""
    kept = shared_keyring(
        files, wrapping_of(key_command), data, system_entropy, {**os.environ, ENVIRONMENT_VARIABLE: ""}, ring
    )
    if kept.dump() != ring.dump():
        raise ConfigurationError("the database has the key ring of another installation: name a new one")


def _copy_files(source: InstallationFiles, target: InstallationFiles) -> None:
    """Before the journal: an installation that made new ones would not know its own signatures."""
    for name in _SEALED_FILES:
        content = source.read(name)
        if content is not None:
            target.write(name, content)


def _journal(place: str) -> PostgresJournal:
    from locum.store.postgres import PostgresJournal

    return PostgresJournal.open(place)


@contextmanager
def _opened(place: str) -> Iterator[PostgresJournal]:
    with closing(_journal(place)) as journal:
        yield journal
