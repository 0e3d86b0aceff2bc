"""The task that has the outbox begin effects goes on after passing faults of storage."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from locum.agents.deliveries import Deliveries
from locum.calls.outbox import Outbox
from locum.core.errors import PassingStorageError
from locum.store import Entry
from locum.store.memory import MemoryJournal
from support.ledgers import NOW, QUICK, creates, opened, run, silent


class Locked(MemoryJournal):
    """A journal that cannot be read while it is `locked`."""

    locked = False

    def read(self, after: int) -> Iterator[Entry]:
        if self.locked:
            self.locked = False
            raise PassingStorageError("database is locked")
        return super().read(after)


class Begun:
    """Stands where the outbox is, and tells when it is to begin."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.asked = asyncio.Semaphore(0)

    def open(self) -> None:
        """It delivers from now on."""

    def begin(self) -> None:
        self.asked.release()

    async def close(self) -> None:
        """Nothing is under way."""


def test_a_watch_that_met_a_passing_fault_looks_at_the_state_and_goes_on() -> None:
    async def story() -> None:
        journal, outbox = Locked(), Begun()
        ledger = opened(journal, replace(QUICK, recent=1, retries=0))
        deliveries = Deliveries(cast("Outbox", outbox), ledger, lambda: NOW)
        deliveries.start()
        await asyncio.wait_for(outbox.asked.acquire(), 30)  # what is there at the start
        journal.locked = True
        await asyncio.gather(*(ledger.transact(creates(name), silent) for name in "abc"))  # more than memory keeps
        await asyncio.wait_for(outbox.asked.acquire(), 30)
        assert not journal.locked
        await deliveries.close()
        await ledger.close()

    run(story())
