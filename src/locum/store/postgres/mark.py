"""The mark in a journal up to which it was seen: a new connection may lead to another copy of it.

An older copy may be there in its place, or a standby that had not everything. Once others have written to it, it has
the numbers again that were seen, for other entries, and nothing would tell: so what is there is compared. That is done
where a connection is new, as one that is there stays with its server.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from locum.core.errors import StorageError
from locum.store.journal import Entry
from locum.store.postgres.session import Connection, Session

_SELECT: Final = "SELECT sequence, at, sha256(events) FROM locum.entry WHERE sequence = %s"


class _Seen(NamedTuple):
    sequence: int = 0
    at: float = 0.0
    digest: bytes = b""


class Mark:
    """The last entry that a handle has seen. For any thread, but one at a time goes on with it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen = _Seen()

    def saw(self, entries: Sequence[Entry]) -> None:
        """These were read, or appended."""
        if entries and entries[-1].sequence > self._seen.sequence:
            last = entries[-1]
            self._seen = _Seen(last.sequence, last.at, sha256(last.events).digest())

    def saw_checkpoint(self, session: Session, sequence: int) -> None:
        """A checkpoint was read: the entry that it ends with may be there still."""
        for found in session.rows(_SELECT, (sequence,)):
            self._seen = _Seen(*found)

    def check(self, connection: Connection) -> None:
        """Assert that this is the journal that was seen. Raises StorageError, psycopg.Error.

        Where it has not the entry any more, or not yet, there is nothing to compare: the one is a checkpoint's, the
        other is found by whoever reads on.
        """
        seen = self._seen
        if seen.sequence and connection.execute(_SELECT, (seen.sequence,)).fetchall() not in ([], [seen]):
            raise StorageError(
                f"{self._name}: journal entry {seen.sequence} is another one than was seen: it is another copy"
            )
