"""Parsing of rest-json and rest-xml: path, query string, headers and body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from locum.core.http import HttpRequest
from locum.wire.parsers.bindings import compile_bindings
from locum.wire.parsers.malformed import Malformed
from locum.wire.parsers.values import JSON_SCALARS, ValueCompiler, read_json
from locum.wire.parsers.xml import XmlCompiler, read_xml

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape

Parser = Callable[[HttpRequest, bytes], dict[str, Any]]
_ReadBody = Callable[[bytes], Any]
_Located = Mapping[str, "Shape"]


def compile_rest_json(model: OperationModel) -> Parser:
    """Compile the parser of a request in rest-json."""
    compiler = ValueCompiler(JSON_SCALARS)

    def of_members(members: _Located) -> _ReadBody:
        read = compiler.members(members)
        return lambda body: read(read_json(body))

    def of_payload(shape: Shape) -> _ReadBody:
        read = compiler.reader(shape)
        return lambda body: read(read_json(body))

    return _compile(model, of_members, of_payload)


def compile_rest_xml(model: OperationModel) -> Parser:
    """Compile the parser of a request in rest-xml."""
    compiler = XmlCompiler()

    def of_members(members: _Located) -> _ReadBody:
        read = compiler.members(members)
        return lambda body: read(read_xml(body))

    def of_payload(shape: Shape) -> _ReadBody:
        read = compiler.reader(shape)
        return lambda body: read(read_xml(body))

    return _compile(model, of_members, of_payload)


def _compile(
    model: OperationModel,
    of_members: Callable[[_Located], _ReadBody],
    of_payload: Callable[[Shape], _ReadBody],
) -> Parser:
    shape = model.input_shape
    if shape is None:
        return lambda request, body: {}
    takes = compile_bindings(model)
    take_body = _body(shape, of_members, of_payload)

    def parse(request: HttpRequest, body: bytes) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for take in takes:
            take(request, found)
        if take_body is not None:
            take_body(body, found)
        return found

    return parse


def _body(
    shape: Any,
    of_members: Callable[[_Located], _ReadBody],
    of_payload: Callable[[Shape], _ReadBody],
) -> Callable[[bytes, dict[str, Any]], None] | None:
    payload = shape.serialization.get("payload")
    if payload is not None:
        return _payload(payload, shape.members[payload], of_payload)
    members = {name: m for name, m in shape.members.items() if "location" not in m.serialization}
    if not members:
        return None
    read = of_members(members)

    def take(body: bytes, found: dict[str, Any]) -> None:
        if body:
            found.update(read(body))

    return take


def _payload(
    name: str, member: Shape, of_payload: Callable[[Shape], _ReadBody]
) -> Callable[[bytes, dict[str, Any]], None] | None:
    if member.serialization.get("eventstream"):
        return None  # event streams continue after the response has begun: the backend reads them
    streaming = bool(member.serialization.get("streaming"))
    raw: dict[str, _ReadBody] = {"blob": bytes, "string": _text}
    read = raw.get(member.type_name) or of_payload(member)

    def take(body: bytes, found: dict[str, Any]) -> None:
        if body or streaming:
            found[name] = read(body)

    return take


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("The request body is not UTF-8") from None
