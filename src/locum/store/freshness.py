"""How long ago the state of a shared journal was certainly current.

What counts is the last time that the journal was asked for its end and the state had all of it, never an error: a
connection that is dead without a word answers nothing, and raises nothing either. The time is that before the question,
by a clock that no one sets and that goes on while the machine sleeps.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Final

from locum.core.clock import Clock

_NEVER: Final = float("-inf")


class Freshness:
    """The age of a state, of which `view` tells the sequence number; `bound` (seconds) is how old it may be.

    For any thread.
    """

    def __init__(self, view: Callable[[], int], bound: float, uptime: Clock) -> None:
        self._view = view
        self._bound = bound
        self._uptime = uptime
        self._lock = Lock()
        self._current_at = _NEVER
        self._pending: tuple[float, int] | None = None

    @property
    def age(self) -> float:
        """Seconds since the state was known to be current; infinite where it never was."""
        return self._uptime() - self._current_at

    @property
    def stale(self) -> bool:
        """Whether the state is older than it may be."""
        return self._uptime() - self._current_at > self._bound

    def told(self, asked: float, last: int) -> None:
        """The journal, asked at `asked`, ended with entry `last`: the state is of then, once it has that."""
        with self._lock:
            if self._view() >= last:
                self._current_at = max(self._current_at, asked)
                self._pending = None
            elif self._pending is None:
                self._pending = asked, last

    def reached(self) -> None:
        """The state has entries that it had not."""
        with self._lock:
            if self._pending is not None and self._view() >= self._pending[1]:
                self._current_at = max(self._current_at, self._pending[0])
                self._pending = None
