"""The reading of event sources: one task for each event source mapping that is there, and none where there is none.

A mapping that is changed is read anew once the batches of before are over; one that is deleted goes when they are.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from locum.agents.functions.mapping_requests import QUEUE
from locum.agents.functions.queue_source import QueueReader
from locum.agents.functions.sources import Plane, Reader, Source
from locum.agents.functions.stream_source import StreamReader
from locum.core.event_sources import DELETING, DISABLED, ENABLED, EventSourceMapping, Mappings
from locum.core.functions import Find

_log: Final = logging.getLogger("locum.agents")


MakeReader = Callable[[EventSourceMapping, Callable[[str], None], dict[str, str]], Reader]
"""(mapping, what is told how it goes, the last record that was read of each shard) -> its reader."""


class EventSources:
    """Has the sources of mappings read. `mappings` is told the states that they come to, and how it goes."""

    def __init__(self, plane: Plane, find: Find, mappings: Mappings) -> None:
        self._plane = plane
        self._find = find
        self._mappings = mappings
        self._keepers: dict[tuple[str, str, str], _Keeper] = {}

    def begin(self, mapping: EventSourceMapping) -> None:
        """Read the source of `mapping` from now on, as it is now; not where it is disabled."""
        keeper = self._keepers.get(mapping.key)
        if keeper is not None:
            keeper.change(mapping)
            return
        keeper = self._keepers[mapping.key] = _Keeper(mapping, self._reader, self._mappings)
        keeper.task.add_done_callback(lambda _: self._keepers.pop(mapping.key, None))

    end = begin
    """End the reading of a mapping whose state is Deleting; it is removed once its batches are over."""

    async def close(self, account: str | None = None) -> None:
        """End all, or all of an account, at once. What was received and not processed is visible in its queue again."""
        keepers = [keeper for key, keeper in self._keepers.items() if account in (None, key[0])]
        for keeper in keepers:
            keeper.abandon()
        await asyncio.gather(*(keeper.task for keeper in keepers), return_exceptions=True)

    def _reader(self, mapping: EventSourceMapping, say: Callable[[str], None], read: dict[str, str]) -> Reader:
        source = Source(self._plane, self._find, mapping, say)
        if mapping.source.service == QUEUE:
            return QueueReader(source, mapping, self._plane.listening)
        return StreamReader(source, mapping, self._plane.listening, self._plane.clock, read)


class _Progress(dict[str, str]):
    """The last record that was read of each shard, kept beside the mapping."""

    def __init__(self, mapping: EventSourceMapping, mappings: Mappings) -> None:
        super().__init__(mappings.read_before(mapping))
        self._mapping = mapping
        self._mappings = mappings

    def __setitem__(self, shard: str, sequence: str) -> None:
        super().__setitem__(shard, sequence)
        self._mappings.progress(self._mapping, self)


class _Keeper:
    """The reading of one mapping, through its changes, until it is deleted."""

    def __init__(
        self,
        mapping: EventSourceMapping,
        read: MakeReader,
        mappings: Mappings,
    ) -> None:
        self._wanted = mapping
        self._read = read
        self._mappings = mappings
        self._said = mapping.result
        self._progress = _Progress(mapping, mappings)
        self._changed = asyncio.Event()
        self._reader: Reader | None = None
        self.task = asyncio.get_running_loop().create_task(self._run())

    def change(self, mapping: EventSourceMapping) -> None:
        """Go on with `mapping` as it is now."""
        self._wanted = mapping
        self._changed.set()

    def abandon(self) -> None:
        """End, with the batches that are under way."""
        self.task.cancel()
        if self._reader is not None:
            self._reader.abandon()

    async def _run(self) -> None:
        while self._wanted.state != DELETING:
            mapping = self._wanted
            self._changed.clear()
            self._settled(ENABLED if mapping.enabled else DISABLED)
            if mapping.enabled:
                self._reader = self._read(mapping, self._say, self._progress)
                await self._read_until_changed(self._reader)
            else:
                await self._changed.wait()
        self._mappings.remove(self._wanted)

    async def _read_until_changed(self, reader: Reader) -> None:
        reading = asyncio.ensure_future(reader.run())
        waiting = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait((reading, waiting), return_when=asyncio.FIRST_COMPLETED)
            if reading.done() and not reading.cancelled() and (error := reading.exception()) is not None:
                _log.error("event source mapping %s is not read any more", self._wanted.uuid, exc_info=error)
                self._say(f"PROBLEM: {error}")
                await waiting
        finally:
            for task in (reading, waiting):
                task.cancel()
            await asyncio.gather(reading, waiting, return_exceptions=True)
        await reader.finish()

    def _settled(self, state: str) -> None:
        """Note the state that the mapping has come to."""
        kept = self._mappings.find(*self._wanted.key)
        if kept is not None and kept.state != DELETING:
            self._mappings.put(replace(kept, state=state))

    def _say(self, result: str) -> None:
        """Note how the last reading or invocation went."""
        if result == self._said:
            return
        kept = self._mappings.find(*self._wanted.key)
        if kept is not None:
            self._mappings.put(replace(kept, result=result))
        self._said = result
