"""The calls by which a stream is read: of Kinesis, or of a table of DynamoDB. The two differ in little but names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from locum.agents.functions.mapping_requests import TABLE
from locum.core.event_sources import EventSourceMapping

Ask = Callable[[str, str, Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""(service, operation, parameters) -> the answer. Raises Fault."""

MOST_RECORDS: Final = {"kinesis": 10_000, "dynamodbstreams": 1_000}
"""Of one GetRecords."""


class StreamCalls:
    """Reads the stream of `mapping` with `ask`."""

    def __init__(self, mapping: EventSourceMapping, ask: Ask) -> None:
        source = mapping.source
        self._ask = ask
        self.service = "dynamodbstreams" if source.service == TABLE else "kinesis"
        if source.service == TABLE:
            self._named = {"StreamArn": str(source)}
        elif source.account == mapping.account:
            self._named = {"StreamName": source.resource.removeprefix("stream/")}
        else:
            self._named = {"StreamARN": str(source)}

    async def shards(self) -> list[dict[str, Any]]:
        """The shards that the stream has. Raises Fault."""
        found: list[dict[str, Any]] = []
        more: dict[str, Any] = {}
        while True:
            described = (await self._ask(self.service, "DescribeStream", {**self._named, **more}))["StreamDescription"]
            found += described["Shards"]
            if not found or not (described.get("HasMoreShards") or described.get("LastEvaluatedShardId")):
                return found
            more = {"ExclusiveStartShardId": found[-1]["ShardId"]}

    async def iterator(self, shard: str, kind: str, **more: Any) -> str:
        """An iterator of a shard, of the type `kind` (`LATEST`). Raises Fault."""
        params = {**self._named, "ShardId": shard, "ShardIteratorType": kind, **more}
        return str((await self._ask(self.service, "GetShardIterator", params))["ShardIterator"])

    async def records(self, iterator: str, most: int) -> tuple[list[dict[str, Any]], str | None]:
        """Some records, and the iterator of the next ones: None where the shard has ended. Raises Fault."""
        params: dict[str, Any] = {"ShardIterator": iterator, "Limit": min(most, MOST_RECORDS[self.service])}
        if "StreamARN" in self._named:
            params |= self._named
        answer = await self._ask(self.service, "GetRecords", params)
        return answer.get("Records") or [], answer.get("NextShardIterator")
