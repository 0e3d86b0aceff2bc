"""Batches of a shard: invoked for again and again until they are processed, too old, or tried often enough.

What comes after a batch waits for it. AWS Lambda Developer Guide, "Error handling" and "Retain discarded batches" of
streams.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from locum.agents.functions.batch_results import failed_items
from locum.agents.functions.mapping_requests import REPORTS_FAILURES, TABLE
from locum.agents.functions.source_events import Record, arrived, payloads, sequence_number
from locum.agents.functions.sources import FAILED, OK, Lost, Source, pause
from locum.agents.waiting import rung
from locum.core.arn import Arn, queue_url
from locum.core.clock import Clock, iso8601_ms
from locum.core.errors import Fault, LocumError
from locum.core.event_sources import EventSourceMapping

_EXHAUSTED: Final = "RetryAttemptsExhausted"
_TOO_OLD: Final = "RecordAgeExceeded"


class ShardBatches:
    """Has the function of `mapping` process batches of records."""

    def __init__(self, source: Source, mapping: EventSourceMapping, clock: Clock) -> None:
        settings = mapping.settings
        self._source = source
        self._mapping = mapping
        self._clock = clock
        self._retries: int = settings["MaximumRetryAttempts"]
        self._most_age: int = settings["MaximumRecordAgeInSeconds"]
        self._bisects: bool = settings["BisectBatchOnFunctionError"]
        self._reported = REPORTS_FAILURES in settings["FunctionResponseTypes"]
        destination = ((settings.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
        self._stopped = asyncio.Event()
        self._on_failure = Arn.find(destination or "")

    def stop(self) -> None:
        """Try nothing again."""
        self._stopped.set()

    async def process(self, shard: str, records: Sequence[Record]) -> None:
        """Process `records`, in as many events as their size takes; return when nothing more is to be done."""
        waiting = [batch for batch, _ in payloads(records)][::-1]
        while waiting and not self._stopped.is_set():
            rest = await self._tried(shard, waiting.pop())
            half = len(rest) // 2
            waiting += [part for part in (rest[half:], rest[:half]) if part]

    async def _tried(self, shard: str, records: list[Record]) -> list[Record]:
        """Try a batch until it is processed, given up, or to be split; the records that are left of it."""
        attempts = 0
        while records and not self._stopped.is_set():
            old = [one for one in records if self._is_old(one)]
            if old:
                await self._give_up(shard, old, _TOO_OLD, attempts)
                records = records[len(old) :]
                continue
            left = await self._invoked(records)
            attempts += 1
            if not left:
                return []
            attempts = attempts if len(left) == len(records) else 0
            if 0 <= self._retries < attempts and not (self._bisects and len(left) > 1):
                await self._give_up(shard, left, _EXHAUSTED, attempts)
                return []
            records = left
            if self._bisects and len(records) > 1:
                return records
            await rung(self._stopped, pause(max(attempts, 1)))
        return []

    async def _invoked(self, records: list[Record]) -> list[Record]:
        """Invoke the function; the records that it has left: all from the first one on that it did not process."""
        items = [sequence_number(one) for one in records]
        try:
            ((_, payload),) = payloads(records)
            failed = set(failed_items(await self._source.invoke(payload), items, reported=self._reported))
        except Fault as fault:
            self._source.say(f"PROBLEM: {fault.message}")
            return records
        self._source.say(FAILED if failed else OK)
        first = next((at for at, item in enumerate(items) if item in failed), len(records))
        return records[first:]

    def _is_old(self, record: Record) -> bool:
        return self._most_age >= 0 and self._clock() - arrived(record) > self._most_age

    async def _give_up(self, shard: str, records: Sequence[Record], condition: str, attempts: int) -> None:
        """Tell the destination of failures of a batch that is given up, as the execution role."""
        arn = self._on_failure
        if arn is None:
            return
        text = json.dumps(self._told(shard, records, condition, attempts))
        try:
            if arn.service == "sns":
                await self._source.call("sns", "Publish", {"TopicArn": str(arn), "Message": text})
            elif arn.service == "sqs":
                await self._source.call("sqs", "SendMessage", {"QueueUrl": queue_url(arn), "MessageBody": text})
        except (LocumError, Lost) as error:  # on record where it was refused
            self._source.say(f"PROBLEM: {error}")

    def _told(self, shard: str, records: Sequence[Record], condition: str, attempts: int) -> Mapping[str, Any]:
        first, last = records[0], records[-1]
        kind = "DDBStreamBatchInfo" if self._mapping.source.service == TABLE else "KinesisBatchInfo"
        told = {
            "requestContext": {
                "functionArn": self._mapping.function,
                "condition": condition,
                "approximateInvokeCount": attempts,
            },
            "version": "1.0",
            "timestamp": iso8601_ms(self._clock()),
            kind: {
                "shardId": shard,
                "startSequenceNumber": sequence_number(first),
                "endSequenceNumber": sequence_number(last),
                "approximateArrivalOfFirstRecord": iso8601_ms(arrived(first)),
                "approximateArrivalOfLastRecord": iso8601_ms(arrived(last)),
                "batchSize": len(records),
                "streamArn": str(self._mapping.source),
            },
        }
        if attempts:
            told["responseContext"] = {"statusCode": 200, "functionError": "Unhandled"}
        return told
