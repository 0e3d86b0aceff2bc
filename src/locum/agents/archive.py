"""The archive of the event history: has complete files written, and what was not written kept in the journal."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from typing import Final, Protocol

from locum.agents.reconciling import Reconciler
from locum.audit.archive.batches import MOST, Batch, next_batch
from locum.audit.archive.place import Place
from locum.audit.archive.process import FileWriter, NotArchived
from locum.core.clock import Clock
from locum.state import Event
from locum.store import Journal, Ledger

EVERY: Final = 600.0
"""Seconds from one look to the next."""
AFTER_FAULT: Final = 60.0
"""Seconds until what could not be stored is tried again."""

_log: Final = logging.getLogger("locum.agents")


class Writer(Protocol):
    """What stores files (`audit.archive.process.FileWriter`)."""

    def store(self, where: Place, key: str, rows: list[tuple[int, bytes]]) -> None:
        """Store a file, or find that it is there. Blocks. Raises NotArchived."""
        ...

    def stop(self) -> None:
        """End what is under way."""
        ...


class Archive(Reconciler):
    """Archives the history of `journal` at `place`. The journal holds whatever was not written."""

    def __init__(
        self,
        ledger: Ledger,
        journal: Journal,
        clock: Clock,
        place: Place,
        writer: Writer | None = None,
        most: int = MOST,
    ) -> None:
        super().__init__(ledger, clock, "the archive")
        self._journal = journal
        self._place = place
        self._writer = writer or FileWriter()
        self._most = most

    async def reconcile(self) -> float | None:
        """Write all files that are complete."""
        after = await self._ledger.read(self._journal.held)
        if after is None:
            after = 0
            await self._ledger.hold(after)
        while (batch := await self._ledger.read(partial(next_batch, self._journal, after, self._most))) is not None:
            if not await self._written(batch):
                return self._clock() + AFTER_FAULT
            after = batch.last
            await self._ledger.hold(after)
        return self._clock() + EVERY

    async def close(self) -> None:
        """End. A file that was being written is written by the next start."""
        self._writer.stop()
        await super().close()

    def concerns(self, events: Sequence[Event] | None) -> bool:
        return False

    async def _written(self, batch: Batch) -> bool:
        """Whether the file is there. `rows` are in the order of positions."""
        key = self._place.key(self._journal.installation, batch.at, batch.rows[0][0])
        try:
            await asyncio.to_thread(self._writer.store, self._place, key, batch.rows)
        except NotArchived as error:
            _log.warning("%s; it is tried again, and they are kept in the journal until then", error)
            return False
        return True
