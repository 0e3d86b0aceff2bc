"""Time and chance, as parameters.

A `Clock` answers the current instant in seconds since 1970-01-01T00:00:00Z; an `Entropy` answers that
many random bytes. Both are passed in from the composition root, so that a test can use a table.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import Final

Clock = Callable[[], float]
Entropy = Callable[[int], bytes]

DAY: Final = 86_400
"""Seconds."""

system_clock: Clock = time.time
system_entropy: Entropy = secrets.token_bytes


def pooled(source: Entropy, size: int = 4096) -> Entropy:
    """`source`, asked for `size` bytes at a time: a system call is dear, and every call takes some bytes.

    Every byte is given out once, to whichever thread.
    """
    lock = Lock()
    pool = memoryview(b"")

    def draw(count: int) -> bytes:
        nonlocal pool
        with lock:
            if len(pool) < count:
                pool = memoryview(source(max(size, count)))
            drawn, pool = bytes(pool[:count]), pool[count:]
            return drawn

    return draw


def iso8601(instant: float) -> str:
    """`instant` (epoch seconds) as AWS writes it, whole seconds in UTC: `2026-01-31T12:00:00Z`."""
    return datetime.fromtimestamp(int(instant), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso8601_ms(instant: float) -> str:
    """`instant` (epoch seconds) as AWS writes it in messages, with milliseconds: `2026-01-31T12:00:00.000Z`."""
    return datetime.fromtimestamp(instant, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
