"""Holds answers against the service models: botocore's, with what later releases add."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from locum.wire.models import service_model


def misfits(service: str, operation: str, answer: Mapping[str, Any]) -> list[str]:
    """Where `answer` is not of the operation's output shape: paths and what is wrong there."""
    shape = service_model(service).operation_model(operation).output_shape
    if shape is None:
        return [] if not answer else ["the operation has no output"]
    return _check(shape, answer, "$")


def errors(service: str, operation: str) -> set[str]:
    """The errors that the service's model has for the operation."""
    return {shape.name for shape in service_model(service).operation_model(operation).error_shapes}


def enumeration(service: str, shape: str) -> set[str]:
    """The values of an enumeration of the service's model."""
    return set(service_model(service).shape_for(shape).enum)


def _check(shape: Any, value: Any, at: str) -> list[str]:
    check = {"structure": _structure, "list": _list, "map": _map}.get(shape.type_name, _scalar)
    return check(shape, value, at)


def _structure(shape: Any, value: Any, at: str) -> list[str]:
    if not isinstance(value, Mapping):
        return [f"{at}: not a structure"]
    found = [f"{at}: no member {name}" for name in value if name not in shape.members]
    found += [f"{at}: required member {name} is missing" for name in shape.required_members if name not in value]
    for name, member in shape.members.items():
        if name in value:
            found += _check(member, value[name], f"{at}.{name}")
    return found


def _list(shape: Any, value: Any, at: str) -> list[str]:
    if not isinstance(value, list | tuple):
        return [f"{at}: not a list"]
    return [line for i, item in enumerate(value) for line in _check(shape.member, item, f"{at}[{i}]")]


def _map(shape: Any, value: Any, at: str) -> list[str]:
    return [line for key, item in value.items() for line in _check(shape.value, item, f"{at}.{key}")]


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (int, float),
    "blob": (bytes,),
}


def _scalar(shape: Any, value: Any, at: str) -> list[str]:
    if not isinstance(value, _TYPES[shape.type_name]) or (isinstance(value, bool) and shape.type_name != "boolean"):
        return [f"{at}: {value!r} is not a {shape.type_name}"]
    if shape.type_name == "string" and shape.enum and value not in shape.enum:
        return [f"{at}: {value!r} is not in the enumeration"]
    return []
