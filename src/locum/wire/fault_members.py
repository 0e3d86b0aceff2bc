"""Serialization of a fault's members other than code and message, whether its shape has them or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from locum.core.errors import Fault
from locum.wire.error_models import ErrorModel, ErrorModels
from locum.wire.serializers.data import DataCompiler
from locum.wire.serializers.identity import Headers
from locum.wire.serializers.rest import body_members, header_writers
from locum.wire.serializers.text import header_text
from locum.wire.serializers.xml import XmlCompiler, escape

if TYPE_CHECKING:
    from botocore.model import Shape

Members = Mapping[str, Any]
XmlMembers = Callable[[ErrorModel, Members], str]
DataMembers = Callable[[ErrorModel, Members], dict[str, Any]]

# Members that are part of the envelope.
_IN_ENVELOPE = ("message", "code", "__type")
_ENVELOPE_HEADERS = ("x-amzn-errortype", "x-amzn-requestid")


def xml_members(compiler: XmlCompiler) -> XmlMembers:
    """A function that serializes the members of a fault as XML elements."""
    compiled: dict[str, Callable[[Members], str]] = {}

    def write(error: ErrorModel, members: Members) -> str:
        if not members:
            return ""
        modelled, free = _divide(error, members)
        text = "".join([f"<{name}>{escape(str(value))}</{name}>" for name, value in free.items()])
        if not modelled:
            return text
        if error.name not in compiled:
            compiled[error.name] = compiler.fields(error.name, _modelled(error))
        return compiled[error.name](modelled) + text

    return write


def data_members(compiler: DataCompiler) -> DataMembers:
    """A function that converts the members of a fault to plain values."""
    compiled: dict[str, Callable[[Members], dict[str, Any]]] = {}

    def convert(error: ErrorModel, members: Members) -> dict[str, Any]:
        if not members:
            return {}
        modelled, free = _divide(error, members)
        if not modelled:
            return free
        if error.name not in compiled:
            compiled[error.name] = compiler.fields(error.name, _modelled(error))
        return compiled[error.name](modelled) | free

    return convert


def split_headers(error: ErrorModel, members: Members) -> tuple[Headers, Members]:
    """The members that are headers in the model (`Retry-After`), serialized, and the other members."""
    writers = header_writers(error.shape.members) if members and error.shape is not None else {}
    headers = [
        header
        for name, write in writers.items()
        if members.get(name) is not None
        for header in write(members[name])
        if header[0].lower() not in _ENVELOPE_HEADERS
    ]
    return headers, {name: value for name, value in members.items() if name not in writers}


def message_name(error: ErrorModel, *, renamed: bool) -> str:
    """The shape's name of its message member: `message` or `Message`. `renamed`: by its `locationName`."""
    for name, shape in _body(error).items():
        if name.lower() == "message":
            return str(shape.serialization.get("name", name)) if renamed else name
    return "message"


def query_error(errors: ErrorModels, error: ErrorModel, fault: Fault) -> Headers:
    """The header with the former query code of an error, for services that left the query protocol."""
    if not errors.query_compatible:
        return []
    return [("x-amzn-query-error", header_text(f"{error.code};{error_type(fault)}"))]


def error_type(fault: Fault) -> str:
    """The `<Type>` of an error, by its status: Sender or Receiver."""
    return "Sender" if fault.sender else "Receiver"


def _divide(error: ErrorModel, members: Members) -> tuple[dict[str, Any], dict[str, Any]]:
    known = _modelled(error)
    present = {n: v for n, v in members.items() if v is not None and n.lower() not in _IN_ENVELOPE}
    return {n: v for n, v in present.items() if n in known}, {n: v for n, v in present.items() if n not in known}


def _modelled(error: ErrorModel) -> dict[str, Shape]:
    return {name: shape for name, shape in _body(error).items() if name.lower() not in _IN_ENVELOPE}


def _body(error: ErrorModel) -> dict[str, Shape]:
    return body_members(error.shape.members) if error.shape is not None else {}
