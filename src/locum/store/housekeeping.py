"""Housekeeping of a ledger, in the pauses: compaction of the journal, and upkeep of the event history."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Future
from functools import partial

from locum.core.clock import Clock
from locum.core.errors import PassingStorageError, StorageError
from locum.state import State
from locum.store.compaction import Compaction
from locum.store.journal import Journal
from locum.store.limits import Limits
from locum.store.writer import BatchWriter

_log = logging.getLogger("locum.store")


class Housekeeping:
    """Compaction and upkeep of a journal, between writes. `compaction` takes its checkpoints."""

    def __init__(
        self, journal: Journal, clock: Clock, limits: Limits, writer: BatchWriter, compaction: Compaction
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._limits = limits
        self._writer = writer
        self._compaction = compaction
        self._due = compaction.compacted + limits.checkpoint
        self._compacting: asyncio.Task[None] | None = None
        self._pause: asyncio.TimerHandle | None = None
        writer.at_rest = self._rest

    async def close(self) -> None:
        """Begin nothing more, and wait for what is under way."""
        if self._pause is not None:
            self._pause.cancel()
        self._compaction.end()
        if self._compacting is not None:
            await asyncio.gather(self._compacting, return_exceptions=True)

    def _rest(self) -> None:
        """Nothing is waiting to be written: begin what is due."""
        if self._writer.unmaintained >= self._limits.overdue:
            self._maintain()
            return
        self._compact_if_due()
        if self._writer.unmaintained >= self._limits.maintenance:
            self._await_pause()

    def _await_pause(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        self._pause = asyncio.get_running_loop().call_later(self._limits.pause, self._maintain)

    def _maintain(self) -> None:
        if not (self._writer.busy or self._writer.barred):
            self._writer.run(partial(self._journal.maintain, self._clock()), self._maintained)

    def _maintained(self, done: Future[bool]) -> None:
        writer, error = self._writer, done.exception()
        if isinstance(error, PassingStorageError):
            _log.warning("the event history is put in order later: %s", error)
        elif error is not None:
            writer.fail(error)
            return
        elif not done.result():
            writer.unmaintained = 0
        elif not writer.gathering.rows and not writer.gathering.batch.waiters:
            self._maintain()
            return
        writer.go_on()

    def _compact_if_due(self) -> None:
        state = self._writer.state
        if state.sequence >= self._due and self._compacting is None:
            self._compacting = asyncio.get_running_loop().create_task(self._compact(state))

    async def _compact(self, state: State) -> None:
        try:
            await self._compaction.take(state)
        except PassingStorageError as error:
            _log.warning("the journal is compacted later: %s", error)
        except StorageError as error:
            self._writer.fail(error)
        finally:
            self._due = max(self._compaction.compacted, state.sequence) + self._limits.checkpoint
            self._compacting = None
