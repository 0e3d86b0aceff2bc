"""The limits of a ledger: sizes, intervals and patience."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for batches, compaction, following, and waiting for storage. Times are in seconds.

    `delay` and `rows`: an audit row is written at the latest after one or with the other. `buffer`: so many rows
    waiting make the next one wait for the disk. `checkpoint`: entries after which the journal is compacted. `keep`:
    entries that compaction leaves for followers. `layers`: octets of a checkpoint's layers that are not too many,
    however small its base is. Housekeeping of the event history is due after `maintenance` rows and done in the next
    pause, which is `pause` without a write; after `overdue` rows it waits no more.

    `retries`: how often what met a passing fault of storage is tried again, after `backoff`, twice that, and so on.
    Storage that did not work then is tried again every `probe`. `follow`: for how long the follower of other handles
    waits at once. `recent`: changes kept in memory for subscribers. `stale`: for how long the state of a shared journal
    may be served after it was last known to be current; where it is older, the journal is asked, for up to `ask`.
    """

    delay: float = 0.05
    rows: int = 500
    buffer: int = 20_000
    checkpoint: int = 2_000
    keep: int = 1_000
    layers: int = 1 << 20
    maintenance: int = 4_096
    pause: float = 1.0
    overdue: int = 131_072
    retries: int = 4
    backoff: float = 0.1
    probe: float = 1.0
    follow: float = 0.5
    recent: int = 1_000
    stale: float = 2.0
    ask: float = 0.25
