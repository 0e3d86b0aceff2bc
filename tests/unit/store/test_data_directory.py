"""The data directory and its file: ours alone, held once, never guessed at."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from locum.cli.wrapped_keyring import WRAPPING_FILE
from locum.core.errors import StorageError
from locum.store import DataDirectory, SqliteJournal

HOLD = """
import sys
from pathlib import Path
from locum.store import DataDirectory
held = DataDirectory.claim(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_nobody_else_can_read_what_is_stored(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.mkdir(mode=0o755)
    journal = SqliteJournal.open(path)
    journal.record([])
    assert mode(path) == 0o700
    files = {file.name: mode(file) for file in path.iterdir()}
    assert {"lock", "locum.db"} <= set(files)
    assert set(files.values()) == {0o600}
    journal.close()


def test_a_directory_in_use_by_another_process_is_refused_and_that_process_is_named(tmp_path: Path) -> None:
    path = tmp_path / "data"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=child_environment()
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StorageError) as refused:
            SqliteJournal.open(path)
        assert str(refused.value) == (
            f"{path} is in use by another Locum (process {holder.pid}); stop it or use another --data"
        )
        holder.communicate()
    SqliteJournal.open(path).close()


def child_environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def test_a_directory_is_free_again_after_an_open_that_failed(tmp_path: Path) -> None:
    path = tmp_path / "data"
    directory = DataDirectory.claim(path)
    directory.write("locum.db", b"this is not a database, by a long way")
    directory.release()
    for _ in range(2):
        with pytest.raises(StorageError, match="damaged or not Locum's"):
            SqliteJournal.open(path)


def test_somebody_elses_directory_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StorageError, match="not Locum's"):
        SqliteJournal.open(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_new_directory_may_have_the_key_that_was_brought_for_it(tmp_path: Path) -> None:
    (tmp_path / WRAPPING_FILE).write_text("{}")
    DataDirectory.claim(tmp_path).release()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / WRAPPING_FILE).write_text("{}")
    (tmp_path / "other" / "letter").write_text("Dear ...")
    with pytest.raises(StorageError, match="not Locum's"):
        DataDirectory.claim(tmp_path / "other")


def test_a_path_that_is_no_directory_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be used as a data directory"):
        SqliteJournal.open(tmp_path / "file")


def altered(path: Path, sql: str) -> None:
    SqliteJournal.open(path).close()
    with sqlite3.connect(path / "locum.db") as connection:
        connection.execute(sql)
    connection.close()


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("UPDATE meta SET value = '99' WHERE key = 'format'", "written by a newer Locum"),
        ("DELETE FROM meta", "does not say its format"),
        ("PRAGMA application_id = 7", "another program's database"),
        ("DROP TABLE entry", "cannot be used"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_not_used(tmp_path: Path, sql: str, message: str) -> None:
    altered(tmp_path / "data", sql)
    with pytest.raises(StorageError, match=message):
        SqliteJournal.open(tmp_path / "data")


def test_a_missing_entry_is_found_when_the_journal_is_read(tmp_path: Path) -> None:
    altered(
        tmp_path / "data", "INSERT INTO entry (sequence, at, format, events) VALUES (1, 0, 1, '[]'), (3, 0, 1, '[]')"
    )
    journal = SqliteJournal.open(tmp_path / "data")
    with pytest.raises(StorageError, match="entry 2 is missing"):
        list(journal.read(0))
    journal.close()


def test_a_file_is_replaced_whole_and_privately(tmp_path: Path) -> None:
    directory = DataDirectory.claim(tmp_path / "data")
    directory.write("root", b"old")
    path = directory.write("root", b"new")
    assert (path.read_bytes(), mode(path)) == (b"new", 0o600)
    assert sorted(file.name for file in directory.path.iterdir()) == ["lock", "root"]
    directory.release()


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    directory = DataDirectory.claim(tmp_path / "data")
    (directory.path / "locum.db").symlink_to(target)
    with pytest.raises(StorageError, match="cannot be opened"):
        directory.create("locum.db")
    assert not target.exists()
    directory.release()
