"""Parsing of scalars from text, for forms, XML, headers, query strings and labels.

Each reader takes text, and raises `Malformed`. Timestamps become epoch seconds (an int where whole): AWS's servers
accept any of Smithy's three formats, whichever the model names.
https://smithy.io/2.0/spec/protocol-traits.html#timestamp-formats
"""

from __future__ import annotations

import binascii
import math
import re
from calendar import timegm
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from locum.wire.parsers.malformed import Malformed

if TYPE_CHECKING:
    from botocore.model import Shape

Epoch = int | float
Reader = Callable[[str], Any]

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?", re.ASCII)
_MAX_NUMBER_LENGTH = 400
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_INT32 = 2**31
_INT64 = 2**63
# RFC 9110, 5.6.7: clients must send IMF-fixdate. The name of the day is redundant, and not checked.
_HTTP_DATE = re.compile(
    r"(?:[A-Za-z]{3}, )?([0-9]{1,2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(\.[0-9]{1,9})? (?:GMT|UTC|[+-]0000)",
    re.ASCII,
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# datetime.fromisoformat accepts more than RFC 3339 (week dates, no separators).
_ISO_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})?)?",
    re.ASCII,
)


def integer(text: str) -> int:
    """Parse a 32-bit integer."""
    return _bounded(text, _INT32, "Integer")


def long(text: str) -> int:
    """Parse a 64-bit integer."""
    return _bounded(text, _INT64, "Long")


def _bounded(text: str, limit: int, kind: str) -> int:
    if _INTEGER.fullmatch(text):
        value = int(text)
        if -limit <= value < limit:
            return value
    raise Malformed(f"STRING_VALUE can not be converted to an {kind}: {shown(text)}")


def decimal(text: str) -> float:
    """Parse a float or double, including Smithy's NaN, Infinity and -Infinity."""
    if len(text) <= _MAX_NUMBER_LENGTH and _DECIMAL.fullmatch(text):
        return float(text)
    if text in _SPECIAL:
        return _SPECIAL[text]
    raise Malformed(f"STRING_VALUE can not be converted to a Double: {shown(text)}")


def boolean(text: str) -> bool:
    """Parse `true` or `false`, in any case, as older clients send them."""
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    raise Malformed(f"STRING_VALUE can not be converted to a Boolean: {shown(text)}")


def blob(text: str) -> bytes:
    """Decode base64."""
    try:
        return binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (ValueError, UnicodeEncodeError):
        raise Malformed("Invalid base64 encoded data") from None


def timestamp(text: str) -> Epoch:
    """Parse RFC 3339, an HTTP date, or epoch seconds, to epoch seconds."""
    if _DECIMAL.fullmatch(text) and len(text) <= _MAX_NUMBER_LENGTH:
        return whole(float(text))
    try:
        if _ISO_DATE.fullmatch(text):
            moment = datetime.fromisoformat(text.replace(",", "."))
            return whole((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
        if found := _HTTP_DATE.fullmatch(text):
            day, month, year, hour, minute, second, fraction = found.groups()
            moment = datetime(
                int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC
            )
            return whole(timegm(moment.utctimetuple()) + float(fraction or 0))
    except (ValueError, OverflowError):
        pass
    raise Malformed(f"Invalid timestamp: {shown(text)}")


def whole(seconds: float) -> Epoch:
    """Convert epoch seconds to an int where they are whole. Raises Malformed past the year 9999, and for NaN."""
    if not -62135596800 <= seconds < 253402300800:
        raise Malformed(f"Invalid timestamp: {seconds}")
    return int(seconds) if seconds == int(seconds) else float(seconds)


def string(text: str) -> str:
    """The text itself."""
    return text


def shown(text: str) -> str:
    """The client's text for an error message, truncated."""
    return f"'{text[:100]}'"


_READERS: dict[str, Reader] = {
    "integer": integer,
    "long": long,
    "float": decimal,
    "double": decimal,
    "boolean": boolean,
    "blob": blob,
    "timestamp": timestamp,
}


def text_reader(shape: Shape) -> Reader:
    """The reader of a scalar shape's text form."""
    return _READERS.get(shape.type_name, string)
