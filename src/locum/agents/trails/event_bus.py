"""The events of CloudTrail on EventBridge: for the rules of the embedded backend that may be for them.

EventBridge User Guide, "AWS service events delivered via AWS CloudTrail": those that a trail logs come to the default
bus of their account and region, read-only management events only to rules in the state
`ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS`. The rules are gone with the backend, and what happened before a rule
was there is not for it: nothing is kept.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from locum.agents.waiting import cancelled
from locum.audit import Record, cloudtrail_event
from locum.backends import Backend, BackendCall, Carried
from locum.calls import Runtime
from locum.core.actors import service_principal
from locum.core.calls import ServiceCall
from locum.core.errors import LocumError
from locum.core.event_patterns import event_pattern
from locum.core.event_rules import DISABLED, EventRule
from locum.core.service_events import EVENTS
from locum.services.cloudtrail import selecting
from locum.state.trails import CLOUDTRAIL, Trail

EVERY: Final = 1.0
"""Seconds between two looks at the record, while there is a rule."""

_ALL_MANAGEMENT: Final = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
_BUS: Final = "default"
_DETAIL_TYPES: Final = {
    "AwsApiCall": "AWS API Call via CloudTrail",
    "AwsConsoleAction": "AWS Console Action via CloudTrail",
    "AwsConsoleSignIn": "AWS Console Sign In via CloudTrail",
    "AwsServiceEvent": "AWS Service Event via CloudTrail",
}
_LARGEST: Final = 256_000
"""Octets of an event that is sent: "events ... larger than 256 KB" are not."""
_PAGE: Final = 1_000
_MOST_ENTRIES: Final = 10
"""EventBridge API Reference, PutEvents: entries of a call."""

_log: Final = logging.getLogger("locum.agents")

Make = Callable[[ServiceCall], Awaitable[Any]]
Place = tuple[str, str]
Logging = tuple[Trail, Mapping[str, selecting.Part]]
"""A trail that logs, with its accounts."""


class TrailEvents(Backend):
    """Has `behind` carry out the operations on rules, and puts the events that are for such rules on their buses.

    `kept` finds the rules that are there from before: they get the events of what happens from now on.
    """

    forgets = True

    def __init__(
        self, behind: Backend, runtime: Runtime, make: Make, kept: Callable[[], list[EventRule]] = list
    ) -> None:
        self._behind = behind
        self._runtime = runtime
        self._make = make
        self._kept = kept
        self._rules: dict[Place, dict[str, bool]] = {}
        self._position = 0
        self._task: asyncio.Task[None] | None = None

    async def call(self, call: BackendCall) -> Carried:
        carried = await self._behind.call(call)
        if carried.response.status < 300:
            await self._note(call)
        return carried

    async def close(self) -> None:
        if self._task is not None:
            await cancelled(self._task)

    async def resume(self) -> None:
        for rule in await asyncio.to_thread(self._kept):
            if rule.state != DISABLED and rule.pattern and may_match(rule.pattern):
                await self._follow((rule.account, rule.region), rule.name, rule.state)

    async def _note(self, call: BackendCall) -> None:
        """Note what a call says of a rule: whether it may be for events of CloudTrail, and for reading ones."""
        params = call.params
        if str(params.get("EventBusName") or _BUS).rpartition("/")[2] != _BUS:
            return
        place, name = (call.account, call.region), str(params["Name"])
        if call.operation in ("DeleteRule", "DisableRule") or params.get("State") == DISABLED:
            self._rules.get(place, {}).pop(name, None)
        elif call.operation == "EnableRule" or may_match(params.get("EventPattern")):
            await self._follow(place, name, params.get("State"))

    async def _follow(self, place: Place, name: str, state: str | None) -> None:
        """Send the events that a rule may be for, from now on."""
        if not any(self._rules.values()):  # what happened while there was no rule is for none
            runtime = self._runtime
            since = runtime.clock()
            position = await runtime.ledger.read(lambda: runtime.history.position_at(since))
            self._position = max(self._position, position)
        self._rules.setdefault(place, {})[name] = state == _ALL_MANAGEMENT
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            try:
                await self._send()
            except LocumError as error:  # storage that does not work at the moment, say
                _log.warning("events of CloudTrail are not sent: %s", error)
            await asyncio.sleep(EVERY)

    async def _send(self) -> None:
        """Send the events behind the position, and move that to the last one."""
        runtime = self._runtime
        while any(self._rules.values()):
            read = await runtime.ledger.read(partial(runtime.history.after, self._position, _PAGE))
            for place, entries in self._entries(record for _, record in read):
                await self._put(place, entries)
            self._position = max(self._position, read[-1][0] if read else 0)
            if len(read) < _PAGE:
                return

    def _entries(self, records: Iterator[Record]) -> Iterator[tuple[Place, list[dict[str, Any]]]]:
        """The entries of calls to PutEvents, in the order of the events of a place."""
        state, waiting = self._runtime.ledger.state, dict[Place, list[dict[str, Any]]]()
        trails = [(trail, selecting.accounts_of(state, trail)) for trail in state.every(Trail) if trail.logging]
        for record in records:
            place = record.account, record.region
            try:
                found = self._entry(record, trails)
            except Exception:  # a fault barrier: an event that breaks keeps no other back
                _log.exception("the event %s is not sent", record.event_id)
                continue
            if found is None:
                continue
            entries = waiting.setdefault(place, [])
            entries.append(found)
            if len(entries) == _MOST_ENTRIES:
                yield place, waiting.pop(place)
        yield from waiting.items()

    def _entry(self, record: Record, trails: Sequence[Logging]) -> dict[str, Any] | None:
        """The entry of a record; None where no rule may be for it, or none of `trails` logs it."""
        rules = self._rules.get((record.account, record.region))
        if not rules or _follows_from_events(record):
            return None
        if record.management and record.read_only and not any(rules.values()):
            return None
        place = record.account, record.region, record.event_source, record.at
        trails = [(trail, accounts) for trail, accounts in trails if selecting.covers(trail, accounts, *place)]
        event = cloudtrail_event(record) if trails else {}
        if not any(selecting.selects(trail, event) for trail, _ in trails):
            return None
        detail = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
        if len(detail) > _LARGEST:
            return None
        return {
            "Source": f"aws.{record.event_source.partition('.')[0]}",
            "DetailType": _DETAIL_TYPES.get(record.event_type, _DETAIL_TYPES["AwsApiCall"]),
            "Detail": detail.decode(),
            "Resources": [],
            "Time": event["eventTime"],
        }

    async def _put(self, place: Place, entries: list[dict[str, Any]]) -> None:
        account, region = place
        actor = service_principal(EVENTS, account)
        try:
            await self._make(ServiceCall(actor, "events", "PutEvents", {"Entries": entries}, region))
        except LocumError as error:
            _log.warning("events of CloudTrail are not put on the bus of %s in %s: %s", account, region, error)


def _follows_from_events(record: Record) -> bool:
    """Whether a call is made because of events, so that its own event would cause the next one."""
    who = record.identity.arn
    return who == CLOUDTRAIL or (who == EVENTS and record.operation == "PutEvents")


def may_match(pattern: Any) -> bool:
    """Whether an event pattern may be one for events of CloudTrail: its detail-type allows one of theirs."""
    if not pattern:
        return False
    try:
        wanted = event_pattern(str(pattern)).get("detail-type")
    except ValueError:
        return False
    return not isinstance(wanted, list) or any(
        not isinstance(rule, str) or rule in _DETAIL_TYPES.values() for rule in wanted
    )
