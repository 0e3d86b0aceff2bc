"""A JSON parser that keeps positions, for the checks.

`policy.parse` stops at the first fault and `json` keeps no positions. This parser keeps each value with its span and
path, and all members of an object in their order, duplicates included. Scalars are parsed by `json`'s own scanner.
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import Final, NamedTuple, NoReturn

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_MAX_DEPTH: Final = 32
"""The limit of nesting; no policy nests deeper than six."""


class Kind(StrEnum):
    """The types of JSON values, by their names in findings."""

    OBJECT = "Object"
    ARRAY = "Array"
    STRING = "String"
    NUMBER = "Number"
    BOOLEAN = "Boolean"
    NULL = "Null"


class Node(NamedTuple):
    """A JSON value. `text` is a string's value, or another scalar's source text; `start` and `end` are offsets."""

    kind: Kind
    path: tuple[str | int, ...]
    start: int
    end: int
    text: str = ""
    items: tuple[Node, ...] = ()
    members: tuple[Member, ...] = ()


class Member(NamedTuple):
    """A member of an object; `start` and `end` are the offsets of its name."""

    name: str
    start: int
    end: int
    value: Node


class BrokenJson(ValueError):
    """The text is not valid JSON at `offset`."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"not JSON from offset {offset} on")
        self.offset = offset


class _Number(str):
    """A JSON number in its original spelling."""

    __slots__ = ()


def _constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


_SCALARS: Final = json.JSONDecoder(parse_int=_Number, parse_float=_Number, parse_constant=_constant)


def read(text: str) -> Node:
    """Parse a document. Raises BrokenJson."""
    root = _value(text, _skip(text, 0), (), _MAX_DEPTH)
    rest = _skip(text, root.end)
    if rest != len(text):
        raise BrokenJson(rest)
    return root


def _skip(text: str, offset: int) -> int:
    match = _SPACE.match(text, offset)
    return match.end() if match else offset


def _value(text: str, start: int, path: tuple[str | int, ...], depth: int) -> Node:
    opener = text[start : start + 1]
    if depth == 0:
        raise BrokenJson(start)
    if opener == "{":
        return _object(text, start, path, depth)
    if opener == "[":
        return _array(text, start, path, depth)
    return _scalar(text, start, path)


def _scalar(text: str, start: int, path: tuple[str | int, ...]) -> Node:
    try:
        value, end = _SCALARS.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise BrokenJson(error.pos) from error
    except ValueError as error:
        raise BrokenJson(start) from error
    if isinstance(value, _Number):
        return Node(Kind.NUMBER, path, start, end, str(value))
    if isinstance(value, str):
        return Node(Kind.STRING, path, start, end, value)
    return Node(Kind.NULL if value is None else Kind.BOOLEAN, path, start, end, text[start:end])


def _object(text: str, start: int, path: tuple[str | int, ...], depth: int) -> Node:
    members: list[Member] = []
    offset = _skip(text, start + 1)
    while text[offset : offset + 1] != "}":
        name = _name(text, offset)
        colon = _skip(text, name.end)
        _expect(text, colon, ":")
        value = _value(text, _skip(text, colon + 1), (*path, name.text), depth - 1)
        members.append(Member(name.text, name.start, name.end, value))
        offset = _next(text, value.end, "}")
    return Node(Kind.OBJECT, path, start, offset + 1, members=tuple(members))


def _name(text: str, offset: int) -> Node:
    _expect(text, offset, '"')
    return _scalar(text, offset, ())


def _array(text: str, start: int, path: tuple[str | int, ...], depth: int) -> Node:
    items: list[Node] = []
    offset = _skip(text, start + 1)
    while text[offset : offset + 1] != "]":
        item = _value(text, offset, (*path, len(items)), depth - 1)
        items.append(item)
        offset = _next(text, item.end, "]")
    return Node(Kind.ARRAY, path, start, offset + 1, items=tuple(items))


def _next(text: str, offset: int, closer: str) -> int:
    """The offset of the next item after a comma, or of the `closer`."""
    offset = _skip(text, offset)
    if text[offset : offset + 1] == closer:
        return offset
    _expect(text, offset, ",")
    offset = _skip(text, offset + 1)
    if text[offset : offset + 1] == closer:
        raise BrokenJson(offset)
    return offset


def _expect(text: str, offset: int, character: str) -> None:
    if text[offset : offset + 1] != character:
        raise BrokenJson(offset)
