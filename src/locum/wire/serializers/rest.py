"""Serialization of rest-json and rest-xml: members to headers, the status and the body.

https://smithy.io/2.0/spec/http-bindings.html
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from locum.core.http import HttpResponse
from locum.wire.serializers import Answer, Serializer, unknown_member
from locum.wire.serializers.identity import Headers, request_headers_of
from locum.wire.serializers.text import (
    base64_text,
    boolean_text,
    float_text,
    header_text,
    integer_text,
    iso8601,
    timestamp_texts,
)

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape, StructureShape

Body = bytes | AsyncIterable[bytes]
Render = Callable[[dict[str, Any]], tuple[str, Body]]
"""The remaining members of an answer -> content type and body; an empty body has no content type."""

HEADER_LOCATIONS = ("header", "headers")

_TEXTS = timestamp_texts(iso8601)
_SCALARS: dict[str, Callable[[Any], str]] = {
    "boolean": boolean_text,
    "integer": integer_text,
    "long": integer_text,
    "float": float_text,
    "double": float_text,
    "blob": base64_text,
}


class BodyFormat(Protocol):
    """The encoding of bodies, in which rest-json and rest-xml differ."""

    content_type: str

    def members(self, owner: str, shape: StructureShape, members: Mapping[str, Shape]) -> Callable[[Answer], bytes]:
        """The encoder of the output shape's members that are in the body."""

    def payload(self, shape: Shape) -> Callable[[Any], bytes]:
        """The encoder of the one member that is the body."""

    def raw_type(self, shape: Shape) -> str:
        """The content type of a body that is a blob, a string or an event stream."""


def compile_rest(model: OperationModel, body_format: BodyFormat) -> Serializer:
    """Compile the serializer of an operation of rest-json or rest-xml."""
    shape = model.output_shape
    members = dict(shape.members) if shape is not None else {}
    located = header_writers(members)
    status_member = _status_member(members)
    status = int(model.http.get("responseCode", 200))
    owner = f"the output of {model.service_model.service_name}:{model.name}"
    render = _compile_body(owner, shape, members, body_format)
    identify = request_headers_of(model.service_model.service_name)

    def serialize(answer: Answer, request_id: str) -> HttpResponse:
        response = HttpResponse(status, identify(request_id))
        remaining = {}
        for name, value in answer.items():
            if name in located:
                if value is not None:
                    response.headers += located[name](value)
            elif name == status_member:
                response.status = status if value is None else value
            else:
                remaining[name] = value
        content_type, response.body = render(remaining)
        if content_type and not any(name.lower() == "content-type" for name, _ in response.headers):
            response.headers.append(("Content-Type", content_type))
        return response

    return serialize


def header_writers(members: Mapping[str, Shape]) -> dict[str, Callable[[Any], Headers]]:
    """The serializers of the `members` that are headers, or maps of headers with a common prefix."""
    writers: dict[str, Callable[[Any], Headers]] = {}
    for name, shape in members.items():
        location = shape.serialization.get("location")
        header = shape.serialization.get("name", name)
        if location == "headers":
            writers[name] = _prefixed(header if "name" in shape.serialization else "")
        elif location == "header":
            writers[name] = _single(header, _header_value(shape))
    return writers


def body_members(members: Mapping[str, Shape]) -> dict[str, Shape]:
    """The `members` that are in the body."""
    located = (*HEADER_LOCATIONS, "statusCode")
    return {name: shape for name, shape in members.items() if shape.serialization.get("location") not in located}


def _compile_body(
    owner: str, shape: StructureShape | None, members: Mapping[str, Shape], body_format: BodyFormat
) -> Render:
    payload = shape.serialization.get("payload") if shape is not None else None
    inside = body_members(members)
    if payload is not None:
        body_shape = members[payload]
        if body_shape.type_name in ("blob", "string") or body_shape.serialization.get("eventstream"):
            return _raw(owner, payload, body_format.raw_type(body_shape))
        return _payload(owner, payload, body_format.payload(body_shape), body_format.content_type)
    if inside:
        return _members(body_format.members(owner, shape, inside), body_format.content_type)
    return _nothing(owner)


def _members(encode: Callable[[Answer], bytes], content_type: str) -> Render:
    def render(remaining: dict[str, Any]) -> tuple[str, Body]:
        return content_type, encode(remaining)

    return render


def _payload(owner: str, member: str, encode: Callable[[Any], bytes], content_type: str) -> Render:
    def render(remaining: dict[str, Any]) -> tuple[str, Body]:
        value = remaining.pop(member, None)
        _refuse(owner, remaining)
        return (content_type, encode(value)) if value is not None else ("", b"")

    return render


def _raw(owner: str, member: str, content_type: str) -> Render:
    def render(remaining: dict[str, Any]) -> tuple[str, Body]:
        value = remaining.pop(member, None)
        _refuse(owner, remaining)
        if value is None:
            return "", b""
        return content_type, value.encode() if isinstance(value, str) else value

    return render


def _nothing(owner: str) -> Render:
    def render(remaining: dict[str, Any]) -> tuple[str, Body]:
        _refuse(owner, remaining)
        return "", b""

    return render


def _refuse(owner: str, remaining: Mapping[str, Any]) -> None:
    for name in remaining:
        raise unknown_member(owner, name)


def _status_member(members: Mapping[str, Shape]) -> str | None:
    return next((name for name, shape in members.items() if shape.serialization.get("location") == "statusCode"), None)


def _single(header: str, text: Callable[[Any], str]) -> Callable[[Any], Headers]:
    return lambda value: [(header, header_text(text(value)))]


def _prefixed(prefix: str) -> Callable[[Mapping[str, str]], Headers]:
    def write(values: Mapping[str, str]) -> Headers:
        return [(header_text(f"{prefix}{name}"), header_text(value)) for name, value in values.items()]

    return write


def _header_value(shape: Shape) -> Callable[[Any], str]:
    if shape.serialization.get("jsonvalue"):
        return lambda value: base64_text(json.dumps(value))
    if shape.type_name == "list":
        item = _header_value(shape.member)
        return lambda values: ", ".join([item(value) for value in values])
    if shape.type_name == "timestamp":
        return _TEXTS[shape.serialization.get("timestampFormat", "rfc822")]
    return _SCALARS.get(shape.type_name, str)
