"""The lines of the access log: for people, or as JSON for programs."""

from __future__ import annotations

import json
from typing import Any, Final, Protocol

from locum.core.clock import iso8601
from locum.wire import Codec

_KINDS: Final = 1_024
"""Kinds of lines that are remembered."""

Kind = tuple[int, Codec | None, str, str, str, bool]
"""What the lines of requests that are alike have in common: the status, the operation, the caller and its address, the
error's code where Locum refused, and whether the policies deny what was only observed."""

Entry = tuple[float, float, str, Kind]
"""One answer: its time and how long it took (seconds, by the wall clock), the id of the request, and its kind."""


class Lines(Protocol):
    """A form of lines. It is used by one thread."""

    def line(self, entry: Entry) -> str:
        """The line of an answer, without its end."""

    def left_out(self, number: int) -> str:
        """The line that stands for so many that are not there."""


class TextLines:
    """Fields with two spaces between them."""

    def __init__(self) -> None:
        self._told: dict[Kind, tuple[str, str]] = {}
        self._second = -1, ""

    def line(self, entry: Entry) -> str:
        at, took, request_id, kind = entry
        told = self._told.get(kind)
        if told is None:
            if len(self._told) >= _KINDS:
                self._told.clear()
            told = self._told[kind] = _told(kind)
        second = int(at)
        if second != self._second[0]:
            self._second = second, iso8601(at)
        return f"{self._second[1]}{told[0]}{max(took, 0.0) * 1000:.0f} ms  {request_id}{told[1]}"

    def left_out(self, number: int) -> str:
        return f"... {number} lines are left out: they could not be written in time"


class JsonLines:
    """An object of JSON a line."""

    def line(self, entry: Entry) -> str:
        at, took, request_id, (status, codec, caller, source_ip, code, observed) = entry
        found: dict[str, Any] = {
            "time": iso8601(at),
            "message": "call",
            "status": status,
            "service": None if codec is None else codec.service,
            "operation": None if codec is None else codec.operation,
            "caller": None if caller == "-" else caller,
            "source_ip": source_ip,
            "duration_ms": round(max(took, 0.0) * 1000, 3),
            "request_id": request_id,
        }
        told = ({"error": code} if code else {}) | ({"observed_denial": True} if observed else {})
        return json.dumps(found | told)

    def left_out(self, number: int) -> str:
        return json.dumps({"message": "lines were left out", "number": number})


def _told(kind: Kind) -> tuple[str, str]:
    """What stands before and behind the particulars in the lines of a kind.

    Whoever sent a request chose no part of it that could break a line.
    """
    status, codec, caller, source_ip, code, observed = kind
    operation = "-" if codec is None else f"{codec.service}:{codec.operation}"
    error = f"  {code}" if code else ""
    denied = "  denied by the policies, observed" if observed else ""
    return _printable(f"  {status}  {operation}  {caller}  {source_ip}  "), _printable(error + denied)


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
