"""Conversion of JSON and CBOR values to parameters, by the shape.

https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html

The messages are those of AWS's servers ("NUMBER_VALUE cannot be converted to String"). Like them, it ignores members
with null and members that the shape does not have.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from locum.wire.parsers import scalars
from locum.wire.parsers.malformed import Malformed

if TYPE_CHECKING:
    from botocore.model import ListShape, MapShape, Shape, StructureShape

Reader = Callable[[Any], Any]

_INT_LIMITS = {"integer": 2**31, "long": 2**63}


class ValueCompiler:
    """Compiles readers of shapes. `scalar_readers` are those in which JSON and CBOR differ: blob and timestamp."""

    def __init__(self, scalar_readers: Mapping[str, Reader]) -> None:
        self._scalars = {**_SCALARS, **scalar_readers}
        self._structures: dict[str, Reader] = {}

    def reader(self, shape: Shape) -> Reader:
        """The reader of values of a shape."""
        if shape.type_name == "structure":
            return _same if shape.is_document_type else self.structure(shape)
        if shape.type_name == "list":
            return self._list(shape)
        if shape.type_name == "map":
            return self._map(shape)
        return self._scalars.get(shape.type_name, string)

    def structure(self, shape: StructureShape) -> Reader:
        """The reader of a structure; its table is filled afterwards, as shapes may be recursive."""
        known = self._structures.get(shape.name)
        if known is not None:
            return known
        read, table = _structure_reader()
        self._structures[shape.name] = read
        table.update(self.table(shape.members))
        return read

    def table(self, members: Mapping[str, Shape]) -> dict[str, tuple[str, Reader]]:
        """The members and their readers, by their names on the wire."""
        return {m.serialization.get("name", name): (name, self.reader(m)) for name, m in members.items()}

    def members(self, members: Mapping[str, Shape]) -> Reader:
        """The reader of some of a structure's members (those of a REST input that are in the body)."""
        read, table = _structure_reader()
        table.update(self.table(members))
        return read

    def _list(self, shape: ListShape) -> Reader:
        item = self.reader(shape.member)

        def read(value: Any) -> list[Any]:
            if type(value) is not list:
                raise Malformed(_unexpected(value, "List"))
            return [item(element) for element in value if element is not None]

        return read

    def _map(self, shape: MapShape) -> Reader:
        item = self.reader(shape.value)

        def read(value: Any) -> dict[str, Any]:
            if type(value) is not dict:
                raise Malformed(_unexpected(value, "Map"))
            return {string(key): item(element) for key, element in value.items() if element is not None}

        return read


def _structure_reader() -> tuple[Reader, dict[str, tuple[str, Reader]]]:
    table: dict[str, tuple[str, Reader]] = {}

    def read(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise Malformed(_unexpected(value, "Structure"))
        found: dict[str, Any] = {}
        for key, element in value.items():
            entry = table.get(key)
            if entry is not None and element is not None:
                found[entry[0]] = entry[1](element)
        return found

    return read, table


def _same(value: Any) -> Any:
    return value


def string(value: Any) -> str:
    """Read a string."""
    if type(value) is not str:
        raise Malformed(_unexpected(value, "String"))
    return value


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise Malformed(_unexpected(value, "Boolean"))
    return value


def _whole_number(kind: str) -> Reader:
    limit = _INT_LIMITS[kind]

    def read(value: Any) -> int:
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int or not -limit <= value < limit:
            raise Malformed(_unexpected(value, kind.capitalize()))
        return value

    return read


def _number(value: Any) -> float:
    if type(value) in (int, float):
        return float(value)
    if type(value) is str and value in ("NaN", "Infinity", "-Infinity"):
        return scalars.decimal(value)
    raise Malformed(_unexpected(value, "Double"))


_SCALARS: dict[str, Reader] = {
    "integer": _whole_number("integer"),
    "long": _whole_number("long"),
    "float": _number,
    "double": _number,
    "boolean": _boolean,
}


def _unexpected(value: Any, wanted: str) -> str:
    if isinstance(value, dict):
        return "Start of structure or map found where not expected."
    if isinstance(value, list):
        return "Start of list found where not expected"
    if isinstance(value, bool):
        return f"{'TRUE' if value else 'FALSE'}_VALUE cannot be converted to {wanted}"
    if isinstance(value, str):
        return f"STRING_VALUE cannot be converted to {wanted}"
    if isinstance(value, int | float):
        return f"{'NUMBER' if isinstance(value, int) else 'DECIMAL'}_VALUE cannot be converted to {wanted}"
    return f"Value cannot be converted to {wanted}"


# JSON


def _json_blob(value: Any) -> bytes:
    return scalars.blob(string(value))


def _json_timestamp(value: Any) -> scalars.Epoch:
    if type(value) in (int, float) and math.isfinite(value):
        return scalars.whole(value)
    return scalars.timestamp(string(value))


JSON_SCALARS: Mapping[str, Reader] = {"blob": _json_blob, "timestamp": _json_timestamp}


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # The backend might use the other value of a repeated member.
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member occurs twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_decode = json.JSONDecoder(object_pairs_hook=_unique_members, parse_constant=_no_constant).decode


def read_json(body: bytes) -> Any:
    """Decode a JSON body. Raises Malformed, also for repeated members and for lone surrogates."""
    try:
        value = _decode(body.decode("utf-8"))
        if b"\\u" in body:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise Malformed("Unable to parse the request body as JSON") from None
    return value


# CBOR


def _cbor_blob(value: Any) -> bytes:
    if type(value) is not bytes:
        raise Malformed(_unexpected(value, "Blob"))
    return value


def _cbor_timestamp(value: Any) -> scalars.Epoch:
    if isinstance(value, datetime):
        return scalars.whole(value.astimezone(UTC).timestamp())
    if type(value) in (int, float) and math.isfinite(value):
        return scalars.whole(value)
    raise Malformed(_unexpected(value, "Timestamp"))


CBOR_SCALARS: Mapping[str, Reader] = {"blob": _cbor_blob, "timestamp": _cbor_timestamp}


def read_cbor(body: bytes) -> Any:
    """Decode a CBOR body. Raises Malformed."""
    import cbor2  # noqa: PLC0415 - few clients use it, and it takes milliseconds to import

    try:
        return cbor2.loads(body)
    except (cbor2.CBORDecodeError, ValueError, RecursionError, OverflowError):
        raise Malformed("Unable to parse the request body as CBOR") from None
