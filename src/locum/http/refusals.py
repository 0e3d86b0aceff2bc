"""Responses to requests that are refused before an application has seen them, in the form of S3's errors.

Which service they are for is not known at that time. Amazon S3 API Reference, "Error responses".
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from http import HTTPStatus
from typing import Final, NamedTuple


class Refusal(NamedTuple):
    """An error code with its HTTP status and message; `more` are further elements."""

    code: str
    status: int
    message: str
    more: str = ""


TIMED_OUT: Final = Refusal(
    "RequestTimeout",
    400,
    "Your socket connection to the server was not read from or written to within the timeout period. "
    "Idle connections will be closed.",
)
SLOW_DOWN: Final = Refusal("SlowDown", 503, "Please reduce your request rate.")


def head_too_large(limit: int) -> Refusal:
    """The refusal of a head, or of trailers, of more than `limit` octets."""
    message = "Your request header section exceeds the maximum allowed size."
    return Refusal("RequestHeaderSectionTooLarge", 400, message, f"<MaxSizeAllowed>{limit}</MaxSizeAllowed>")


def rendered(refusal: Refusal, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The response, after which the connection is closed. `headers` are added."""
    code, status, message, more = refusal
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{escape(message, quote=False)}</Message>{more}</Error>"
    ).encode()
    lines = [b"HTTP/1.1 %d %s" % (status, HTTPStatus(status).phrase.encode())]
    lines += [name + b": " + value for name, value in headers]
    lines += [b"content-type: application/xml", b"content-length: %d" % len(body), b"connection: close", b"", body]
    return b"\r\n".join(lines)
