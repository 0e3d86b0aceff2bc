"""Scalars as text, in AWS's formats.

Timestamps are given as epoch seconds (int or float) or as a datetime (UTC where it has no zone), and are
written with AWS's precision of at most a millisecond.
Formats: https://smithy.io/2.0/spec/protocol-traits.html#timestampformat-trait
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Instant = int | float | datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_HEADER_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


def epoch_milliseconds(instant: Instant) -> int:
    """`instant` in whole milliseconds since 1970-01-01T00:00:00Z, rounded."""
    if isinstance(instant, datetime):
        aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        return (aware - _EPOCH) // _MILLISECOND
    return round(instant * 1000)


def _date_and_time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def iso8601(instant: Instant) -> str:
    """Format as `2026-01-31T12:00:00Z`, with milliseconds where they are not zero: `2026-01-31T12:00:00.123Z`."""
    seconds, fraction = divmod(epoch_milliseconds(instant), 1000)
    return f"{_date_and_time(seconds)}.{fraction:03}Z" if fraction else f"{_date_and_time(seconds)}Z"


def iso8601_seconds(instant: Instant) -> str:
    """Format as `2026-01-31T12:00:00Z`, never with a fraction: IAM and STS."""
    return f"{_date_and_time(epoch_milliseconds(instant) // 1000)}Z"


def iso8601_milliseconds(instant: Instant) -> str:
    """Format as `2026-01-31T12:00:00.000Z`, always with milliseconds: EC2 and S3."""
    seconds, fraction = divmod(epoch_milliseconds(instant), 1000)
    return f"{_date_and_time(seconds)}.{fraction:03}Z"


def epoch_number(instant: Instant) -> int | float:
    """Seconds since the epoch as a number: an int where there is no fraction."""
    seconds, fraction = divmod(epoch_milliseconds(instant), 1000)
    return seconds + fraction / 1000 if fraction else seconds


def epoch_text(instant: Instant) -> str:
    """`epoch_number` as text."""
    return str(epoch_number(instant))


def http_date(instant: Instant) -> str:
    """Format as `Sat, 31 Jan 2026 12:00:00 GMT` (RFC 9110, IMF-fixdate), in any locale."""
    moment = datetime.fromtimestamp(epoch_milliseconds(instant) // 1000, UTC)
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day}, {moment.day:02} {month} {moment.year:04} {moment:%H:%M:%S} GMT"


def timestamp_texts(iso: Callable[[Instant], str]) -> dict[str, Callable[[Instant], str]]:
    """The formatters by the model's `timestampFormat`, with `iso` for iso8601."""
    return {"iso8601": iso, "rfc822": http_date, "unixTimestamp": epoch_text}


def boolean_text(value: object) -> str:
    """Format as `true` or `false`."""
    return "true" if value else "false"


def integer_text(value: int) -> str:
    """Format in decimal. Raises ValueError or TypeError on anything but an int."""
    return f"{value:d}"


def special_float(value: float) -> str | None:
    """`NaN`, `Infinity` or `-Infinity` where `value` is one of these, else None. JSON and XML have them as strings."""
    if math.isfinite(value):
        return None
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def float_text(value: float) -> str:
    """The shortest text that parses as `value`."""
    return special_float(value) or repr(float(value))


def base64_text(value: bytes | str) -> str:
    """Encode a blob, or text in UTF-8, as base64."""
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode("ascii")


def header_text(value: str) -> str:
    """Encode `value`, which may come from a client, for a header.

    Control characters become a space, so that no value can end a header and begin another one
    (RFC 9110, section 5.5). Text outside of US-ASCII is encoded as S3 does with user metadata (RFC 2047).
    """
    if value.isascii():
        return value if value.isprintable() else _HEADER_CONTROL.sub(" ", value)
    encoded = base64.b64encode(value.encode("utf-8", "replace")).decode("ascii")
    return f"=?UTF-8?B?{encoded}?="
