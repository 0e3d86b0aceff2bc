"""Clock and entropy source, and timestamp formats.

A `Clock` returns the current time in seconds since 1970-01-01T00:00:00Z; an `Entropy` returns the requested
number of random bytes. Both are passed in from the composition root, so that tests can use fixed values.

A plane has two times (ADR 27). The wall clock's is that of its clients: signatures, codes and tokens of others are
dated by it, and waits and durations are measured by it. The plane's own, a `MovableClock`, is that of all it keeps.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import Final, NamedTuple

Clock = Callable[[], float]
Entropy = Callable[[int], bytes]

DAY: Final = 86_400
"""The length of a day in seconds."""

system_clock: Clock = time.time


def system_uptime() -> float:
    """Seconds since the machine was started, those among them in which it slept: clock_gettime(2), CLOCK_BOOTTIME."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


system_entropy: Entropy = secrets.token_bytes


EARLIEST: Final = 946_684_800
LATEST: Final = 7_258_118_400
"""The bounds of the plane's time: 2000-01-01 and 2200-01-01. What is dated years later still has a date."""


class Instant(NamedTuple):
    """A moment: `now` by the plane's clock (epoch seconds), which is `ahead` seconds ahead of the wall clock."""

    now: float
    ahead: float = 0.0

    @property
    def wall(self) -> float:
        """The same moment by the wall clock (epoch seconds)."""
        return self.now - self.ahead

    def told(self, at: float) -> int:
        """The plane's time `at` by the clock of a client, who acts on it: the end of credentials, a notice."""
        return int(at) - round(self.ahead)


class MovableClock:
    """The plane's clock: `ahead` seconds ahead of `wall`, the wall clock; behind it where that is negative.

    Who waits until something is due by it is woken when it is moved (`on_move`). `keep` stores how far it is ahead,
    before it is so.
    """

    __slots__ = ("_keep", "_wakes", "ahead", "wall")

    def __init__(self, wall: Clock, ahead: float = 0.0, keep: Callable[[float], object] | None = None) -> None:
        self.wall = wall
        self.ahead = ahead
        self._keep = keep
        self._wakes: list[Callable[[], None]] = []

    def __call__(self) -> float:
        return self.wall() + self.ahead

    def instant(self) -> Instant:
        """The present moment, by both clocks."""
        return Instant(self.wall() + self.ahead, self.ahead)

    def on_move(self, wake: Callable[[], None]) -> None:
        """Have `wake` called whenever the clock was moved."""
        self._wakes.append(wake)

    def move(self, ahead: float) -> None:
        """Set the clock to be `ahead` seconds ahead.

        Raises ValueError where that is outside of the bounds, and what `keep` raises.
        """
        if not EARLIEST <= self.wall() + ahead < LATEST:  # never so for what is no number
            raise ValueError(f"the time can be from {iso8601(EARLIEST)} to {iso8601(LATEST)}")
        if self._keep is not None:
            self._keep(ahead)
        self.ahead = ahead
        for wake in self._wakes:
            wake()


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


def told_time(now: float, ahead: float) -> str:
    """The plane's time, and how far it is from the wall clock's: `2026-12-24T00:00:00Z, 6h ahead of the wall clock`."""
    if not round(ahead):
        return f"{iso8601(now)}, as the wall clock"
    days, rest = divmod(round(abs(ahead)), DAY)
    parts = {"d": days, "h": rest // 3600, "m": rest // 60 % 60, "s": rest % 60}
    span = " ".join(f"{number}{unit}" for unit, number in parts.items() if number)
    return f"{iso8601(now)}, {span} {'ahead of' if ahead > 0 else 'behind'} the wall clock"


def iso8601(instant: float) -> str:
    """Format `instant` (epoch seconds) in AWS's format, in whole seconds and UTC: `2026-01-31T12:00:00Z`."""
    return datetime.fromtimestamp(int(instant), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso8601_ms(instant: float) -> str:
    """Format `instant` (epoch seconds) as in AWS's messages, with milliseconds: `2026-01-31T12:00:00.000Z`."""
    return datetime.fromtimestamp(instant, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
