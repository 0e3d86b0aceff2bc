"""Conversion of answers to plain values for a JSON or CBOR encoder, by the shape.

https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#shape-serialization and
https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
- JSON: timestamps are epoch seconds unless the model says otherwise; blobs are base64; NaN and the infinities
  are strings; a member has its `locationName`
- CBOR: a timestamp is tag 1 over epoch seconds, whatever the model says; blobs are byte strings; members have
  their own names
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from locum.wire.serializers import Answer, unknown_member
from locum.wire.serializers.text import base64_text, epoch_number, http_date, iso8601, special_float

if TYPE_CHECKING:
    from botocore.model import Shape, StructureShape

Convert = Callable[[Any], Any]

_encode = msgspec.json.Encoder().encode


def encode_json(value: Any) -> bytes:
    """Encode `value` as compact JSON. Lone surrogates, which UTF-8 cannot encode, become escapes."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode("ascii")


def encode_cbor(value: Any) -> bytes:
    """Encode `value` as CBOR (RFC 8949)."""
    encoded: bytes = _cbor2().dumps(value)
    return encoded


def _cbor2() -> Any:
    # Imported late: few clients use CBOR, and importing it takes a third of the time allowed until the first response.
    import cbor2  # noqa: PLC0415

    return cbor2


class DataCompiler:
    """Compiles the shapes of one answer to functions that convert values to plain values."""

    def __init__(self, scalars: Mapping[str, Convert], timestamps: Mapping[str, Convert], *, renamed: bool) -> None:
        self._scalars = scalars
        self._timestamps = timestamps
        self._renamed = renamed
        self._structures: dict[str, Convert] = {}

    def fields(self, owner: str, members: Mapping[str, Shape]) -> Callable[[Answer], dict[str, Any]]:
        """The converter of a structure of `members` only."""
        converters: dict[str, tuple[str, Convert | None]] = {}
        convert = _fields(owner, converters)
        self._fill(converters, members)
        return convert

    def value(self, shape: Shape) -> Convert | None:
        """The converter of values of `shape`; None for identity."""
        kind = shape.type_name
        if kind == "structure":
            return None if shape.metadata.get("document") else self._structure(shape)
        if kind == "list":
            return _items(self.value(shape.member))
        if kind == "map":
            return _entries(self.value(shape.value))
        if kind == "timestamp":
            return self._timestamps[shape.serialization.get("timestampFormat", "unixTimestamp")]
        return self._scalars.get(kind)

    def _fill(self, converters: dict[str, tuple[str, Convert | None]], members: Mapping[str, Shape]) -> None:
        for name, shape in members.items():
            wire_name = shape.serialization.get("name", name) if self._renamed else name
            converters[name] = (wire_name, self.value(shape))

    def _structure(self, shape: StructureShape) -> Convert:
        known = self._structures.get(shape.name)
        if known is None:
            converters: dict[str, tuple[str, Convert | None]] = {}
            # Registered before its members, as a shape may be recursive.
            known = self._structures[shape.name] = _fields(shape.name, converters)
            self._fill(converters, shape.members)
        return known


def json_compiler() -> DataCompiler:
    """A compiler for json and rest-json."""
    return DataCompiler(
        {"blob": base64_text, "float": _json_float, "double": _json_float},
        {"unixTimestamp": epoch_number, "iso8601": iso8601, "rfc822": http_date},
        renamed=True,
    )


def cbor_compiler() -> DataCompiler:
    """A compiler for smithy-rpc-v2-cbor."""
    tag = _cbor2().CBORTag

    def tagged(instant: Any) -> Any:
        return tag(1, epoch_number(instant))

    formats = ("unixTimestamp", "iso8601", "rfc822")
    return DataCompiler(
        {"blob": _bytes, "float": float, "double": float}, dict.fromkeys(formats, tagged), renamed=False
    )


def _json_float(value: float) -> float | str:
    return special_float(value) or value


def _bytes(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


def _fields(owner: str, converters: Mapping[str, tuple[str, Convert | None]]) -> Callable[[Answer], dict[str, Any]]:
    def convert(answer: Answer) -> dict[str, Any]:
        result = {}
        for name, value in answer.items():
            if name not in converters:
                raise unknown_member(owner, name)
            if value is not None:
                wire_name, converter = converters[name]
                result[wire_name] = value if converter is None else converter(value)
        return result

    return convert


def _items(item: Convert | None) -> Convert:
    def convert(values: Any) -> list[Any]:
        if item is None:
            return [value for value in values if value is not None]
        return [item(value) for value in values if value is not None]

    return convert


def _entries(value: Convert | None) -> Convert:
    def convert(entries: Mapping[str, Any]) -> dict[str, Any]:
        if value is None:
            return {k: v for k, v in entries.items() if v is not None}
        return {k: value(v) for k, v in entries.items() if v is not None}

    return convert
