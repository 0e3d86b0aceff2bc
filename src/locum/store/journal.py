"""The journal port: what the plane needs of durable storage, and nothing else.

Invariants of every implementation (its conformance suite is tests/conformance/test_journal_contract.py):

1. Sequence numbers are dense and start at 1, so that a follower can tell a gap from silence.
2. `append` is one transaction: all of its entries and audit rows are there, or none is.
3. What `append` and `save_checkpoint` return from is durable.
4. A checkpoint and the entries after it make the same state as all entries from the first. Checkpoints never go back.
   A checkpoint is a base and layers of what changed since; a new base is written in pieces, beside everything else.
5. Audit rows have positions that grow in the order in which rows become visible: none appears before one that was seen.
6. Who last used what follows from the audit rows and outlasts them; a crash may set it back by a minute, and another
   handle may learn of a use that is not the first of its kind a minute late.
7. A journal that is not `exclusive` may have several handles, in this and in other processes. Each write is held
   against what the journal has, never against what the handle remembers.
8. A batch or call with an id is stored once, however often it is handed over. Ids are kept as long as their entries.
9. What takes entries back is kept for `Retention.days`, whatever becomes of the entries.

A journal blocks. `find`, `scan`, `uses`, `former`, `remembered`, `held` and `settled` may be called by any thread at
any time, a `Follower` by a thread of its own, everything else by one thread at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import NamedTuple, Protocol

from locum.core.clock import iso8601
from locum.core.errors import LocumError, StorageError
from locum.state import FORMAT


class SequenceConflict(LocumError):
    """Another handle's entry came first: what was to be written was decided on what is no longer so. Nothing was."""


class Compacted(StorageError):
    """The entries that were asked for are part of a checkpoint by now; `Journal.checkpoint` has what they led to."""


class Forgotten(LocumError):
    """A time was asked about that is past the retention. `since` is the earliest time that is known."""

    def __init__(self, since: float) -> None:
        super().__init__(f"what was before {iso8601(since)} is not known any more")
        self.since = since


class Entry(NamedTuple):
    """The events of one call. `at` is epoch seconds; `events` is `state.encode`d in the format `format`.

    `call_id` tells the call from every other one, where its caller may come again with the same. `former` are the
    events that take it back, encoded likewise, or empty; they are kept apart (`Journal.former`), and not read again.
    """

    sequence: int
    at: float
    events: bytes
    format: int = FORMAT
    call_id: str = ""
    former: bytes = b""


class Former(NamedTuple):
    """What takes the entry `sequence`, of the time `at`, back: events as in an `Entry`."""

    sequence: int
    at: float
    events: bytes


class Use(NamedTuple):
    """The use that a call of somebody with credentials is, allowed or not.

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
    `stranger`: it is the row of an unauthenticated call, with a retention of its own.
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
    stranger: bool = False


class Field(StrEnum):
    """The fields by which audit rows can be looked up."""

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
    """A query for audit rows, newest first. None: any. `start` and `end` are epoch seconds, both inclusive.

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
    """The retention of the event history: CloudTrail's 90 days, and a number of rows.

    `rows` are those of authenticated calls, `strangers` those of all others, which push out only one another.
    """

    days: int = 90
    rows: int = 1_000_000
    strangers: int = 50_000


class Follower(Protocol):
    """Waits for what is appended to a journal, by any handle of it, in this process or another."""

    def wait(self, after: int, timeout: float) -> int:
        """The last sequence number, once it is beyond `after`, or after some `timeout` seconds, or sooner.

        Blocks without spinning. Returns at once when it is closed. Raises StorageError.
        """
        ...

    def close(self) -> None:
        """End the `wait` that is under way, and release everything. For any thread; idempotent."""
        ...


