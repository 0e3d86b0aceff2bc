"""The journal port: what the plane needs of durable storage, and nothing else.

Invariants of every implementation (its conformance suite is tests/conformance/test_journal_contract.py):

1. Sequence numbers are dense and start at 1, so that a follower can tell a gap from silence.
2. `append` is one transaction: all of its entries and audit rows are there, or none is.
3. What `append` and `save_checkpoint` return from is durable.
4. A checkpoint and the entries after it make the same state as all entries from the first.
5. Audit rows have positions that grow in the order in which they were stored.
6. Who last used what follows from the audit rows and outlasts them; a crash may set it back by a minute.

A journal blocks. Its writing methods are called by one thread at a time; `find` and `uses` by any thread at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from locum.core.errors import LocumError
from locum.state import FORMAT


class SequenceConflict(LocumError):
    """Somebody else's entry came first: the last sequence number is not the expected one. Nothing was written."""


class Entry(NamedTuple):
    """The events of one call. `at` is epoch seconds; `events` is `state.encode`d in the format `format`."""

    sequence: int
    at: float
    events: bytes
    format: int = FORMAT


class Use(NamedTuple):
    """What a call of somebody with credentials is a use of, allowed or not.

    `account` and `principal` are who: the unique id of a user or role, the account itself for the root user.
    `access_key_id` is the key, where it is a long-term one. `action` is IAM's (`s3:GetObject`).
    """

    account: str
    principal: str
    access_key_id: str
    action: str
    region: str


class Used(NamedTuple):
    """A `Use` and when it last happened (`at`, epoch seconds)."""

    account: str
    principal: str
    access_key_id: str
    action: str
    region: str
    at: float


class AuditRow(NamedTuple):
    """One call for the event history: `data` is the whole record, the rest is what it can be looked up by.

    `principal` is the ARN that policies are attached to (of a role session, the role's). `management` is
    false for data events. `resources` are pairs of type and name. `use` is None where nobody was authenticated.
    """

    at: float
    account: str
    event_id: str
    request_id: str
    event_name: str
    event_source: str
    username: str
    access_key_id: str
    principal: str
    read_only: bool
    denied: bool
    management: bool
    resources: tuple[tuple[str, str], ...]
    data: bytes
    use: Use | None = None


class Field(StrEnum):
    """What audit rows can be looked up by."""

    EVENT_ID = "event_id"
    REQUEST_ID = "request_id"
    EVENT_NAME = "event_name"
    EVENT_SOURCE = "event_source"
    USERNAME = "username"
    ACCESS_KEY_ID = "access_key_id"
    PRINCIPAL = "principal"
    RESOURCE_NAME = "resource_name"
    RESOURCE_TYPE = "resource_type"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which audit rows, newest first. None: any. `start` and `end` are epoch seconds, both inclusive.

    `before` is a position: only older rows. `field` and `value` belong together.
    """

    account: str | None = None
    field: Field | None = None
    value: str = ""
    start: float | None = None
    end: float | None = None
    read_only: bool | None = None
    denied: bool | None = None
    management: bool | None = None
    before: int | None = None
    limit: int = 50


class Found(NamedTuple):
    """An audit row that was found: its position and its record."""

    position: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Retention:
    """How much of the event history is kept: CloudTrail's 90 days, and a number of rows."""

    days: int = 90
    rows: int = 1_000_000


class Journal(Protocol):
    """Durable, ordered, dense. Everything raises StorageError where the storage fails or is damaged."""

    @property
    def installation(self) -> str:
        """What tells this journal from every other one, from its creation on (a UUID)."""
        ...

    def append(self, batch: Sequence[Entry], audit: Sequence[AuditRow], expected: int) -> None:
        """Store entries `expected` + 1 and on, with audit rows, in one durable transaction.

        Raises SequenceConflict where the last entry is not `expected`.
        """
        ...

    def record(self, rows: Sequence[AuditRow]) -> None:
        """Store audit rows alone. They outlive the process; the last ones may not outlive a power failure."""
        ...

    def last(self) -> int:
        """The sequence number of the last entry, 0 where there never was one."""
        ...

    def read(self, after: int) -> Iterator[Entry]:
        """Entries `after` + 1 and on. Raises StorageError where they were compacted away or one is missing."""
        ...

    def save_checkpoint(self, sequence: int, parts: Iterable[bytes], keep: int = 0) -> None:
        """Store `parts`, which make the state after entry `sequence`, in place of the older checkpoint.

        Entries up to `sequence` are deleted, save for the `keep` newest of them. Durable, all or nothing.
        """
        ...

    def checkpoint(self) -> tuple[int, Iterator[bytes]] | None:
        """The checkpoint's sequence number and parts, or None."""
        ...

    def find(self, query: AuditQuery) -> list[Found]:
        """The audit rows of `query`, newest first, at most `query.limit`."""
        ...

    def uses(self, account: str, principal: str | None = None) -> list[Used]:
        """What was last used when in `account`, by `principal` (a unique id) where that is given; in no order."""
        ...

    def maintain(self, now: float) -> bool:
        """One short step of housekeeping (an index, what is past its retention). Whether more is waiting."""
        ...

    def close(self) -> None:
        """Release everything. Idempotent."""
        ...


def check_follows(batch: Sequence[Entry], expected: int) -> None:
    """Assert that a batch is dense and follows `expected`: invariant 1, before anything is written."""
    for number, entry in enumerate(batch, expected + 1):
        if entry.sequence != number:
            raise ValueError(f"entry {entry.sequence} where {number} is next")
