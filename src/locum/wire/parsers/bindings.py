"""REST bindings: the members of an input that are in the path, the query string and the headers.

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

Take = Callable[[HttpRequest, dict[str, Any]], None]
_Entry = tuple[str, Callable[[str], Any]]

_LABEL = re.compile(r"\{([^}+]+)(\+?)\}")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(?:,|$)|([^,]*)(?:,|$)')
_BETWEEN_DATES = re.compile(r"(?<=GMT),\s*")


def compile_bindings(model: OperationModel) -> list[Take]:
    """Functions that each take one part of the request and add the members found there."""
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
    takes.extend(_prefix_headers(name, _wire_name(name, member)) for name, member in located["headers"].items())
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


def template_pattern(uri: str) -> re.Pattern[str]:
    """What matches the raw paths of a template, with the labels as its groups in their order."""
    path = uri.split("?", 1)[0].rstrip("/")
    parts, end = [], 0
    for label in _LABEL.finditer(path):
        parts += [re.escape(path[end : label.start()]), "(.+)" if label[2] else "([^/]+)"]
        end = label.end()
    return re.compile("".join(parts) + re.escape(path[end:]) + "/?")


def _labels(uri: str, members: dict[str, Shape], *, s3: bool) -> Take:
    entries = {_wire_name(name, member): (name, text_reader(member)) for name, member in members.items()}
    if s3:
        return _s3_labels(entries)
    pattern = template_pattern(uri)
    order = [label[1] for label in _LABEL.finditer(uri.split("?", 1)[0])]

    def take(request: HttpRequest, found: dict[str, Any]) -> None:
        match = pattern.fullmatch(request.raw_path)
        for wire_name, raw in zip(order, match.groups() if match else (), strict=False):
            try:
                text = unquote(raw, errors="strict")
            except UnicodeDecodeError:
                raise Unbindable(wire_name, raw, "The path is not UTF-8") from None
            _bind(entries[wire_name], wire_name, text, found)

    return take


def _s3_labels(entries: dict[str, _Entry]) -> Take:
    names = {wire_name: name for wire_name, (name, _) in entries.items()}

    def take(request: HttpRequest, found: dict[str, Any]) -> None:
        for wire_name, text in s3_labels(request).items():
            if wire_name in names:
                found[names[wire_name]] = text

    return take


# The query string


def _query_string(members: dict[str, Shape], hoisted: dict[str, _Entry], uri: str) -> Take:
    """`hoisted`: headers of S3, which presigned URLs may carry as parameters (`x-amz-acl=...`)."""
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
                    _gather(found.setdefault(name, {}), key, form_text(raw), many=many)

    return take


def _gather(found: dict[str, Any], key: str, text: str, *, many: bool) -> None:
    if many:
        found.setdefault(key, []).append(text)
    else:
        found[key] = text


# Headers


def _headers(entries: dict[str, _Entry]) -> Take:
    def take(request: HttpRequest, found: dict[str, Any]) -> None:
        for name, text in request.headers.items():
            entry = entries.get(name)
            if entry is not None:
                _bind(entry, name, text, found)

    return take


def _prefix_headers(name: str, prefix: str) -> Take:
    prefix = prefix.lower()

    def take(request: HttpRequest, found: dict[str, Any]) -> None:
        values = {key[len(prefix) :]: text for key, text in request.headers.items() if key.startswith(prefix)}
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
    """The items of a list in a header: separated by commas, quoted where they contain one."""
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
