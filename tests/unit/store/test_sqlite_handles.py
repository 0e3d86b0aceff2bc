"""One file, several handles on purpose: who may open it, who writes when, and what each remembers of it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest

from locum.core.errors import PassingStorageError, StorageError
from locum.store import DataDirectory, Entry, SqliteJournal, Use
from locum.store.doorbell import BellFollower
from locum.store.file_bell import FileBell
from support.ledgers import audit_row

OPENED_AND_CLOSED = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
assert connection.execute("SELECT count(*) FROM entry").fetchone() == (1,)
connection.close()
"""


def shared(path: Path, patience: float = 5.0) -> SqliteJournal:
    return SqliteJournal.open(path / "data", shared=True, patience=patience)


def exclusive(path: Path) -> SqliteJournal:
    return SqliteJournal.open(path / "data")


@pytest.mark.parametrize(("first", "second"), [(exclusive, shared), (shared, exclusive), (exclusive, exclusive)])
def test_who_holds_a_journal_alone_shares_it_with_nobody(
    tmp_path: Path, first: Callable[[Path], SqliteJournal], second: Callable[[Path], SqliteJournal]
) -> None:
    with closing(first(tmp_path)), pytest.raises(StorageError, match="in use by another Locum"):
        second(tmp_path)
    second(tmp_path).close()


def test_handles_that_share_a_journal_come_and_go(tmp_path: Path) -> None:
    first = shared(tmp_path)
    second = shared(tmp_path)
    first.close()
    third = shared(tmp_path)
    second.append([Entry(1, 1.0, b"[]")], [], 0)
    assert third.last() == 1
    second.close()
    third.close()
    with closing(exclusive(tmp_path)) as alone:
        assert (alone.exclusive, alone.last()) == (True, 1)


def test_many_handles_that_make_one_new_journal_at_once_make_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        handles = list(threads.map(lambda _: shared(tmp_path), range(8)))
    assert len({handle.installation for handle in handles}) == 1
    for handle in handles:
        handle.close()


def test_one_handle_writes_at_a_time_and_the_others_wait_for_so_long(tmp_path: Path) -> None:
    writing, waiting = shared(tmp_path), shared(tmp_path, patience=0.0)
    with writing.directory.turn(0.0):
        with pytest.raises(PassingStorageError, match="being written to"):
            waiting.record([audit_row("a")])
        assert waiting.last() == 0
    waiting.record([audit_row("a")])
    writing.close()
    waiting.close()


def test_who_waits_for_its_turn_gets_it(tmp_path: Path) -> None:
    writing, waiting = shared(tmp_path), shared(tmp_path, patience=30.0)
    begun = Event()

    def record() -> None:
        begun.set()
        waiting.record([audit_row("a")])

    with ThreadPoolExecutor(1) as thread:
        with writing.directory.turn(0.0):
            recorded = thread.submit(record)
            begun.wait(30)
        recorded.result(30)
    assert len(writing.scan(0, 9)) == 1
    writing.close()
    waiting.close()


def test_threads_that_write_by_handles_of_their_own_lose_no_row_and_share_no_position(tmp_path: Path) -> None:
    def written(number: int) -> None:
        with closing(shared(tmp_path, patience=30.0)) as handle:
            for n in range(20):
                handle.record([audit_row(f"{number}-{n}")])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(written, range(4)))
    with closing(shared(tmp_path)) as handle:
        found = handle.scan(0, 1000)
    assert [position for position, _ in found] == list(range(1, 81))
    assert len({data for _, data in found}) == 80


def test_what_nobody_rings_for_is_found_by_looking(tmp_path: Path) -> None:
    journal = SqliteJournal.open(tmp_path / "data", shared=True, poll=0.001)
    with ThreadPoolExecutor(1) as waiting, closing(journal.follow()) as follower:
        woken = waiting.submit(follower.wait, 0, 3600.0)
        with closing(sqlite3.connect(tmp_path / "data" / "locum.db", isolation_level=None)) as other:
            other.execute("INSERT INTO entry (sequence, at, format, events) VALUES (1, 1.0, 1, x'5b5d')")
        assert woken.result(30) == 1
    journal.close()


def test_a_follower_that_cannot_watch_files_looks_and_ends_all_the_same(tmp_path: Path) -> None:
    bell = FileBell(tmp_path / "missing")
    bell.ring()
    looking = BellFollower(lambda: 1, bell.listen(), 0.001, lambda: None)
    assert (looking.wait(0, 3600.0), looking.wait(1, 0.003)) == (1, 1)
    looking.close()
    waiting = BellFollower(lambda: 1, bell.listen(), 3600.0, lambda: None)
    with ThreadPoolExecutor(1) as thread:
        woken = thread.submit(waiting.wait, 1, 3600.0)
        waiting.close()
        assert woken.result(30) == 1


def test_opening_a_second_handle_does_not_end_the_locks_of_the_first(tmp_path: Path) -> None:
    """SQLite's locks are the process's: another process must not take itself for the last that has the file open."""
    first = shared(tmp_path)
    first.append([Entry(1, 1.0, b"[]")], [], 0)
    shared(tmp_path).close()
    log = tmp_path / "data" / "locum.db-wal"
    subprocess.run([sys.executable, "-c", OPENED_AND_CLOSED, str(tmp_path / "data" / "locum.db")], check=True)
    assert log.stat().st_size > 0
    first.append([Entry(2, 1.0, b"[]")], [], 1)
    first.close()
    assert not log.exists()


def test_what_a_transaction_did_that_did_not_happen_is_not_remembered(tmp_path: Path) -> None:
    row = audit_row("a")._replace(use=Use("0", "AROA", "", "s3:GetObject", "us-east-1"))
    with closing(shared(tmp_path)) as journal:
        journal._writer.execute("CREATE TRIGGER late BEFORE INSERT ON usage BEGIN SELECT raise(ABORT, 'no'); END")
        with pytest.raises(StorageError):
            journal.append([Entry(1, 1.0, b"[]")], [row], 0)
        journal._writer.execute("DROP TRIGGER late")
        assert (journal.last(), journal.scan(0, 9), journal.uses("0")) == (0, [], [])
        journal.append([Entry(1, 1.0, b"[]")], [row], 0)
        assert (journal.last(), journal.scan(0, 9), len(journal.uses("0"))) == (1, [(1, b"a")], 1)


def test_a_journal_made_before_batches_had_ids_gets_them(tmp_path: Path) -> None:
    exclusive(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "data" / "locum.db")) as connection:
        for statement in (
            "DROP INDEX entry_call",
            "ALTER TABLE entry DROP COLUMN call",
            "ALTER TABLE entry DROP COLUMN batch",
            "INSERT INTO entry (sequence, at, format, events) VALUES (1, 1.0, 1, x'5b5d')",
        ):
            connection.execute(statement)
        connection.commit()
    for _ in range(2):
        with closing(exclusive(tmp_path)) as journal:
            assert next(journal.read(0)) == Entry(1, 1.0, b"[]", format=1)
            journal.append([Entry(2, 1.0, b"[]", call_id="call")], [], 1, "batch")
            assert (journal.settled("call"), journal.settled("batch")) == (2, 2)


def test_what_is_written_to_a_shared_directory_is_whole_whoever_writes_it(tmp_path: Path) -> None:
    directories = [DataDirectory.claim(tmp_path / "data", shared=True) for _ in range(2)]
    for name, directory in enumerate(directories):
        directory.write("root", b"%d" % name)
    assert (tmp_path / "data" / "root").read_bytes() == b"1"
    for directory in directories:
        directory.release()
        directory.release()
