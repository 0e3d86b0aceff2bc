"""What is imported of the log files of trails: which files, and which of their events.

CloudTrail User Guide, "Copy trail events to CloudTrail Lake", "Considerations for copying trail events".
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from locum.core.clock import DAY
from locum.core.event_selectors import selected
from locum.services.cloudtrail.given_events import GivenEvent
from locum.state.event_data_stores import EventDataStore
from locum.state.trail_imports import TrailImport

LARGEST: Final = 64 << 20
"""Octets of a log file that is unpacked."""
LARGEST_EVENT: Final = 1 << 20
"""Characters of an event."""
_USUAL: Final = 16 << 10
"""Characters that most events have less of."""
_SUFFIX: Final = ".json.gz"
_ROOT: Final = "AWSLogs"
_FOLDER: Final = "CloudTrail"
_BEGINNING: Final = re.compile(r'[ \t\r\n]*\{[ \t\r\n]*"Records"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*')
_NEXT: Final = re.compile(r"[ \t\r\n]*,[ \t\r\n]*")
_END: Final = re.compile(r"[ \t\r\n]*\][ \t\r\n]*\}[ \t\r\n]*")
_DECODER: Final = json.JSONDecoder()
_ID: Final = re.compile(r"[!-~]{1,128}")
_DATE: Final = re.compile(r"_(\d{8})T\d{4,6}Z_")
_IN_FOLDERS: Final = re.compile(r"/\d{4}/\d{2}/\d{2}/")


class Unreadable(Exception):
    """A file that has no events of a trail; the text says why."""


def is_wanted(it: TrailImport, key: str) -> bool:
    """Whether the object with a key is a log file for an import: in a folder of CloudTrail, and of a day that it wants.

    "By default, CloudTrail only imports events contained in the S3 bucket's CloudTrail prefix and the prefixes inside";
    what is in another one is imported where the location has it.
    """
    folders = key.split("/")[:-1]
    if not key.endswith(_SUFFIX):
        return False
    if _FOLDER not in folders and (_ROOT in folders or not it.prefix):
        return False
    day = _day_of(key)
    if day is None:
        return not (it.start or it.end)
    return not (it.start and day + DAY <= it.start) and not (it.end and day > it.end)


def _day_of(key: str) -> float | None:
    """The beginning of the day in the name of a log file, or of its folders (epoch seconds)."""
    named, placed = _DATE.search(key), _IN_FOLDERS.search(key)
    digits = named[1] if named else placed[0].replace("/", "") if placed else ""
    try:
        return datetime.strptime(digits, "%Y%m%d").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def events_of(it: TrailImport, store: EventDataStore, data: bytes, now: float) -> list[GivenEvent]:
    """The events of a file for an import: of its time, that the store selects and keeps. Raises Unreadable."""
    oldest = max(it.start, now - store.retention * DAY)
    found = []
    for record in _records(data):
        at = _time_of(record)
        if at >= oldest and not (it.end and at > it.end) and _is_selected(store, record):
            text = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
            if len(text) > LARGEST_EVENT:
                raise Unreadable("The file has an event that is too large.")
            found.append(GivenEvent(record["eventID"], at, text.encode("utf-8", "replace").decode()))
    return found


def _is_selected(store: EventDataStore, record: Mapping[str, Any]) -> bool:
    try:
        return selected(store.selectors, record)
    except (AttributeError, TypeError) as error:
        raise Unreadable("The file has a record that is no event.") from error


def _records(data: bytes) -> Iterator[Mapping[str, Any]]:
    for record in _values(_unpacked(data)):
        ident = record.get("eventID") if isinstance(record, dict) else None
        if not isinstance(ident, str) or not _ID.fullmatch(ident):
            raise Unreadable("The file has a record that is no event.")
        yield record


def _values(content: bytes) -> Iterator[Any]:
    """The records of a file, each decoded when it is its turn: a file as a whole would keep all threads waiting."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable("The file is not JSON.") from error
    following = _BEGINNING.match(text)
    if following is None:
        raise Unreadable("The file has no records.")
    at = following.end()
    while following is not None and not _END.fullmatch(text, at):
        value, at = _value(text, following.end())
        yield value
        following = _NEXT.match(text, at)
    if not _END.fullmatch(text, at):
        raise Unreadable("The file is not JSON.")


def _value(text: str, at: int) -> tuple[Any, int]:
    """The value at a place in a text, and the place after it. Of a text that is large it need not be copied."""
    for size in (_USUAL, LARGEST_EVENT):
        try:
            value, length = _DECODER.raw_decode(text[at : at + size])
        except (ValueError, RecursionError):
            continue
        return value, at + length
    raise Unreadable("The file is not JSON, or has an event that is too large.")


def _unpacked(data: bytes) -> bytes:
    """The content of a gzip file of bounded length. Raises Unreadable."""
    unpacking = zlib.decompressobj(wbits=31)
    try:
        content = unpacking.decompress(data, LARGEST)
    except zlib.error as error:
        raise Unreadable("The file is not gzip.") from error
    if unpacking.unconsumed_tail or not unpacking.eof:
        raise Unreadable("The file is incomplete, or too large.")
    return content


def _time_of(record: Mapping[str, Any]) -> float:
    try:
        return datetime.strptime(str(record.get("eventTime")), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise Unreadable("The file has an event without a time.") from error
