"""Streams of Kinesis and of DynamoDB's tables as event sources: each shard is read in its order, batch after batch.

AWS Lambda Developer Guide, "Using Lambda with Kinesis" and "Using Lambda with DynamoDB".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

from locum.agents.functions.mapping_checks import stream_problem
from locum.agents.functions.mapping_requests import TABLE, patterns_of
from locum.agents.functions.shard_batches import ShardBatches
from locum.agents.functions.source_events import Record, change_record, passes, stream_record
from locum.agents.functions.sources import Lost, Source, pause
from locum.agents.functions.stream_calls import StreamCalls
from locum.agents.waiting import rung
from locum.core.clock import Clock
from locum.core.errors import Fault, LocumError
from locum.core.event_patterns import event_pattern
from locum.core.event_sources import EventSourceMapping

IDLE: Final = 60.0
"""Seconds until a shard in which there was nothing is looked at again, at the latest, though nobody has written to it
through Locum. At first it is after 1, 2, 4 ... seconds."""


class StreamReader:
    """Reads the stream of a mapping. `listening` tells of what is written to it.

    `read` has the last sequence number of each shard that was processed, also by the readers before this one.
    """

    def __init__(
        self,
        source: Source,
        mapping: EventSourceMapping,
        listening: Callable[[str], AbstractContextManager[asyncio.Event]],
        clock: Clock,
        read: dict[str, str],
    ) -> None:
        self._source = source
        self._mapping = mapping
        self._settings = mapping.settings
        self._listening = listening
        self._calls = StreamCalls(mapping, source.call)
        self._batches = ShardBatches(source, mapping, clock)
        self._patterns = [event_pattern(text) for text in patterns_of(mapping.settings)]
        self._read = read
        self._shards: dict[str, asyncio.Task[None]] = {}
        self._under_way: set[asyncio.Future[None]] = set()

    async def run(self) -> None:
        """Read all shards, and those that come of them, until this is cancelled."""
        failures = 0
        first = True
        try:
            while True:
                try:
                    self._begin(await self._calls.shards(), first=first)
                    first, failures = False, 0
                except (LocumError, Lost) as error:
                    failures += 1
                    self._source.say(f"PROBLEM: {self._problem(error)}")
                    await asyncio.sleep(pause(failures))
                    continue
                reading = [task for task in self._shards.values() if not task.done()]
                if reading:  # a shard that has ended may have others behind it
                    ended, _ = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)
                    for task in ended:
                        task.result()  # raises what ended it
                else:
                    await asyncio.sleep(IDLE)
        finally:
            for task in self._shards.values():
                task.cancel()

    async def finish(self) -> None:
        """Wait for the invocations that are under way; what they do not process is left."""
        self._batches.stop()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def abandon(self) -> None:
        """Cancel the batches that are under way."""
        for batch in self._under_way:
            batch.cancel()

    def _begin(self, shards: list[dict[str, Any]], *, first: bool) -> None:
        """Read the shards that are new, those that came of another one after that."""
        for shard in shards:
            name, parent = shard["ShardId"], self._shards.get(shard.get("ParentShardId") or "")
            if name not in self._shards and (parent is None or parent.done()):
                self._shards[name] = asyncio.ensure_future(self._follow(name, first=first))

    async def _follow(self, shard: str, *, first: bool) -> None:
        """Read a shard to its end; one that came later, from its beginning."""
        arn = str(self._mapping.source)
        with self._listening(arn.partition("/stream/")[0] if self._mapping.source.service == TABLE else arn) as bell:
            iterator: str | None = None
            failures = empty = 0
            while True:
                bell.clear()
                try:
                    iterator = iterator or await self._iterator(shard, first=first)
                    found, following = await self._calls.records(iterator, self._settings["BatchSize"])
                    failures = 0
                except (LocumError, Lost) as error:
                    failures, iterator = failures + 1, None
                    self._source.say(f"PROBLEM: {self._problem(error)}")
                    await asyncio.sleep(pause(failures))
                    continue
                if found:
                    empty = 0
                    await self._process(shard, found)
                    self._read[shard] = _sequence(found[-1])
                elif following is not None:
                    empty = 0 if await rung(bell, min(2.0**empty, IDLE)) else min(empty + 1, 16)
                if following is None:
                    return
                iterator = following

    async def _iterator(self, shard: str, *, first: bool) -> str:
        """The iterator to begin with, or to go on with after what was read. Raises Fault."""
        if last := self._read.get(shard):
            return await self._calls.iterator(shard, "AFTER_SEQUENCE_NUMBER", **{_STARTING[self._calls.service]: last})
        kind = self._settings["StartingPosition"] if first else "TRIM_HORIZON"
        at = {"Timestamp": self._settings["StartingPositionTimestamp"]} if kind == "AT_TIMESTAMP" else {}
        return await self._calls.iterator(shard, kind, **at)

    async def _process(self, shard: str, found: list[dict[str, Any]]) -> None:
        """Have the function process a batch, which goes on though the reading ends."""
        source = self._mapping.source
        if source.service == TABLE:
            records: list[Record] = [change_record(one, source) for one in found]
        else:
            records = [stream_record(one, source, shard, self._source.role()) for one in found]
        passing = [one for one in records if passes(self._patterns, one, "")]
        if not passing:
            return
        batch = asyncio.ensure_future(self._batches.process(shard, passing))
        self._under_way.add(batch)
        batch.add_done_callback(self._under_way.discard)
        await asyncio.shield(batch)

    def _problem(self, error: Exception) -> str:
        if isinstance(error, Fault):
            return stream_problem(self._mapping.source, error)
        return "Function not found" if isinstance(error, Lost) else str(error)


_STARTING: Final = {"kinesis": "StartingSequenceNumber", "dynamodbstreams": "SequenceNumber"}


def _sequence(record: dict[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"] if "dynamodb" in record else record["SequenceNumber"])
