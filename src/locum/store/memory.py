"""A journal in memory: the production interface for tests and throw-away planes. Nothing outlives its handles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import dropwhile, islice, takewhile
from operator import itemgetter
from threading import Lock
from typing import Final

from locum.core.clock import DAY
from locum.core.errors import StorageError
from locum.store.doorbell import BellFollower, LocalBell
from locum.store.journal import (
    AuditQuery,
    AuditRow,
    Compacted,
    Entry,
    Field,
    Forgotten,
    Former,
    Found,
    Retention,
    SequenceConflict,
    Use,
    Used,
    check_follows,
    check_reaches,
)

_HOUR: Final = 3600.0


_Part = tuple[int, bool, int]
"""The place of a part: its sequence number, whether it is of a new base, its number."""


class _Held:
    """The data that all handles of one journal share. To be touched under `lock`."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.bell = LocalBell()
        self.entries: list[Entry] = []
        self.rows: list[tuple[int, AuditRow]] = []
        self.settled: dict[str, int] = {}
        self.uses: dict[Use, float] = {}
        self.last = 0
        self.position = 0
        self.checkpoint: int | None = None
        self.parts: dict[_Part, bytes] = {}
        self.base = 0
        self.new_base: tuple[str, int] | None = None
        self.former: list[Former] = []
        self.remembered = 0.0
        self.held: int | None = None

    def store(self, rows: Sequence[AuditRow]) -> None:
        for row in rows:
            self.position += 1
            self.rows.append((self.position, row))
            if row.use is not None:
                self.uses[row.use] = max(row.at, self.uses.get(row.use, 0.0))