class Journal(Protocol):
    """Durable, ordered, dense. Everything raises StorageError where the storage fails or is damaged.

    PassingStorageError where it may work the next time. A write that raised it may have gone through all the same.
    """

    @property
    def installation(self) -> str:
        """The identity of the journal, from its creation on (a UUID)."""
        ...

    @property
    def exclusive(self) -> bool:
        """Whether nobody else can write while this handle is open: then `last` is what the handle wrote last."""
        ...

    def append(self, batch: Sequence[Entry], audit: Sequence[AuditRow], expected: int, batch_id: str = "") -> None:
        """Store entries `expected` + 1 and on, with audit rows, in one durable transaction.

        Handed over again with the same `batch_id` and `expected`, it finds that the batch is there and stores nothing.

        Raises SequenceConflict where the last entry is not `expected`, or the journal has an entry with one of the
        call ids.
        """
        ...

    def take_precedence(self) -> None:
        """Have the next `append` of this handle come before those of all others, as far as storage can do that.

        For who was overtaken: whoever came first has its next batch ready first, too. It ends with that `append`, with
        `leave_precedence`, or some time later: nobody waits long for a handle that does not go on.
        """
        ...

    def leave_precedence(self) -> None:
        """Let others come first again. Idempotent."""
        ...

    def settled(self, known_by: str) -> int | None:
        """The sequence number of the call, or of the first entry of the batch, with this id; None where there is none.

        Not for longer than its entries are kept: after their compaction the answer is None.
        """
        ...

    def record(self, rows: Sequence[AuditRow]) -> None:
        """Store audit rows alone. They outlive the process; the last ones may not outlive a power failure.

        After a PassingStorageError they may be stored twice; their event ids tell.
        """
        ...

    def last(self) -> int:
        """The sequence number of the last entry, 0 where there never was one."""
        ...

    def read(self, after: int) -> Iterator[Entry]:
        """Entries `after` + 1 and on. Raises Compacted where they are not kept, StorageError where one is missing."""
        ...

    def follow(self) -> Follower:
        """A follower, which waits for the next entries. `close` of the journal closes it as well."""
        ...

    def save_checkpoint(self, sequence: int, parts: Iterable[bytes], keep: int = 0, upon: int | None = None) -> int:
        """Store `parts`, which make the state after entry `sequence`, in place of the older checkpoint.

        Where `upon` is given, the parts are a layer: what they say is true besides what the checkpoint of `upon` says,
        which stays (0: there is none, and the layer is all). Where the journal has another checkpoint, nothing changes.

        Entries up to `sequence` are deleted, save for the `keep` newest of them. Durable, all or nothing. Where the
        journal has one as new as that, nothing changes. Answers the sequence number of the one that it has now.
        """
        ...

    def begin_base(self, claim: str, sequence: int) -> bool:
        """Begin to write a base anew, which makes the state of the checkpoint. False where that is not `sequence`'s.

        `claim` tells it from every other one: it goes on until another is begun, or a checkpoint replaces everything.
        Layers may come meanwhile.
        """
        ...

    def extend_base(self, claim: str, first: int, parts: Sequence[bytes]) -> bool:
        """Store the parts `first` (from 0) and on of the new base. False, and nothing is stored, where it has ended.

        The checkpoint makes its state before and after each piece, wherever it ends.
        """
        ...

    def finish_base(self, claim: str) -> bool:
        """The new base is complete: delete some of what it stands for. Whether there is more."""
        ...

    def checkpoint_octets(self) -> tuple[int, int]:
        """The octets of the largest of the checkpoint's base and layers, and of all of them."""
        ...

    def checkpointed(self) -> int:
        """The checkpoint's sequence number, 0 where there is none."""
        ...

    def checkpoint(self) -> tuple[int, Iterator[bytes]] | None:
        """The checkpoint's sequence number and parts, or None. Of what parts say of one thing, the last is true."""
        ...

    def layers(self, after: int) -> tuple[int, Iterator[bytes]] | None:
        """The checkpoint's sequence number, and parts that make its state of that after entry `after`.

        None where it is not newer than that, or what is kept of it begins later: then `checkpoint` has it whole.
        """
        ...

    def find(self, query: AuditQuery) -> list[Found]:
        """The audit rows of `query`, newest first, at most `query.limit`."""
        ...

    def scan(self, after: int, limit: int) -> list[Found]:
        """The first `limit` audit rows behind the position `after` (0: from the first that is kept), oldest first.

        Positions are given without gaps: where one is missing, its row is past its retention.
        """
        ...

    def uses(self, account: str, principal: str | None = None) -> list[Used]:
        """The last uses in `account`, by `principal` (a unique id) where that is given; in no order."""
        ...

    def former(self, at: float) -> Iterator[Former]:
        """What takes the entries back that are younger than the time `at` (epoch seconds), newest first.

        It ends at the first entry, from the newest, that is not younger. Raises Forgotten where that is not kept.
        """
        ...

    def remembered(self) -> float:
        """The time (epoch seconds) since which all is kept that `former` answers; 0 where that is all of it."""
        ...

    def hold(self, after: int | None) -> None:
        """Keep the audit rows of authenticated calls behind the position `after`, also past their retention.

        Until it is said otherwise, whatever is opened and closed meanwhile. None: none of them.
        """
        ...

    def held(self) -> int | None:
        """The position behind which audit rows are kept, or None."""
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


def check_page(page: Sequence[Entry], after: int, last: int, kept: int, most: int, name: str) -> None:
    """Assert that `page` has the entries after `after`, up to `most` of them, in a journal that ends with `last`.

    `kept` is the sequence number of its checkpoint. Raises Compacted where that has one, StorageError for `name`.
    """
    check_reaches(after, last)
    expected = range(after + 1, min(last, after + most) + 1)
    missing = next((n for n, entry in zip_longest(expected, page) if entry is None or entry.sequence != n), None)
    if missing is None:
        return
    if missing <= kept:
        raise Compacted(f"{name}: journal entry {missing} is part of the checkpoint of entry {kept}")
    raise StorageError(f"{name}: journal entry {missing} is missing")


def check_reaches(after: int, last: int) -> None:
    """Assert that a journal that ends with `last` is one in which `after` was seen. Raises StorageError."""
    if last < after:
        raise StorageError(f"the journal ends at entry {last}, and {after} was seen before: it is an older copy")
