"""Following: a thread that waits for what other handles append to the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from threading import Event

from locum.core.clock import Clock
from locum.core.errors import PassingStorageError
from locum.store.freshness import Freshness
from locum.store.journal import Journal, check_reaches
from locum.store.limits import Limits
from locum.store.workers import Workers


class Following:
    """A thread that waits for new entries. `heard` is told the last sequence number, on the event loop.

    `freshness` is told of each look at the journal, in the thread: a loop that is busy makes no state old. A passing
    fault of storage is waited out for as long as it lasts. Any other one ends it: `failed` is told.
    """

    def __init__(
        self,
        journal: Journal,
        limits: Limits,
        freshness: Freshness,
        uptime: Clock,
        heard: Callable[[int], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._follower = journal.follow()
        self._thread = Workers(1, "locum-follower", limits)
        self._limits = limits
        self._freshness = freshness
        self._uptime = uptime
        self._heard = heard
        self._failed = failed
        self._over = Event()

    def start(self, after: int) -> None:
        """Wait for what comes after entry `after`, which is looked for at once."""
        self._run(after, 0.0)

    def close(self) -> None:
        """Wait no more. Idempotent."""
        self._over.set()
        self._follower.close()
        self._thread.close()

    def _run(self, after: int, patience: float) -> None:
        self._thread.run(lambda: self._news(after, patience), lambda done: self._woken(after, done))

    def _news(self, after: int, patience: float) -> int:
        """In the thread: the last sequence number, once it is beyond `after`. The first wait is for `patience`."""
        while not self._over.is_set():
            asked = self._uptime()
            last = self._follower.wait(after, patience)
            if self._over.is_set():
                break
            check_reaches(after, last)
            self._freshness.told(asked, last)
            if last > after:
                return last
            patience = self._limits.follow
        return after

    def _woken(self, after: int, done: Future[int]) -> None:
        error = done.exception()
        if error is None:
            last = done.result()
            if last > after:
                self._heard(last)
            self._run(last, self._limits.follow)
        elif isinstance(error, PassingStorageError):
            asyncio.get_running_loop().call_later(self._limits.probe, self.start, after)
        else:
            self._failed(error)
