"""Bells, which wake those who wait for a journal's next entry: every handle rings after its commit.

A bell says that there is something new. What it is, the journal has.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, Lock
from typing import Protocol


class Listener(Protocol):
    """One who listens to a bell."""

    def attend(self) -> None:
        """Be ready: `wait` ends with the first ring from now on."""
        ...

    def wait(self, seconds: float) -> None:
        """Wait for a ring after `attend`, for at most so many seconds."""
        ...

    def wake(self) -> None:
        """End the `wait` that is under way, and every later one. For any thread."""
        ...

    def close(self) -> None:
        """Listen no more."""
        ...


class LocalBell:
    """A bell for the handles of one process."""

    def __init__(self) -> None:
        self.condition = Condition()
        self.rings = 0

    def ring(self) -> None:
        """Wake all who wait."""
        with self.condition:
            self.rings += 1
            self.condition.notify_all()

    def listen(self) -> Listener:
        """One more listener."""
        return _LocalListener(self)


class _LocalListener:
    def __init__(self, bell: LocalBell) -> None:
        self._bell = bell
        self._heard = bell.rings
        self._woken = False

    def attend(self) -> None:
        self._heard = self._bell.rings

    def wait(self, seconds: float) -> None:
        with self._bell.condition:
            self._bell.condition.wait_for(lambda: self._woken or self._bell.rings != self._heard, seconds)

    def wake(self) -> None:
        self._woken = True
        self._bell.ring()

    def close(self) -> None:
        """Nothing to let go of."""


class BellFollower:
    """A `Follower` that looks at `last` whenever a bell rings, and every `poll` seconds to be sure.

    `last` answers the last sequence number of the journal; `release` lets go of what it looks with.
    """

    def __init__(self, last: Callable[[], int], listener: Listener, poll: float, release: Callable[[], None]) -> None:
        self._last = last
        self._listener = listener
        self._poll = poll
        self._release = release
        self._waiting = Lock()
        self._closed = False

    def wait(self, after: int, timeout: float) -> int:
        with self._waiting:
            while not self._closed:
                self._listener.attend()
                last = self._last()
                if last > after or timeout <= 0:
                    return last
                nap = min(timeout, self._poll)
                self._listener.wait(nap)
                timeout -= nap
            return after

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._listener.wake()
        with self._waiting:
            self._listener.close()
            self._release()
