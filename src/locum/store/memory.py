"""A journal in memory: the production interface for tests and throw-away planes. Nothing outlives it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from threading import Lock

from locum.core.clock import DAY
from locum.core.errors import StorageError
from locum.store.journal import (
    AuditQuery,
    AuditRow,
    Entry,
    Field,
    Found,
    Retention,
    SequenceConflict,
    Use,
    Used,
    check_follows,
)


class MemoryJournal:
    """`entries` and `rows` may be looked at, not changed."""

    def __init__(self, installation: str = "memory", retention: Retention = Retention()) -> None:  # noqa: B008 - frozen
        self.installation = installation
        self.entries: list[Entry] = []
        self.rows: list[tuple[int, AuditRow]] = []
        self._uses: dict[Use, float] = {}
        self._retention = retention
        self._last = 0
        self._position = 0
        self._checkpoint: tuple[int, list[bytes]] | None = None
        self._lock = Lock()

    def append(self, batch: Sequence[Entry], audit: Sequence[AuditRow], expected: int) -> None:
        check_follows(batch, expected)
        with self._lock:
            if self._last != expected:
                raise SequenceConflict(f"the last entry is {self._last}, not {expected}")
            self.entries.extend(batch)
            self._last += len(batch)
            self._store(audit)

    def record(self, rows: Sequence[AuditRow]) -> None:
        with self._lock:
            self._store(rows)

    def last(self) -> int:
        return self._last

    def read(self, after: int) -> Iterator[Entry]:
        with self._lock:
            found = [entry for entry in self.entries if entry.sequence > after]
            missing = len(found) != max(0, self._last - after)
        if missing:
            raise StorageError(f"entries after {after} were compacted into a checkpoint")
        return iter(found)

    def save_checkpoint(self, sequence: int, parts: Iterable[bytes], keep: int = 0) -> None:
        stored = list(parts)
        with self._lock:
            self._checkpoint = (sequence, stored)
            self.entries = [entry for entry in self.entries if entry.sequence > sequence - keep]

    def checkpoint(self) -> tuple[int, Iterator[bytes]] | None:
        return None if self._checkpoint is None else (self._checkpoint[0], iter(self._checkpoint[1]))

    def find(self, query: AuditQuery) -> list[Found]:
        found: list[Found] = []
        with self._lock:
            for position, row in reversed(self.rows):
                if len(found) >= query.limit:
                    break
                if (query.before is None or position < query.before) and matches(row, query):
                    found.append(Found(position, row.data))
        return found

    def uses(self, account: str, principal: str | None = None) -> list[Used]:
        with self._lock:
            return [
                Used(*use, at)
                for use, at in self._uses.items()
                if use.account == account and principal in (None, use.principal)
            ]

    def maintain(self, now: float) -> bool:
        with self._lock:
            oldest = now - self._retention.days * DAY
            self.rows = [row for row in self.rows[-self._retention.rows :] if row[1].at >= oldest]
        return False

    def close(self) -> None:
        """Nothing to release."""

    def _store(self, rows: Sequence[AuditRow]) -> None:
        for row in rows:
            self._position += 1
            self.rows.append((self._position, row))
            if row.use is not None:
                self._uses[row.use] = max(row.at, self._uses.get(row.use, 0.0))


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
