"""Date formats of signed requests: the ISO 8601 basic format, and HTTP dates in the Date header.

IAM User Guide, "Elements of an AWS API request signature": `YYYYMMDD'T'HHMMSS'Z'`, in UTC.
RFC 9110, section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT` is the one form that may still be generated.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

_BASIC: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z")
_IMF_FIXDATE: Final = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@lru_cache(256)
def epoch_of(text: str) -> int | None:
    """Parse a date in the basic format, to epoch seconds; None where `text` is not one."""
    match = _BASIC.fullmatch(text)
    if match is None:
        return None
    try:
        return int(datetime(*map(int, match.groups()), tzinfo=UTC).timestamp())  # type: ignore[misc,arg-type] # six ints
    except ValueError:
        return None


def basic(instant: float) -> str:
    """Format `instant` (epoch seconds) in the basic format, in whole seconds: `20260131T120000Z`."""
    return datetime.fromtimestamp(int(instant), UTC).strftime("%Y%m%dT%H%M%SZ")


def basic_of_http_date(text: str) -> str | None:
    """Convert a Date header's value (an HTTP date, or in the basic format already); None where it is neither."""
    match = _IMF_FIXDATE.fullmatch(text)
    if match is None:
        return text if epoch_of(text) is not None else None
    day, month, year, hour, minute, second = match.groups()
    if month not in _MONTHS:
        return None
    found = f"{year}{_MONTHS.index(month) + 1:02d}{day}T{hour}{minute}{second}Z"
    return found if epoch_of(found) is not None else None
