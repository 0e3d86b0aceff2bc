"""Requests with a marker of its own in every string: what is recorded of them tells which members are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode

import botocore.serialize
from botocore.model import OperationModel, Shape

from locum.core.http import HttpRequest
from locum.wire import Codec

DEPTH = 7
"""Structures in structures: recursive ones go on no further."""


class Member(NamedTuple):
    """Where a marker is: the members on the way to it, whether one of them is `sensitive`, and whether it is a key of
    a map, bytes, or a value of an enumeration."""

    path: tuple[str, ...]
    sensitive: bool
    kind: str

    def __str__(self) -> str:
        return ".".join(self.path)


class Marked(NamedTuple):
    """The parameters of a call, and what each marker in them marks."""

    params: dict[str, Any]
    markers: dict[str, Member]


def marked(model: OperationModel) -> Marked:
    """A request of an operation in which every member is set."""
    markers: dict[str, Member] = {}
    shape = model.input_shape
    return Marked({} if shape is None else _value(shape, (), False, markers), markers)


def sent(codec: Codec, params: dict[str, Any]) -> HttpRequest:
    """The request as botocore's serializers make it, members in headers, path and query among it."""
    serializer = botocore.serialize.create_serializer(codec.protocol, False)
    made = serializer.serialize_to_request(params, codec.model)
    query = made["query_string"]
    pairs = query if isinstance(query, str) else urlencode([*_pairs(query)])
    body = made["body"]
    if isinstance(body, dict):
        body = urlencode(body)
    path, _, more = made["url_path"].partition("?")
    headers = {name.lower(): str(value) for name, value in made["headers"].items()}
    raw = body if isinstance(body, bytes) else str(body).encode()
    return HttpRequest(made["method"], path, "&".join(filter(None, (more, pairs))), {"host": "h", **headers}, raw)


def _pairs(query: Any) -> Iterator[tuple[str, str]]:
    for name, value in query.items() if isinstance(query, dict) else query:
        yield from ((name, item) for item in (value if isinstance(value, list) else [value]))


def _value(shape: Shape, path: tuple[str, ...], sensitive: bool, markers: dict[str, Member]) -> Any:
    kind = shape.type_name
    sensitive = sensitive or bool(shape.metadata.get("sensitive"))
    if kind == "structure":
        if shape.metadata.get("document"):
            return {_mark(path, sensitive, "document", markers): _mark(path, sensitive, "document", markers)}
        members = shape.members.items() if len(path) < DEPTH else ()
        return {
            name: _value(member, (*path, name), sensitive, markers)
            for name, member in members
            if not member.serialization.get("eventstream")
        }
    if kind == "list":
        return [_value(shape.member, path, sensitive, markers)]
    if kind == "map":
        hidden = sensitive or bool(shape.key.metadata.get("sensitive"))
        return {_mark(path, hidden, "key", markers): _value(shape.value, path, hidden, markers)}
    if kind == "blob":
        return _mark(path, sensitive, "blob", markers).encode()
    if kind == "string":
        return _mark(path, sensitive, "enumeration" if getattr(shape, "enum", ()) else "string", markers)
    return {"boolean": True, "timestamp": 1_790_000_000}.get(kind, 7)


def _mark(path: tuple[str, ...], sensitive: bool, kind: str, markers: dict[str, Member]) -> str:
    marker = f"zqmark{len(markers):05}x"
    markers[marker] = Member(path, sensitive, kind)
    return marker