class MemoryJournal:
    """A handle of a journal in memory (`Journal`). `entries` and `rows` may be looked at, not changed."""

    def __init__(
        self,
        installation: str = "memory",
        retention: Retention = Retention(),  # noqa: B008 - frozen
        *,
        shared: bool = False,
        held: _Held | None = None,
    ) -> None:
        self.installation = installation
        self.exclusive = not shared
        self._retention = retention
        self._held = held or _Held()
        self._followers: list[BellFollower] = []

    def another(self) -> MemoryJournal:
        """Another handle of the same journal. Raises StorageError where this one is exclusive."""
        if self.exclusive:
            raise StorageError("the journal is in use by another handle, which shares it with nobody")
        return MemoryJournal(self.installation, self._retention, shared=True, held=self._held)

    @property
    def entries(self) -> list[Entry]:
        """The entries that are kept."""
        return self._held.entries

    @property
    def rows(self) -> list[tuple[int, AuditRow]]:
        """The audit rows that are kept, and their positions."""
        return self._held.rows

    def append(self, batch: Sequence[Entry], audit: Sequence[AuditRow], expected: int, batch_id: str = "") -> None:
        check_follows(batch, expected)
        held, calls = self._held, [entry.call_id for entry in batch if entry.call_id]
        with held.lock:
            if held.last != expected:
                if batch_id and held.settled.get(batch_id) == expected + 1:
                    return
                raise SequenceConflict(f"the last entry is {held.last}, not {expected}")
            if len(set(calls)) < len(calls) or not held.settled.keys().isdisjoint(calls):
                raise SequenceConflict("the journal has an entry of one of these calls")
            held.entries.extend(entry._replace(former=b"") for entry in batch)
            held.former.extend(Former(it.sequence, it.at, it.former) for it in batch if it.former)
            held.last += len(batch)
            held.settled |= {entry.call_id: entry.sequence for entry in batch if entry.call_id}
            held.settled |= {batch_id: expected + 1} if batch_id else {}
            held.store(audit)
        held.bell.ring()

    def take_precedence(self) -> None:
        """Nobody has it: handles on one machine write in turns that they take by chance."""

    def leave_precedence(self) -> None:
        """There is none."""

    def settled(self, known_by: str) -> int | None:
        with self._held.lock:
            return self._held.settled.get(known_by)

    def record(self, rows: Sequence[AuditRow]) -> None:
        with self._held.lock:
            self._held.store(rows)

    def last(self) -> int:
        return self._held.last

    def read(self, after: int) -> Iterator[Entry]:
        held = self._held
        with held.lock:
            found = [entry for entry in held.entries if entry.sequence > after]
            last = held.last
        check_reaches(after, last)
        if len(found) < last - after:
            raise Compacted(f"entries after {after} were compacted into a checkpoint")
        return iter(found)

    def follow(self) -> BellFollower:
        follower = BellFollower(self.last, self._held.bell.listen(), _HOUR, lambda: None)
        self._followers.append(follower)
        return follower

    def save_checkpoint(self, sequence: int, parts: Iterable[bytes], keep: int = 0, upon: int | None = None) -> int:
        held, stored = self._held, {(sequence, False, number): part for number, part in enumerate(parts)}
        with held.lock:
            kept = held.checkpoint or 0
            if (held.checkpoint is not None and kept >= sequence) or upon not in (None, kept):
                return kept
            if upon is None or held.checkpoint is None:
                held.parts, held.new_base, held.base = {}, None, sequence
            held.checkpoint = sequence
            held.parts |= stored
            held.entries = [entry for entry in held.entries if entry.sequence > sequence - keep]
            held.settled = {name: at for name, at in held.settled.items() if at > sequence - keep}
        return sequence

    def begin_base(self, claim: str, sequence: int) -> bool:
        held = self._held
        with held.lock:
            if held.checkpoint != sequence:
                return False
            if held.new_base is not None:  # nobody completed it
                former = held.new_base[1]
                held.parts = {at: part for at, part in held.parts.items() if at[:2] != (former, True)}
            held.new_base = (claim, sequence)
        return True

    def extend_base(self, claim: str, first: int, parts: Sequence[bytes]) -> bool:
        held = self._held
        with held.lock:
            if held.new_base is None or held.new_base[0] != claim:
                return False
            held.parts |= {(held.new_base[1], True, number): part for number, part in enumerate(parts, first)}
        return True

    def finish_base(self, claim: str) -> bool:
        held = self._held
        with held.lock:
            if held.new_base is not None and held.new_base[0] == claim:
                first = (held.new_base[1], True, 0)
                held.parts = {at: part for at, part in held.parts.items() if at >= first}
                held.base, held.new_base = held.new_base[1], None
        return False

    def checkpoint_octets(self) -> tuple[int, int]:
        octets: Counter[tuple[int, bool]] = Counter()
        for at, part in self._held.parts.items():
            octets[at[:2]] += len(part)
        return max(octets.values(), default=0), octets.total()

    def checkpointed(self) -> int:
        return self._held.checkpoint or 0

    def checkpoint(self) -> tuple[int, Iterator[bytes]] | None:
        with self._held.lock:
            kept, parts = self._held.checkpoint, sorted(self._held.parts.items())
        return None if kept is None else (kept, iter([part for _, part in parts]))

    def layers(self, after: int) -> tuple[int, Iterator[bytes]] | None:
        held = self._held
        with held.lock:
            kept, parts = held.checkpoint or 0, sorted(held.parts.items())
            first = held.base
        if not first <= after < kept:
            return None
        return kept, iter([part for at, part in parts if at[0] > after])

    def find(self, query: AuditQuery) -> list[Found]:
        found: list[Found] = []
        with self._held.lock:
            for position, row in reversed(self._held.rows):
                if len(found) >= query.limit:
                    break
                if (query.before is None or position < query.before) and matches(row, query):
                    found.append(Found(position, row.data))
        return found

    def scan(self, after: int, limit: int) -> list[Found]:
        with self._held.lock:
            behind = (Found(position, row.data) for position, row in self._held.rows if position > after)
            return list(islice(behind, limit))

    def uses(self, account: str, principal: str | None = None) -> list[Used]:
        with self._held.lock:
            return [
                Used(*use, at)
                for use, at in self._held.uses.items()
                if use.account == account and principal in (None, use.principal)
            ]

    def former(self, at: float) -> Iterator[Former]:
        with self._held.lock:
            if at < self._held.remembered:
                raise Forgotten(self._held.remembered)
            return takewhile(lambda it: it.at > at, reversed(list(self._held.former)))

    def remembered(self) -> float:
        return self._held.remembered

    def hold(self, after: int | None) -> None:
        self._held.held = after

    def held(self) -> int | None:
        return self._held.held

    def maintain(self, now: float) -> bool:
        held, retention = self._held, self._retention
        with held.lock:
            first = now - retention.days * DAY
            if held.former and held.former[0].at < first:  # what is behind a younger one stays: see `former_table`
                held.former = list(dropwhile(lambda it: it.at < first, held.former))
                held.remembered = max(held.remembered, first)
            rows = [row for row in held.rows if row[1].at >= now - retention.days * DAY]
            known = [row for row in rows if not row[1].stranger][-retention.rows :]
            strangers = [row for row in rows if row[1].stranger][-retention.strangers :]
            after = self._held.held
            kept = [] if after is None else [row for row in held.rows if row[0] > after and not row[1].stranger]
            held.rows = sorted({row[0]: row for row in (*known, *strangers, *kept)}.values(), key=itemgetter(0))
        return False

    def close(self) -> None:
        for follower in self._followers:
            follower.close()


def matches(row: AuditRow, query: AuditQuery) -> bool:
    """Whether `row` is one that `query` asks for; position and limit aside. The meaning of a query, spelled out."""
    return (
        (query.account is None or row.account == query.account)
        and (query.start is None or row.at >= query.start)
        and (query.end is None or row.at <= query.end)
        and (query.read_only is None or row.read_only == query.read_only)
        and (query.denied is None or row.denied == query.denied)
        and (query.management is None or row.management == query.management)
        and (query.field is None or _has(row, query.field, query.value))
    )


def _has(row: AuditRow, field: Field, value: str) -> bool:
    if field is Field.RESOURCE_TYPE:
        return any(kind == value for kind, _ in row.resources)
    if field is Field.RESOURCE_NAME:
        return any(name == value for _, name in row.resources)
    return bool(getattr(row, field.value) == value)
