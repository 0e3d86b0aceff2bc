"""Moves a journal into another place, entry for entry and row for row, and compares what came out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import islice
from typing import Final, NamedTuple, TypeVar

from locum.audit.record import decode
from locum.core.errors import StorageError
from locum.state import Account
from locum.store import Compacted, Journal, Used
from locum.store.checkpoint import load
from locum.store.importing import Beginning, Import, Importer
from locum.store.journal import AuditRow, Found

_AT_ONCE: Final = 1_000
T = TypeVar("T")


class Content(NamedTuple):
    """What there is in a journal: counts, the last numbers, and a digest of the rows, with their positions."""

    installation: str
    last: int
    checkpoint: int
    entries: int
    rows: int
    position: int
    digest: str
    uses: int
    former: int
    remembered: float

    def told(self) -> str:
        """It as a line."""
        return f"{self.entries} entries up to {self.last}, {self.rows} records, {self.uses} last uses"


def move(source: Journal, target: Importer, opened: Callable[[], Journal]) -> Content:
    """Write all that `source` has, which nobody else uses, to `target`, and compare it with what `opened` has then.

    Raises LocumError where the target has something in it, or is not the same.
    """
    first = _first_kept(source)
    state, beginning = load(source), Beginning(source.installation, first, source.remembered())
    with target.importing(beginning) as into:
        _state_to(into, source, first)
        accounts = {account.account for account in state.every(Account)} | _rows_to(into, source)
        for uses in _batches(_uses(source, accounts)):
            into.uses(uses)
    with closing(opened()) as made:
        before, after = content(source, accounts), content(made, accounts)
        if before != after or load(made) != state:
            raise StorageError(f"the copy is not what it is a copy of: {after.told()}, in place of {before.told()}")
        made.hold(source.held())
    return after


def content(journal: Journal, accounts: Iterable[str]) -> Content:
    """What there is in a journal."""
    digest, rows, position = hashlib.sha256(), 0, 0
    for position, data in _rows(journal):
        rows += 1
        digest.update(b"%d %d " % (position, len(data)) + data)
    uses = sum(1 for _ in _uses(journal, accounts))
    entries = sum(1 for _ in journal.read(_first_kept(journal)))
    remembered = journal.remembered()
    former = sum(1 for _ in journal.former(remembered))
    numbers = journal.last(), journal.checkpointed(), entries, rows, position
    return Content(journal.installation, *numbers, digest.hexdigest(), uses, former, remembered)


def _state_to(into: Import, source: Journal, first: int) -> None:
    """Write entries, checkpoint and what takes entries back."""
    found = source.checkpoint()
    if found is not None:
        into.checkpoint(*found)
    for entries in _batches(source.read(first)):
        into.entries(entries)
    for former in _batches(source.former(source.remembered())):
        into.former(former)


def _rows_to(into: Import, source: Journal) -> set[str]:
    """Write the audit rows; the accounts that they are of."""
    accounts = set[str]()
    for page in _batches(_rows(source)):
        rows = [(position, _row(data)) for position, data in page]
        accounts.update(row.account for _, row in rows)
        into.rows(rows)
    return accounts


def _row(data: bytes) -> AuditRow:
    """The row of a record, octet for octet: a record has all that it is looked up by."""
    return decode(data).row()._replace(data=data)


def _rows(journal: Journal) -> Iterator[Found]:
    after = 0
    while page := journal.scan(after, _AT_ONCE):
        yield from page
        after = page[-1].position


def _uses(journal: Journal, accounts: Iterable[str]) -> Iterator[Used]:
    for account in sorted(accounts):
        yield from journal.uses(account)


def _first_kept(journal: Journal) -> int:
    """The entry before the first one that is kept. Those that are kept have no gap, so halves are enough."""
    gone, kept = 0, journal.checkpointed()
    while gone < kept:
        middle = (gone + kept) // 2
        if _reaches(journal, middle):
            kept = middle
        else:
            gone = middle + 1
    return kept


def _reaches(journal: Journal, after: int) -> bool:
    try:
        next(iter(journal.read(after)), None)
    except Compacted:
        return False
    return True


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    coming = iter(items)
    while batch := list(islice(coming, _AT_ONCE)):
        yield batch
