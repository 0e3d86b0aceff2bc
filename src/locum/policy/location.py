"""Positions of JSON values in their text.

Documents are parsed with the C scanner of `json`, which keeps no positions. They are needed only to report an error
or to show a statement; then the text is scanned again along that one JSON path.
"""

from __future__ import annotations

import json
import re
from typing import Final, NamedTuple, Self

JsonPath = tuple[str | int, ...]

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_DECODER: Final = json.JSONDecoder(strict=False)


class Span(NamedTuple):
    """A range of text. Offsets count from 0, lines and columns from 1; the end is exclusive."""

    start: int
    end: int
    line: int
    column: int
    end_line: int
    end_column: int

    @classmethod
    def of(cls, text: str, start: int, end: int) -> Self:
        """The span from offset `start` up to offset `end`."""
        return cls(start, end, *_position(text, start), *_position(text, end))


def _position(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def render_path(path: JsonPath) -> str:
    """Render a path: `("Statement", 0, "Effect")` as `$.Statement[0].Effect`."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def locate(text: str, path: JsonPath) -> Span:
    """The span of the value at `path`, or of the nearest enclosing value where there is no such path."""
    try:
        start = _skip(text, 0)
        end = _end_of(text, start)
        for step in path:
            found = _child(text, start, step)
            if found is None:
                break
            start = found
            end = _end_of(text, start)
    except (ValueError, RecursionError, IndexError):
        return Span.of(text, 0, 0)
    return Span.of(text, start, end)


def _skip(text: str, offset: int) -> int:
    match = _SPACE.match(text, offset)
    return match.end() if match else offset


def _end_of(text: str, start: int) -> int:
    return _DECODER.raw_decode(text, start)[1]


def _child(text: str, start: int, step: str | int) -> int | None:
    """The offset of the member or element `step` of the container at `start`."""
    opener = text[start]
    if opener == "{" and isinstance(step, str):
        return _member(text, start, step)
    if opener == "[" and isinstance(step, int):
        return _element(text, start, step)
    return None


def _member(text: str, start: int, name: str) -> int | None:
    """The offset of the value of member `name`; of duplicate members the last, which is the one that errors report."""
    found = None
    offset = _skip(text, start + 1)
    while text[offset] != "}":
        key, offset = _DECODER.raw_decode(text, offset)
        offset = _skip(text, _skip(text, offset) + 1)
        if key == name:
            found = offset
        offset = _next(text, _end_of(text, offset))
    return found


def _element(text: str, start: int, index: int) -> int | None:
    offset = _skip(text, start + 1)
    while text[offset] != "]":
        if index == 0:
            return offset
        index -= 1
        offset = _next(text, _end_of(text, offset))
    return None


def _next(text: str, offset: int) -> int:
    offset = _skip(text, offset)
    return _skip(text, offset + 1) if text[offset] == "," else offset
