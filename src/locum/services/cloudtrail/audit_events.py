"""Events from outside of AWS, as PutAuditEvents has them: what they have to be, and what becomes of them.

CloudTrail User Guide, "CloudTrail Lake integrations event schema". CloudTrail Data API Reference, ResultErrorEntry: the
codes of what is wrong with an event.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

from locum.core.clock import iso8601
from locum.core.errors import Fault
from locum.core.event_selectors import ACTIVITY
from locum.services.cloudtrail.given_events import GivenEvent
from locum.state import Channel

MOST_OCTETS: Final = 256 << 10
"""Octets of one event."""
MOST_OCTETS_IN_ALL: Final = 1 << 20
"""CloudTrail Data API Reference, PutAuditEvents: "up to 1 MB" a request."""
_VERSION: Final = "1.01"
_TEXTS: Final = {
    "version": 256,
    "userIdentity.type": 128,
    "userIdentity.principalId": 1024,
    "userAgent": 1024,
    "eventSource": 256,
    "eventName": 1024,
    "eventTime": 64,
    "UID": 1024,
    "errorCode": 256,
    "errorMessage": 256,
    "sourceIPAddress": 256,
    "recipientAccountId": 64,
}
"""The longest texts, by their paths."""
_OBJECTS: Final = {
    "userIdentity": MOST_OCTETS,
    "userIdentity.details": MOST_OCTETS,
    "requestParameters": 100 << 10,
    "responseElements": 100 << 10,
    "additionalEventData": 28 << 10,
}
"""The most octets of objects."""
_REQUIRED: Final = (
    *("version", "userIdentity", "userIdentity.type", "userIdentity.principalId"),
    *("eventSource", "eventName", "eventTime", "UID", "recipientAccountId"),
)


class Flawed(Exception):
    """An event that cannot be taken in: the code, and the message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def check_request(events: Sequence[Mapping[str, Any]]) -> None:
    """Check what is true of a request as a whole. Raises Fault (DuplicatedAuditEventId, ValidationException)."""
    names = [event["id"] for event in events]
    if len(set(names)) < len(names):
        raise Fault("DuplicatedAuditEventId", "Two or more entries in the request have the same event ID.")
    if sum(len(event["eventData"].encode("utf-8", "replace")) for event in events) > MOST_OCTETS_IN_ALL:
        raise Fault("ValidationException", "The events of a request can have up to 1 MB.")


def taken(channel: Channel, given: Mapping[str, Any], ident: str, now: float) -> GivenEvent:
    """An event of a request as it comes by `channel`, with the id `ident`. Raises Flawed."""
    data = _data(given)
    _check_members(data)
    if data["recipientAccountId"] != channel.account:
        raise Flawed("InvalidRecipient", "recipientAccountId is not the account that owns the channel.")
    at = _instant(data["eventTime"])
    event = {
        "eventVersion": _VERSION,
        "eventCategory": ACTIVITY,
        "eventType": "ActivityLog",
        "eventID": ident,
        "eventTime": iso8601(at),
        "awsRegion": channel.region,
        "recipientAccountId": channel.account,
        "metadata": {"ingestionTime": iso8601(now), "channelARN": channel.arn},
        "eventData": data,
    }
    return GivenEvent(ident, at, json.dumps(event, separators=(",", ":"), ensure_ascii=False))


def _data(given: Mapping[str, Any]) -> dict[str, Any]:
    """The object in the text of an event, whose checksum is right. Raises Flawed."""
    text = given["eventData"]
    try:
        octets = text.encode()
    except UnicodeEncodeError as error:
        raise Flawed("InvalidData", "The event is not valid text.") from error
    checksum = given.get("eventDataChecksum")
    digest = base64.b64encode(hashlib.sha256(octets).digest())
    if checksum is not None and not hmac.compare_digest(digest, checksum.encode("utf-8", "replace")):
        raise Flawed("InvalidChecksum", "The checksum is not that of the event.")
    if len(octets) > MOST_OCTETS:
        raise Flawed("FieldTooLong", f"The event has more than {MOST_OCTETS >> 10} KB.")
    return _object(text)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text, parse_constant=_refuse_constant)
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise Flawed("InvalidData", "The event is not valid JSON.") from error
    if not isinstance(found, dict):
        raise Flawed("InvalidData", "The event is not an object.")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _check_members(data: Mapping[str, Any]) -> None:
    """Check that what an event must have is there, and of the types and lengths that it can have. Raises Flawed."""
    for path in _REQUIRED:
        if _at(data, path) in (None, ""):
            raise Flawed("FieldNotFound", f"The field {path} is required.")
    for path, most, size in (*_sizes(data, _TEXTS, str), *_sizes(data, _OBJECTS, dict)):
        if size > most:
            raise Flawed("FieldTooLong", f"The field {path} is longer than {most}.")


def _sizes(data: Mapping[str, Any], limits: Mapping[str, int], kind: type) -> Iterator[tuple[str, int, int]]:
    """The fields of a kind that are there, with their limits and sizes. Raises Flawed for one of another kind."""
    for path, most in limits.items():
        value = _at(data, path)
        if value is None:
            continue
        if not isinstance(value, kind):
            raise Flawed("InvalidData", f"The field {path} is not of the right type.")
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield path, most, len(text) if kind is str else len(text.encode())


def _at(data: Mapping[str, Any], path: str) -> Any:
    found: Any = data
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _instant(text: str) -> float:
    """The epoch seconds of a time, which is in UTC where it does not say otherwise. Raises Flawed."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Flawed("InvalidData", "eventTime is not in the format yyyy-MM-DDTHH:mm:ss.") from error
    if "T" not in text:
        raise Flawed("InvalidData", "eventTime is not in the format yyyy-MM-DDTHH:mm:ss.")
    try:
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).timestamp()
    except OverflowError as error:  # of a year that there is only with its offset from UTC
        raise Flawed("InvalidData", "eventTime is not a time in UTC.") from error
