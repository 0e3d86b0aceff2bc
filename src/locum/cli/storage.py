"""The storage of a node: its data directory, and the journal and the files of the installation that it is a node of.

By default all of it is in the data directory, and the node is the only one. With `--journal` the journal and what
belongs to the installation are in a database, for any number of nodes; the directory has what is the node's own.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from locum.cli.archiving import settle_held
from locum.cli.home import KEYRING_FILE
from locum.cli.node_directory import NODE_FILE, check_nodes, check_own
from locum.cli.options import Options
from locum.cli.wrapped_keyring import shared_keyring, wrapping_of
from locum.core.clock import Entropy
from locum.core.errors import ConfigurationError
from locum.core.extras import adding, installed
from locum.credentials import KeyRing, create_keyring
from locum.credentials.files import ENVIRONMENT_VARIABLE, create_private, write_private
from locum.store import DataDirectory, Journal, Retention, SqliteJournal
from locum.store.installation_files import InstallationFiles
from locum.store.leases import Leases


@dataclass(frozen=True, slots=True)
class Storage:
    """What a node stores in. `leases` and a name of the `node` are there where it is one of several.

    `own` is the name that the node has where none is given, and that no other directory has.
    """

    directory: DataDirectory
    journal: Journal
    files: InstallationFiles
    keyring: KeyRing
    leases: Leases | None = None
    node: str = ""
    own: str = ""

    def close(self) -> None:
        """Release everything. Idempotent."""
        self.journal.close()
        self.directory.release()


class DirectoryFiles:
    """`InstallationFiles` in a data directory, mode 0600."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes | None:
        path = self._folder / name
        return create_private(path, bytes) if path.exists() else None

    def create(self, name: str, content: Callable[[], bytes]) -> bytes:
        return create_private(self._folder / name, content)

    def write(self, name: str, data: bytes) -> None:
        write_private(self._folder / name, data)


def open_storage(options: Options, entropy: Entropy) -> Storage:
    """Open what `options` name. Raises ConfigurationError, StorageError."""
    opened = _database(options, entropy) if options.journal else _directory(options, entropy)
    settle_held(options, opened.journal)
    return opened


def _directory(options: Options, entropy: Entropy) -> Storage:
    check_own(options.data)
    retention = Retention(rows=options.history_events)
    shared = options.workers > 1
    journal = SqliteJournal.open(options.data, retention, entropy, shared=shared, durable=options.durable)
    with ExitStack() as undone:
        undone.callback(journal.close)
        keyring = create_keyring(options.data / KEYRING_FILE, entropy, os.environ)
        undone.pop_all()
    return Storage(journal.directory, journal, DirectoryFiles(options.data), keyring)


def _database(options: Options, entropy: Entropy) -> Storage:
    assert options.journal is not None
    conninfo = checked_database(options.journal)
    from locum.store.postgres import PostgresJournal  # late: psycopg is an extra

    check_nodes(options.data)
    wrapping = wrapping_of(options.key_command)
    with ExitStack() as undone:
        directory = DataDirectory.claim(options.data, shared=options.workers > 1, durable=options.durable)
        undone.callback(directory.release)
        journal = PostgresJournal.open(conninfo, Retention(rows=options.history_events), entropy)
        undone.callback(journal.close)
        _check_ring(journal, journal.files)
        keyring = shared_keyring(journal.files, wrapping, options.data, entropy, os.environ)
        own = _own_name(options.data, entropy)
        undone.pop_all()
    return Storage(directory, journal, journal.files, keyring, journal.leases, options.node or own, own)


def checked_database(url: str) -> str:
    """The URL of a database that can be used here. Raises ConfigurationError."""
    if not installed("postgres"):
        raise ConfigurationError(f"a journal is in a database of PostgreSQL: {adding('postgres')}")
    from locum.store.postgres import check_conninfo  # late: psycopg is an extra

    return check_conninfo(url)


def _check_ring(journal: Journal, files: InstallationFiles) -> None:
    """Raises ConfigurationError where the key ring is gone: another one would open nothing of what was sealed."""
    if journal.last() and not os.environ.get(ENVIRONMENT_VARIABLE) and files.read(KEYRING_FILE) is None:
        raise ConfigurationError(
            "the key ring of the installation is missing from its database, which has a journal: restore it from a "
            f"backup, or set {ENVIRONMENT_VARIABLE}"
        )


def _own_name(data: Path, entropy: Entropy) -> str:
    """The name of this node, which it keeps over restarts."""
    made = create_private(data / NODE_FILE, lambda: str(uuid.UUID(bytes=entropy(16), version=4)).encode())
    return made.decode()
