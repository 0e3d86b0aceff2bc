"""A journal beyond a connection that can go dead: it then answers nothing, and raises nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from threading import Condition

from locum.store import Entry
from locum.store.doorbell import BellFollower
from locum.store.memory import MemoryJournal


class Uptime:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class SilentFollower:
    """A follower of a `SilentJournal`, which looks once for each `look` of it."""

    def __init__(self, journal: SilentJournal, follower: BellFollower) -> None:
        self._journal = journal
        self._follower = follower
        self._closed = False

    def wait(self, after: int, _timeout: float) -> int:
        journal = self._journal
        with journal.changed:
            journal.waiting += 1
            journal.changed.notify_all()
            journal.changed.wait_for(lambda: journal.looks or self._closed)
            journal.looks = max(journal.looks - 1, 0)
        return self._follower.wait(after, 0.0)

    def close(self) -> None:
        with self._journal.changed:
            self._closed = True
            self._journal.changed.notify_all()
        self._follower.close()


class SilentJournal(MemoryJournal):
    """A handle, of whose follower nothing is heard but where the test says `look`.

    `last` is dead while `dead`, and `read` while `unreadable`.
    """

    def __init__(self, of: MemoryJournal) -> None:
        super().__init__(of.installation, shared=True, held=of._held)
        self.changed = Condition()
        self.looks = self.waiting = 0
        self.dead = self.asked = self.unreadable = False

    def follow(self) -> SilentFollower:  # type: ignore[override] # a follower like any other
        return SilentFollower(self, super().follow())

    def last(self) -> int:
        with self.changed:
            self.asked = True
            self.changed.notify_all()
            self.changed.wait_for(lambda: not self.dead)
        return super().last()

    def read(self, after: int) -> Iterator[Entry]:
        with self.changed:
            self.changed.wait_for(lambda: not self.unreadable)
        return super().read(after)

    def die(self) -> None:
        """The connection is dead from now on."""
        with self.changed:
            self.dead, self.asked = True, False

    def live(self) -> None:
        """It is not dead any more."""
        with self.changed:
            self.dead = self.unreadable = False
            self.changed.notify_all()

    async def look(self) -> None:
        """Have the follower look once, and wait until the ledger was told what it saw."""

        def looked() -> None:
            with self.changed:
                assert self.changed.wait_for(lambda: self.waiting, 30)
                self.looks, before = self.looks + 1, self.waiting
                self.changed.notify_all()
                assert self.changed.wait_for(lambda: self.waiting > before, 30)

        await asyncio.to_thread(looked)

    async def question(self) -> None:
        """Wait until somebody has asked for the end of a journal that is dead."""

        def asked() -> None:
            with self.changed:
                assert self.changed.wait_for(lambda: self.asked, 30)

        await asyncio.to_thread(asked)
