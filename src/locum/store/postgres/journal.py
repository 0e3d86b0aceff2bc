"""The journal on PostgreSQL: one database, shared by any number of nodes.

- An append is one message: the server takes the turn (`locks`), refuses what is not next, inserts, notifies and commits
  without asking back. So no node holds a turn for longer than its own work takes, whatever becomes of it.
- An `append` that found its batch there already commits again, with a write: that commit waits for whatever the first
  one, of which no answer came, should have waited for (the disk, the standbys).
- `record` is as durable. It costs little beside the indexes; and a row that somebody saw, and that a standby which
  takes over does not have, would leave its position to another row.
- Where a standby takes over that did not have everything, the journal is shorter than what was seen of it, which
  `check_reaches` tells, or has other entries in their place (`mark`): replication has to be synchronous.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final

import psycopg

from locum.core.clock import DAY, Entropy, system_entropy
from locum.core.errors import PassingStorageError, StorageError
from locum.store.doorbell import BellFollower
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
)
from locum.store.latest_uses import LatestUses, last_uses
from locum.store.postgres import checkpoints, entries, lookups, schema, uses
from locum.store.postgres.bell import Ear
from locum.store.postgres.faults import CONFLICT, STORED
from locum.store.postgres.files import PostgresFiles
from locum.store.postgres.history import History
from locum.store.postgres.leases import PostgresLeases
from locum.store.postgres.locks import Turn
from locum.store.postgres.mark import Mark
from locum.store.postgres.precedence import Precedence
from locum.store.postgres.session import Connection, Session
from locum.store.postgres.target import Target, target

_CONFIRM: Final = "UPDATE locum.head SET last = last"
_CALL: Final = "entry_call"
"""The index by which a call is stored once."""
_LOOK: Final = 5.0
"""Seconds in which a look at the last entry, or at a lease, has to be answered."""


class PostgresJournal:
    """A handle of the journal in a database (`Journal`), with its `leases` and its `files`.

    `patience` is for how long a lock is waited for, `answer` how long the server may take for an answer, `poll` how
    often followers look though nobody woke them; all in seconds.
    """

    exclusive = False

    def __init__(
        self, place: Target, retention: Retention, entropy: Entropy, patience: float, answer: float, poll: float
    ) -> None:
        self._place = place
        self._patience = patience
        self._poll = poll
        self._retention = retention
        self._mark = Mark(place.name)
        self._writer = Session(place, patience, answer, check=self._mark.check)
        self._reader = Session(place, patience, answer)
        self._other = Session(place, patience, min(answer, _LOOK))
        self._precedence = Precedence(Session(place, patience, answer))
        self._history = History(retention)
        self._latest = LatestUses()
        self._forgotten = 0.0
        self._followers: list[BellFollower] = []
        self._closed = False
        self.leases = PostgresLeases(self._other)
        self.files = PostgresFiles(self._other)
        try:
            self.installation = schema.prepare(self._writer, place, entropy)
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(
        cls,
        conninfo: str,
        retention: Retention = Retention(),  # noqa: B008 - frozen
        entropy: Entropy = system_entropy,
        *,
        patience: float = 5.0,
        answer: float = 30.0,
        poll: float = 0.5,
    ) -> PostgresJournal:
        """The journal in the database of `conninfo`, whose schema `locum` is made or migrated where it has to be.

        Raises StorageError where the database cannot be used, is not ours, or is of a newer format.
        """
        return cls(target(conninfo), retention, entropy, patience, answer, poll)

    def append(self, batch: Sequence[Entry], audit: Sequence[AuditRow], expected: int, batch_id: str = "") -> None:
        check_follows(batch, expected)

        def insert(connection: Connection) -> None:
            entries.insert(connection, batch, expected, batch_id, first=self._precedence.held)

        try:
            self._store(audit, insert)
        except _Stored:
            with self._writer.transaction() as connection:
                connection.execute(_CONFIRM)
        finally:
            self._precedence.leave()
        self._mark.saw(batch)

    def take_precedence(self) -> None:
        self._precedence.take()

    def leave_precedence(self) -> None:
        self._precedence.leave()

    def settled(self, known_by: str) -> int | None:
        return entries.settled(self._reader, known_by) if known_by else None

    def record(self, rows: Sequence[AuditRow]) -> None:
        self._store(rows, None)

    def last(self) -> int:
        return entries.last(self._writer)

    def read(self, after: int) -> Iterator[Entry]:
        while page := entries.page(self._writer, after, self._place.name):
            self._mark.saw(page)
            yield from page
            after = page[-1].sequence

    def follow(self) -> BellFollower:
        ear = Ear(self._place, self._patience, _LOOK, self._interrupt, self._mark.check)
        follower = BellFollower(ear.last, ear, self._poll, ear.release)
        self._followers.append(follower)
        return follower

    def save_checkpoint(self, sequence: int, parts: Iterable[bytes], keep: int = 0, upon: int | None = None) -> int:
        return checkpoints.save(self._writer, sequence, parts, keep, upon)

    def begin_base(self, claim: str, sequence: int) -> bool:
        return checkpoints.begin_base(self._writer, claim, sequence)

    def extend_base(self, claim: str, first: int, parts: Sequence[bytes]) -> bool:
        return checkpoints.extend_base(self._writer, claim, first, parts)

    def finish_base(self, claim: str) -> bool:
        return checkpoints.finish_base(self._writer, claim)

    def checkpoint_octets(self) -> tuple[int, int]:
        return checkpoints.octets(self._writer)

    def checkpointed(self) -> int:
        return checkpoints.kept(self._writer) or 0

    def checkpoint(self) -> tuple[int, Iterator[bytes]] | None:
        found = checkpoints.load(self._writer)
        if found is not None:
            self._mark.saw_checkpoint(self._writer, found[0])
        return found

    def layers(self, after: int) -> tuple[int, Iterator[bytes]] | None:
        return checkpoints.layers(self._writer, after)

    def find(self, query: AuditQuery) -> list[Found]:
        return lookups.find(self._reader, query)

    def scan(self, after: int, limit: int) -> list[Found]:
        return lookups.scan(self._reader, after, limit)

    def uses(self, account: str, principal: str | None = None) -> list[Used]:
        return uses.find(self._reader, self._latest, account, principal)

    def former(self, at: float) -> Iterator[Former]:
        return iter(entries.former(self._reader, at))

    def remembered(self) -> float:
        return entries.remembered(self._reader)

    def hold(self, after: int | None) -> None:
        self._history.hold(self._writer, after)

    def held(self) -> int | None:
        return self._history.held(self._reader)

    def maintain(self, now: float) -> bool:
        if now - self._forgotten >= DAY:
            self._forgotten = now
            with self._writer.turn(Turn.RECORDS) as connection:
                uses.forget(connection, now)
        more = entries.forget(self._writer, self._retention.days, now)
        return self._history.maintain(self._writer, now) or more

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for follower in self._followers:
            follower.close()
        if self._writer.current is not None:
            with suppress(StorageError):  # not where storage is failing
                self._settle_uses()
        self._precedence.close()
        for session in (self._writer, self._reader, self._other):
            session.close()

    def _interrupt(self) -> None:
        """The server stands still: whoever waits for it need not find that out alone, one after the other."""
        for waiting in (self._writer, self._reader, self._other, self._precedence):
            waiting.interrupt()

    def _store(self, rows: Sequence[AuditRow], insert: Callable[[Connection], None] | None) -> None:
        """Store `rows`, after what `insert` does, in one transaction."""
        try:
            self._store_once(rows, insert)
        except _DayGone:
            self._history.days.forget()
            self._store_once(rows, insert)
        if self._latest.full:
            self._settle_uses()
            self._latest.clear()

    def _store_once(self, rows: Sequence[AuditRow], insert: Callable[[Connection], None] | None) -> None:
        self._history.prepare(self._writer, rows)
        used = last_uses(rows)
        due = self._latest.due(used)
        with self._writer.transaction(told=_told) as connection:
            if insert is not None:
                insert(connection)
            if rows:
                self._history.insert(connection, rows)
                uses.write(connection, due)
        self._latest.stored(used, due)

    def _settle_uses(self) -> None:
        """Write all uses that the table does not have yet."""
        unsaved = self._latest.unsaved()
        if unsaved:
            with self._writer.turn(Turn.RECORDS) as connection:
                uses.write(connection, unsaved)
            self._latest.saved(unsaved)


class _Stored(Exception):
    """The batch is there already."""


class _DayGone(PassingStorageError):
    """There is no partition for one of the rows: another node dropped it, once or again."""


def _told(error: psycopg.Error) -> Exception | None:
    """What a refusal of the server means to an append."""
    if error.sqlstate == STORED:
        return _Stored()
    if error.sqlstate == CONFLICT:
        return SequenceConflict(error.diag.message_primary or "another entry came first")
    if isinstance(error, psycopg.errors.UniqueViolation) and error.diag.constraint_name == _CALL:
        return SequenceConflict("the journal has an entry of one of these calls")
    if isinstance(error, psycopg.errors.CheckViolation):
        return _DayGone("a day of the record was dropped meanwhile")
    return None
