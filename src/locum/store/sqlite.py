"""The journal on SQLite: one file in a data directory, held by one handle alone or by several on purpose.

What several handles need, in one process or more:
- Every write, and the opening, takes the directory's turn (`DataDirectory.turn`). It is fairer than SQLite's waiting,
  and keeps the checkpoints of the write-ahead log that SQLite makes at the end of a commit from meeting the commit of
  another process: sqlite.org/wal.html#walresetbug, in SQLite before 3.51.3.
- What a handle remembers of the file holds for as long as `PRAGMA data_version` does: nobody else has committed. Each
  write transaction of a shared journal asks first, and reads it anew where somebody has.
- What is read in more than one statement is read in one transaction, which is one instant of the file.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Final

from locum.core.clock import Entropy, system_entropy
from locum.core.errors import StorageError
from locum.store.checkpoint_table import CheckpointTable
from locum.store.directory import TURN, DataDirectory
from locum.store.doorbell import BellFollower, LocalBell
from locum.store.file_bell import FileBell
from locum.store.former_table import FormerTable
from locum.store.journal import (
    AuditQuery,
    AuditRow,
    Entry,
    Former,
    Found,
    Retention,
    SequenceConflict,
    Used,
    check_follows,
    check_page,
)
from locum.store.sqlite_file import (
    FileChanges,
    connect,
    held,
    last_sequence,
    prepare,
    reported,
    set_held,
    transaction,
    value,
)
from locum.store.trail import Trail
from locum.store.usage import UsageTable

FILE: Final = "locum.db"
_PAGE: Final = 128
"""Entries read in one transaction."""

_FIRST: Final = (
    "INSERT INTO entry (sequence, at, events, format, call, batch) VALUES (?, ?, ?, ?, nullif(?, ''), nullif(?, ''))"
)
_REST: Final = "INSERT INTO entry (sequence, at, events, format, call) VALUES (?, ?, ?, ?, nullif(?, ''))"
"""The first entry of a batch has its id."""

_SELECT: Final = (
    "SELECT sequence, at, events, format, coalesce(call, '') FROM entry WHERE sequence > ? ORDER BY sequence LIMIT ?"
)


class SqliteJournal:
    """A handle of the journal in a data directory (`Journal`). Closing it also releases the directory.

    `patience` is for how long a lock is waited for, `poll` how often followers look at the file though nobody woke
    them; both in seconds.
    """

    def __init__(
        self, directory: DataDirectory, retention: Retention, entropy: Entropy, patience: float, poll: float
    ) -> None:
        self._directory = directory
        self._patience = patience
        self._poll = poll
        self._bell = FileBell(directory.path / TURN) if directory.shared else LocalBell()
        self._lock = Lock()
        with directory.turn(patience):
            self._path = directory.create(FILE)
            with reported(self._path):
                self._writer = connect(self._path, patience)
                try:
                    self.installation = prepare(self._writer, self._path, entropy)
                    self._trail = Trail(self._writer, retention)
                    self._usage = UsageTable(self._writer)
                    self._former = FormerTable(self._writer, retention)
                    self._checkpoint = CheckpointTable(self._writer)
                    self._reader = connect(self._path, patience)
                except BaseException:
                    self._writer.close()
                    raise
        self._synchronous, self._closed = "FULL", False
        self._last = 0
        self._version: int | None = None
        self._followers: list[BellFollower] = []

    @classmethod
    def open(
        cls,
        path: Path,
        retention: Retention = Retention(),  # noqa: B008 - frozen
        entropy: Entropy = system_entropy,
        *,
        shared: bool = False,
        durable: bool = True,
        patience: float = 5.0,
        poll: float = 0.2,
    ) -> SqliteJournal:
        """The journal in the data directory `path`, made where there is none.

        `shared` lets others who say so open it too, in this process or in others on this machine. (Not over a
        network file system: SQLite's log and flock(2) need one kernel.)

        Raises StorageError where the directory is in use, not ours, damaged or of a newer format.
        """
        directory = DataDirectory.claim(path, shared=shared, durable=durable)
        try:
            return cls(directory, retention, entropy, patience, poll)
        except BaseException:
            directory.release()
            raise

    @property
    def directory(self) -> DataDirectory:
        """The data directory, held until `close`."""
        return self._directory

    @property
    def exclusive(self) -> bool:
        return not self._directory.shared

    def append(self, batch: Sequence[Entry], audit: Sequence[AuditRow], expected: int, batch_id: str = "") -> None:
        check_follows(batch, expected)
        with self._transaction(full=True):
            if self._last != expected:
                if batch_id and self._batch_of(expected + 1) == batch_id:
                    return
                raise SequenceConflict(f"the last entry is {self._last}, not {expected}")
            try:
                self._writer.executemany(_FIRST, [(*entry[:-1], batch_id) for entry in batch[:1]])
                self._writer.executemany(_REST, [entry[:-1] for entry in batch[1:]])
            except sqlite3.IntegrityError as error:
                raise SequenceConflict("the journal has an entry of one of these calls") from error
            self._former.insert(self._writer, batch)
            self._trail.insert(self._writer, audit)
            self._usage.note(self._writer, audit)
            self._last += len(batch)
        self._bell.ring()

    def take_precedence(self) -> None:
        """Nobody has it: handles on one machine write in turns that they take by chance."""

    def leave_precedence(self) -> None:
        """There is none."""

    def settled(self, known_by: str) -> int | None:
        with self._lock, reported(self._path):
            for column in ("call", "batch"):
                sql = f"SELECT sequence FROM entry WHERE {column} = ?"  # noqa: S608 - a name of ours
                found = self._reader.execute(sql, (known_by,)).fetchone()
                if found is not None:
                    return int(found[0])
        return None

    def record(self, rows: Sequence[AuditRow]) -> None:
        with self._transaction(full=False):
            self._trail.insert(self._writer, rows)
            self._usage.note(self._writer, rows)

    def last(self) -> int:
        with reported(self._path):
            return last_sequence(self._writer)

    def read(self, after: int) -> Iterator[Entry]:
        while page := self._page(after):
            yield from page
            after = page[-1].sequence

    def follow(self) -> BellFollower:
        with reported(self._path):
            changes = FileChanges(self._path, self._patience)
        follower = BellFollower(changes.last, self._bell.listen(), self._poll, changes.close)
        self._followers.append(follower)
        return follower

    def save_checkpoint(self, sequence: int, parts: Iterable[bytes], keep: int = 0, upon: int | None = None) -> int:
        rows = list(parts)
        with self._transaction(full=True):
            kept = self._checkpoint.sequence(self._writer)
            if (kept is not None and kept >= sequence) or upon not in (None, kept or 0):
                return kept or 0
            if upon is None:
                self._checkpoint.clear(self._writer)
            self._checkpoint.add(self._writer, sequence, rows)
            self._writer.execute("DELETE FROM entry WHERE sequence <= ?", (sequence - keep,))
        return sequence

    def begin_base(self, claim: str, sequence: int) -> bool:
        with self._transaction(full=False):
            if self._checkpoint.sequence(self._writer) != sequence:
                return False
            self._checkpoint.claim(self._writer, claim, sequence)
        return True

    def extend_base(self, claim: str, first: int, parts: Sequence[bytes]) -> bool:
        with self._transaction(full=False):
            sequence = self._checkpoint.claimed(self._writer, claim)
            if sequence is None:
                return False
            self._checkpoint.extend(self._writer, sequence, first, parts)
        return True

    def finish_base(self, claim: str) -> bool:
        with self._transaction(full=False):
            sequence = self._checkpoint.claimed(self._writer, claim)
            return sequence is not None and self._checkpoint.drop(self._writer, sequence)

    def checkpoint_octets(self) -> tuple[int, int]:
        with reported(self._path):
            return self._checkpoint.octets(self._writer)

    def checkpointed(self) -> int:
        with reported(self._path):
            return self._checkpoint.sequence(self._writer) or 0

    def checkpoint(self) -> tuple[int, Iterator[bytes]] | None:
        with reported(self._path), transaction(self._writer):
            kept = self._checkpoint.sequence(self._writer)
            parts = self._checkpoint.parts(self._writer)
        return None if kept is None else (kept, _consumed(parts))

    def layers(self, after: int) -> tuple[int, Iterator[bytes]] | None:
        with reported(self._path), transaction(self._writer):
            found = self._checkpoint.layers(self._writer, after)
        return None if found is None else (found[0], _consumed(found[1]))

    def find(self, query: AuditQuery) -> list[Found]:
        with self._lock, reported(self._path), transaction(self._reader):
            return self._trail.find(self._reader, query)

    def scan(self, after: int, limit: int) -> list[Found]:
        with self._lock, reported(self._path), transaction(self._reader):
            return self._trail.scan(self._reader, after, limit)

    def uses(self, account: str, principal: str | None = None) -> list[Used]:
        with self._lock, reported(self._path):
            return self._usage.find(self._reader, account, principal)

    def former(self, at: float) -> Iterator[Former]:
        with self._lock, reported(self._path), transaction(self._reader):
            return iter(self._former.find(self._reader, at))

    def remembered(self) -> float:
        with self._lock, reported(self._path):
            return self._former.since(self._reader)

    def hold(self, after: int | None) -> None:
        with self._transaction(full=True):
            set_held(self._writer, after)

    def held(self) -> int | None:
        with self._lock, reported(self._path):
            return held(self._reader)

    def maintain(self, now: float) -> bool:
        with self._transaction(full=False):
            self._usage.forget(self._writer, now)
            more = self._former.forget(self._writer, now)
            return self._trail.maintain(self._writer, now, held(self._writer)) or more

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for follower in self._followers:
            follower.close()
        with self._lock:
            with suppress(StorageError), self._transaction(full=False):  # not where storage is failing
                self._usage.settle(self._writer)
            self._reader.close()
            self._writer.close()
        self._directory.release()

    def _page(self, after: int) -> list[Entry]:
        """The next entries after `after`, and the certainty that there is nothing else."""
        with reported(self._path), transaction(self._writer):
            page = [Entry(*row) for row in self._writer.execute(_SELECT, (after, _PAGE))]
            last, kept = last_sequence(self._writer), self._checkpoint.sequence(self._writer) or 0
        check_page(page, after, last, kept, _PAGE, str(self._path))
        return page

    def _batch_of(self, sequence: int) -> str | None:
        """The id of the batch that begins with an entry."""
        found = self._writer.execute("SELECT batch FROM entry WHERE sequence = ?", (sequence,)).fetchone()
        return None if found is None else found[0]

    @contextmanager
    def _transaction(self, *, full: bool) -> Iterator[None]:
        """All or nothing; on the disk itself where `full`. sqlite.org/pragma.html#pragma_synchronous."""
        with reported(self._path), self._directory.turn(self._patience):
            wanted = ("FULL" if full else "NORMAL") if self._directory.durable else "OFF"
            if wanted != self._synchronous:
                self._writer.execute(f"PRAGMA synchronous = {wanted}")
                self._synchronous = wanted
            try:
                with transaction(self._writer, "BEGIN IMMEDIATE"):
                    self._look()
                    yield
            except BaseException as error:
                self._version = None
                if not isinstance(error, SequenceConflict):
                    self._usage.rolled_back()
                raise

    def _look(self) -> None:
        """Know the file as it is now, in the transaction that is open."""
        if self._version is not None and not self._directory.shared:
            return
        version = value(self._writer, "PRAGMA data_version")
        if version != self._version:
            self._last = last_sequence(self._writer)
            self._trail.refresh(self._writer)
            self._version = version


def _consumed(parts: deque[tuple[bytes]]) -> Iterator[bytes]:
    """Each part, which is let go of: together they may be large."""
    while parts:
        yield parts.popleft()[0]
