"""Following: a thread that waits for what other handles append to the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future

from locum.core.errors import PassingStorageError
from locum.store.journal import Journal
from locum.store.limits import Limits
from locum.store.workers import Workers


class Following:
    """A thread that waits for new entries. `heard` is told the last sequence number, on the event loop.

    A passing fault of storage is waited out for as long as it lasts. Any other one ends it: `failed` is told.
    """

    def __init__(
        self, journal: Journal, limits: Limits, heard: Callable[[int], None], failed: Callable[[BaseException], None]
    ) -> None:
        self._follower = journal.follow()
        self._thread = Workers(1, "locum-follower", limits)
        self._limits = limits
        self._heard = heard
        self._failed = failed

    def start(self, after: int) -> None:
        """Wait for what comes after entry `after`."""
        self._thread.run(lambda: self._follower.wait(after, self._limits.follow), lambda done: self._woken(after, done))

    def close(self) -> None:
        """Wait no more. Idempotent."""
        self._follower.close()
        self._thread.close()

    def _woken(self, after: int, done: Future[int]) -> None:
        error = done.exception()
        if error is None:
            last = max(done.result(), after)
            if last > after:
                self._heard(last)
            self.start(last)
        elif isinstance(error, PassingStorageError):
            asyncio.get_running_loop().call_later(self._limits.probe, self.start, after)
        else:
            self._failed(error)
