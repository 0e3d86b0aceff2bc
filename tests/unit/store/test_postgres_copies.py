"""Another copy of the database in place of the one that was seen, of which others have taken the numbers again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from locum.core.errors import PassingStorageError, StorageError
from locum.store.journal import Entry
from locum.store.postgres import PostgresJournal
from support.journals import entries
from support.postgresql import ONE_SERVER, conninfo_of
from support.postgresql_attacks import former_primary

pytestmark = ONE_SERVER

_OLDER = """
DO $$ BEGIN
    DELETE FROM locum.entry WHERE sequence > 2;
    UPDATE locum.head SET last = 2;
END $$
"""


def disconnect(conninfo: str) -> None:
    """End all connections to the database, as where another server has it."""
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(f"SELECT pg_terminate_backend(pid, 30000) {others}".encode())


def go_back(conninfo: str) -> None:
    """Have the database be as it was when it had two entries."""
    disconnect(conninfo)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(_OLDER)


def overtake(conninfo: str, last: int) -> None:
    """Have others write up to `last`."""
    with closing(PostgresJournal.open(conninfo)) as other:
        other.append([Entry(n, 2000.0 + n, b"{%d}" % n) for n in range(3, last + 1)], [], 2)


def follow(journal: PostgresJournal) -> object:
    return journal.follow().wait(4, 0.0)


def append(journal: PostgresJournal) -> None:
    journal.append(entries(5, 5), [], 4)


def refuses(use: Callable[[PostgresJournal], object], journal: PostgresJournal) -> None:
    for _ in range(3):  # the first one may find no more than that its connection has ended
        with pytest.raises(StorageError) as refused:
            use(journal)
    assert "it is another copy" in str(refused.value)


@pytest.fixture
def conninfo(tmp_path: Path) -> str:
    return conninfo_of(tmp_path)


@pytest.fixture
def journal(conninfo: str) -> Iterator[PostgresJournal]:
    """A handle that has appended four entries."""
    with closing(PostgresJournal.open(conninfo)) as made:
        made.append(entries(1, 2), [], 0)
        made.append(entries(3, 4), [], 2)
        yield made


@pytest.mark.parametrize("last", [4, 9])
def test_attack_a_copy_that_has_other_entries_under_the_numbers_that_were_seen_is_not_gone_on_with(
    journal: PostgresJournal, conninfo: str, last: int
) -> None:
    """A node that slept meanwhile would serve what is not there, and write on top of it."""
    go_back(conninfo)
    overtake(conninfo, last)
    refuses(append, journal)
    refuses(lambda journal: journal.last(), journal)
    refuses(lambda journal: list(journal.read(4)), journal)
    refuses(follow, journal)
    with closing(PostgresJournal.open(conninfo)) as other:
        assert other.last() == last


def test_attack_a_former_primary_with_other_entries_ends_no_node(conninfo: str) -> None:
    """It may have what it could tell nobody, and the journal is where its standbys are."""
    with closing(PostgresJournal.open(conninfo, answer=0.5)) as journal:
        journal.append(entries(1, 2), [], 0)
        journal.append(entries(3, 4), [], 2)
        go_back(conninfo)
        overtake(conninfo, 4)
        with former_primary(conninfo):
            for _ in range(2):
                with pytest.raises(PassingStorageError):
                    append(journal)
        refuses(append, journal)


@pytest.mark.parametrize("checkpoint", [False, True])
def test_attack_a_copy_is_told_by_what_was_read_at_the_start(
    journal: PostgresJournal, conninfo: str, *, checkpoint: bool
) -> None:
    if checkpoint:
        journal.save_checkpoint(4, [b"state"], keep=4)
    with closing(PostgresJournal.open(conninfo)) as started:
        assert (started.checkpoint() is not None) == checkpoint
        assert len(list(started.read(4 if checkpoint else 0))) == (0 if checkpoint else 4)
        go_back(conninfo)
        overtake(conninfo, 4)
        refuses(append, started)


def test_a_new_connection_to_the_journal_that_was_seen_is_gone_on_with(journal: PostgresJournal, conninfo: str) -> None:
    disconnect(conninfo)
    with pytest.raises(PassingStorageError):
        append(journal)
    append(journal)
    assert journal.last() == follow(journal) == 5
