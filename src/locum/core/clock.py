"""Clock and entropy source, and timestamp formats.

A `Clock` returns the current time in seconds since 1970-01-01T00:00:00Z; an `Entropy` returns the requested
number of random bytes. Both are passed in from the composition root, so that tests can use fixed values.
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
"""The length of a day in seconds."""

system_clock: Clock = time.time
system_entropy: Entropy = secrets.token_bytes


def pooled(source: Entropy, size: int = 4096) -> Entropy:
    """A buffer over `source`, which is read `size` bytes at a time, to save system calls.

    Thread-safe: every byte is returned once.
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
    """Format `instant` (epoch seconds) in AWS's format, in whole seconds and UTC: `2026-01-31T12:00:00Z`."""
    return datetime.fromtimestamp(int(instant), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso8601_ms(instant: float) -> str:
    """Format `instant` (epoch seconds) as in AWS's messages, with milliseconds: `2026-01-31T12:00:00.000Z`."""
    return datetime.fromtimestamp(instant, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
