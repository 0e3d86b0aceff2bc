"""PutAuditEvents of CloudTrail Data: events from outside of AWS are given to the event data stores of a channel.

What is answered as successful is in the column store. It was decided on the channel, whose policy lets others put.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from locum.agents.lake.column_store import ColumnStore
from locum.agents.lake.running import committed
from locum.backends import BackendCall
from locum.calls import Runtime
from locum.core.arn import Arn
from locum.core.clock import DAY
from locum.core.errors import ConfigurationError, Fault
from locum.core.identifiers import request_id
from locum.services.cloudtrail.audit_events import Flawed, check_request, taken
from locum.services.cloudtrail.given_events import GivenEvent
from locum.state import Channel, Event, EventDataStore, State, put
from locum.state.autoscaling import regional


class AuditEvents:
    """Carries out the operation. `runtime` is the plane's."""

    def __init__(self, runtime: Callable[[], Runtime], store: ColumnStore) -> None:
        self._runtime = runtime
        self._store = store

    async def call(self, call: BackendCall) -> dict[str, Any]:
        """The answer to a call. Raises Fault."""
        runtime, events = self._runtime(), call.params["auditEvents"]
        channel = _channel(runtime.ledger.state, call.params["channelArn"], call.origin.region)
        check_request(events)
        stores, now = _stores(runtime.ledger.state, channel), runtime.clock()
        named = [(it, request_id(runtime.entropy)) for it in events]
        done, failed = await asyncio.to_thread(_sorted, channel, stores, named, now)
        rows = [(it.id, *event) for _, event in done for it in stores if _keeps(it, event, now)]
        await self._add(rows)
        await committed(runtime, lambda state: _noted(state, channel, [it.id for _, it in done], failed, now))
        return {"successful": [{"id": name, "eventID": event.id} for name, event in done], "failed": failed}

    async def _add(self, rows: list[tuple[str, str, float, str]]) -> None:
        try:
            if rows:
                await self._store.add(rows)
        except ConfigurationError as missing:
            raise Fault("UnsupportedOperationException", str(missing)) from missing


def _sorted(
    channel: Channel, stores: list[EventDataStore], named: list[tuple[Mapping[str, Any], str]], now: float
) -> tuple[list[tuple[str, GivenEvent]], list[dict[str, str]]]:
    """The events that can be taken in, by the ids of the request, and what is told of the others."""
    done: list[tuple[str, GivenEvent]] = []
    failed: list[dict[str, str]] = []
    for given, ident in named:
        try:
            event = taken(channel, given, ident, now)
            _check_time(stores, event, now)
            done.append((given["id"], event))
        except Flawed as flawed:
            failed.append({"id": given["id"], "errorCode": flawed.code, "errorMessage": str(flawed)})
    return done, failed


def _channel(state: State, name: str, region: str) -> Channel:
    """The channel with an ARN, in the region of the call. Raises Fault."""
    arn = Arn.find(name)
    kind, _, ident = ("", "", "") if arn is None else arn.resource.partition("/")
    if arn is None or arn.service != "cloudtrail" or kind != "channel":
        raise Fault("InvalidChannelARN", "The specified channel ARN is not a valid channel ARN.")
    found = state.get(Channel, arn.account, regional(arn.region, ident))
    if found is None or found.arn != name or found.region != region:
        raise Fault("ChannelNotFound", "The channel could not be found.", 404)
    return found


def _stores(state: State, channel: Channel) -> list[EventDataStore]:
    """The event data stores to which a channel gives its events."""
    names = (regional(channel.region, arn.rpartition("/")[2]) for arn in channel.destinations)
    found = (state.get(EventDataStore, channel.account, name) for name in names)
    return [store for store in found if store is not None and store.status == "ENABLED"]


def _keeps(store: EventDataStore, event: GivenEvent, now: float) -> bool:
    """Whether an event is not past the retention of a store."""
    return event.at >= now - store.retention * DAY


def _check_time(stores: list[EventDataStore], event: GivenEvent, now: float) -> None:
    if not any(_keeps(store, event, now) for store in stores):
        raise Flawed("InvalidData", "No event data store of the channel keeps an event of this time.")


def _noted(
    state: State, channel: Channel, done: list[str], failed: list[dict[str, str]], now: float
) -> tuple[Event, ...]:
    """What becomes of the ingestion status of a channel that is still there."""
    found = state.get(Channel, channel.account, channel.key)
    if found is None:
        return ()
    noted = replace(found, attempted=now, error=failed[-1]["errorCode"] if failed else "")
    if done:
        noted = replace(noted, attempted_id=done[-1], succeeded=now, succeeded_id=done[-1])
    return (put(noted),)
