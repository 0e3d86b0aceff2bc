"""The events of trails in CloudWatch Logs, written in the role of the trail.

CloudTrail User Guide, "Sending events to CloudWatch Logs": "CloudTrail ... typically delivers events to your log group
within an average of about 5 minutes"; "events over 256 KB" are not sent. An event that a restart interrupts is sent
again.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from locum.core.arn import Arn
from locum.core.calls import ServiceCall
from locum.core.clock import DAY
from locum.core.errors import Fault
from locum.services.cloudtrail import files
from locum.services.cloudtrail.destinations import log_group_of, role_of
from locum.state.trails import Attempts, Trail

_LARGEST: Final = 256_000
"""Octets of an event that is sent."""
_LARGEST_CALL: Final = 1_000_000
"""Octets of the events of a call: CloudWatch Logs API Reference, PutLogEvents, has 1,048,576 with 26 for each event."""
_MOST: Final = 1_000
_LONGEST: Final = DAY * 1000
"""Milliseconds between the first and the last event of a call: "cannot span more than 24 hours"."""

Make = Callable[[ServiceCall], Awaitable[Mapping[str, Any]]]


class LogEvents:
    """Writes events to the log group of a trail."""

    def __init__(self, make: Make) -> None:
        self._make = make

    async def put(
        self, trail: Trail, last: Attempts, found: Mapping[files.Place, Sequence[Mapping[str, Any]]], now: float
    ) -> Attempts:
        """Write events, by their places, to the log group of a trail, if it has one."""
        if not trail.log_group or not found:
            return last
        try:
            for place, events in found.items():
                await self._to_stream(trail, files.stream_name(place.account, place.region), events)
        except Fault as fault:
            return Attempts(attempted=now, succeeded=last.succeeded, error=fault.code)
        return Attempts(attempted=now, succeeded=now)

    async def _to_stream(self, trail: Trail, stream: str, events: Sequence[Mapping[str, Any]]) -> None:
        named = {"logGroupName": log_group_of(trail), "logStreamName": stream}
        try:
            await self._call(trail, "CreateLogStream", named)
        except Fault as fault:
            if fault.code != "ResourceAlreadyExistsException":
                raise
        for part in _parts(sorted(events, key=_time)):
            await self._call(trail, "PutLogEvents", {**named, "logEvents": part})

    async def _call(self, trail: Trail, operation: str, params: Mapping[str, Any]) -> None:
        arn = Arn.find(trail.log_group)
        region = trail.region if arn is None else arn.region
        await self._make(ServiceCall(role_of(trail), "logs", operation, params, region))


def _parts(events: Sequence[Mapping[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The events, in the order of time, in calls as CloudWatch Logs takes them: so many, so large, of a day."""
    part: list[dict[str, Any]] = []
    octets = 0
    for event in events:
        text = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace").decode()
        size = len(text.encode())
        if size > _LARGEST:
            continue
        at = _time(event)
        full = octets + size > _LARGEST_CALL or len(part) == _MOST
        if part and (full or at - part[0]["timestamp"] > _LONGEST):
            yield part
            part, octets = [], 0
        part.append({"timestamp": at, "message": text})
        octets += size
    if part:
        yield part


def _time(event: Mapping[str, Any]) -> int:
    """The time of an event, in milliseconds."""
    return int(datetime.fromisoformat(event["eventTime"]).timestamp() * 1000)
