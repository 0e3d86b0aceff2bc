"""Parsing of REST bindings: the input members in the path, the query string and the headers.

https://smithy.io/2.0/spec/http-bindings.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from locum.core.http import HttpRequest
from locum.wire.parsers.form import form_text
from locum.wire.parsers.malformed import Malformed, Unbindable
from locum.wire.parsers.s3 import s3_labels
from locum.wire.parsers.scalars import blob, string, text_reader
from locum.wire.parsers.values import read_json

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape

Binding = Callable[[HttpRequest, dict[str, Any]], None]
_Entry = tuple[str, Callable[[str], Any]]

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(?:,|$)|([^,]*)(?:,|$)')
_BETWEEN_DATES = re.compile(r"(?<=GMT),\s*")


def compile_bindings(model: OperationModel) -> list[Binding]:
    """Compile functions that each parse one part of the request, and add the members found there."""
    located: dict[str, dict[str, Shape]] = {"uri": {}, "querystring": {}, "header": {}, "headers": {}}
    for name, member in model.input_shape.members.items():
        location = member.serialization.get("location")
        if location in located:
            located[location][name] = member
    s3 = model.service_model.service_name == "s3"
    headers = {_wire_name(n, m).lower(): (n, _header_reader(m)) for n, m in located["header"].items()}
    takes = []
    if located["uri"]:
        takes.append(_labels(model.http["requestUri"], located["uri"], s3=s3))
    if located["querystring"] or s3:
        takes.append(_query_string(located["querystring"], headers if s3 else {}, model.http["requestUri"]))
    if headers:
        takes.append(_headers(headers))
    takes.extend(
        _prefix_headers(name, _wire_name(name, member), hoisted=s3) for name, member in located["headers"].items()
    )
    return takes


def _wire_name(name: str, member: Shape) -> str:
    return str(member.serialization.get("name", name))


def _bind(entry: _Entry, wire_name: str, text: str, found: dict[str, Any]) -> None:
    try:
        found[entry[0]] = entry[1](text)
    except Unbindable:
        raise
    except Malformed as error:
        raise Unbindable(wire_name, text, str(error)) from None


# The path


def _labels(uri: str, members: dict[str, Shape], *, s3: bool) -> Binding:
    entries = {_wire_name(name, member): (name, text_reader(member)) for name, member in members.items()}
    if s3:
        return _s3_labels(entries)
    places = _label_segments(uri)
    ends_greedy = uri.partition("?")[0].endswith("+}")

    def take(request: HttpRequest, found: dict[str, Any]) -> None:
        path = request.raw_path[1:]
        segments = (path if ends_greedy else path.removesuffix("/")).split("/")
        for wire_name, place in places.items():
            raw = "/".join(segments[place])
            try:
                text = unquote(raw, errors="strict")
            except UnicodeDecodeError:
                raise Unbindable(wire_name, raw, "The path is not UTF-8") from None
            _bind(entries[wire_name], wire_name, text, found)

    return take


def _label_segments(uri: str) -> dict[str, slice]:
    """The segments of the path by the label of the template they match; a greedy label matches the remaining ones."""
    segments = uri.partition("?")[0].strip("/").split("/")
    places = {}
    after_greedy = False
    for position, segment in enumerate(segments):
        last = position + 1 - len(segments)  # counted from the end: 0 is the last
        start = position - len(segments) if after_greedy else position
        if segment.endswith("+}"):
            after_greedy = True
            places[segment[1:-2]] = slice(position, last or None)
        elif segment.startswith("{"):
            places[segment[1:-1]] = slice(start, (last or None) if after_greedy else position + 1)
    return places


def _s3_labels(entries: dict[str, _Entry]) -> Binding:
    names = {wire_name: name for wire_name, (name, _) in entries.items()}

    def take(request: HttpRequest, found: dict[str, Any]) -> None:
        for wire_name, text in s3_labels(request).items():
            if wire_name in names:
                found[names[wire_name]] = text

    return take


# The query string


def _query_string(members: dict[str, Shape], hoisted: dict[str, _Entry], uri: str) -> Binding:
    """The binding of query parameters.

    `hoisted`: headers of S3 that presigned URLs may have there (`x-amz-acl=...`).
    """
    single: dict[str, _Entry] = {name: entry for name, entry in hoisted.items() if name.startswith("x-amz-")}
    lists: dict[str, _Entry] = {}
    rest: list[tuple[str, bool]] = []
    for name, member in members.items():
        if member.type_name == "map":
            rest.append((name, member.value.type_name == "list"))
        elif member.type_name == "list":
            lists[_wire_name(name, member)] = (name, text_reader(member.member))
        else:
            single[_wire_name(name, member)] = (name, text_reader(member))
    literals = {pair.split("=", 1)[0] for pair in uri.partition("?")[2].split("&")}

    def take(request: HttpRequest, found: dict[str, Any]) -> None:
        if not request.query_string:
            return
        for pair in request.query_string.split("&"):
            key, _, raw = pair.partition("=")
            key = form_text(key)
            entry = single.get(key) or (single.get(key.lower()) if hoisted else None)
            if entry is not None:
                if entry[0] in found:
                    raise Unbindable(key, raw, f"{key} occurs more than once")
                _bind(entry, key, form_text(raw), found)
            elif key in lists:
                name, read = lists[key]
                found.setdefault(name, []).append(read(form_text(raw)))
            elif key and key not in literals and not key.startswith("X-Amz-"):
                for name, many in rest:
                    _add(found.setdefault(name, {}), key, form_text(raw), many=many)

    return take


def _add(found: dict[str, Any], key: str, text: str, *, many: bool) -> None:
    if many:
        found.setdefault(key, []).append(text)
    else:
        found[key] = text


# Headers


def _headers(entries: dict[str, _Entry]) -> Binding:
    def take(request: HttpRequest, found: dict[str, Any]) -> None:
        for name, text in request.headers.items():
            entry = entries.get(name)
            if entry is not None:
                _bind(entry, name, text, found)

    return take


def _prefix_headers(name: str, prefix: str, *, hoisted: bool) -> Binding:
    """The binding of headers with a prefix. `hoisted`: presigned URLs may have them in the query."""
    prefix = prefix.lower()

    def take(request: HttpRequest, found: dict[str, Any]) -> None:
        values = {key[len(prefix) :]: text for key, text in request.headers.items() if key.startswith(prefix)}
        if hoisted and prefix in request.query_string.lower():
            for pair in request.query_string.split("&"):
                key, _, raw = pair.partition("=")
                key = form_text(key).lower()
                if key.startswith(prefix):
                    values.setdefault(key[len(prefix) :], form_text(raw))
        if values:
            found[name] = values

    return take


def _header_reader(member: Shape) -> Callable[[str], Any]:
    if member.serialization.get("jsonvalue"):
        return lambda text: read_json(blob(text))
    if member.type_name == "list":
        read = text_reader(member.member)
        if member.member.type_name == "timestamp":
            return lambda text: [read(item.strip()) for item in _BETWEEN_DATES.split(text)]
        return lambda text: [read(item) for item in _listed(text)]
    return text_reader(member) if member.type_name != "map" else string


def _listed(text: str) -> list[str]:
    """The items of a list in a header: separated by commas, quoted where they contain a comma."""
    if '"' not in text:
        return [item.strip() for item in text.split(",")]
    items = []
    position = 0
    while position < len(text):
        match = _QUOTED.match(text, position)
        if match is None or match.end() == position:
            raise Malformed("The header is not a list")
        items.append(match[1].replace('\\"', '"') if match[1] is not None else match[2].strip())
        position = match.end()
        position += len(text[position:]) - len(text[position:].lstrip())
    return items
