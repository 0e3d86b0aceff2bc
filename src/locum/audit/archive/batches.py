"""What one file of an archive has: it follows from the history alone, so that a second try writes the same.

A file is full, or there is a record of a later day: then nothing that comes later belongs to it. Records of
unauthenticated calls are not archived, as anybody can cause them; they are passed over.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from locum.audit.record import decode
from locum.core.clock import DAY
from locum.store.journal import Journal

MOST: Final = 20_000
"""Records in a file."""
_PAGE: Final = 1_000


class Batch(NamedTuple):
    """The rows of a file, with their positions, and the time of the first. It is for positions up to `last`."""

    rows: list[tuple[int, bytes]]
    last: int
    at: float


def next_batch(journal: Journal, after: int, most: int = MOST) -> Batch | None:
    """The file after a position; None where it is not complete yet. Blocks."""
    rows: list[tuple[int, bytes]] = []
    begun, last = 0.0, after
    while page := journal.scan(last, _PAGE):
        for position, data in page:
            record = decode(data)
            if not record.stranger:
                begun = begun or record.at
                if record.at // DAY > begun // DAY:
                    return Batch(rows, last, begun)
                rows.append((position, data))
            last = position
            if len(rows) == most:
                return Batch(rows, last, begun)
    return None
