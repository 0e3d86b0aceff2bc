"""Restoring parameters from an audit record: `requestParameters` under the service model's names.

The reverse of `wire.redact`, as far as possible. Omitted members are absent. Timestamps are epoch seconds. What was
hidden is there as `HIDDEN`, in the form that its shape has: so a condition on it is not taken for one on an absent
member (`ForAllValues` would hold), and whoever decides on the call again can tell that it asks for what is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from locum.wire.redact import HIDDEN, recorded_name

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape, StructureShape


def restored(model: OperationModel, recorded: Mapping[str, Any] | None) -> dict[str, Any]:
    """The parameters of a call of the operation `model`, from the `requestParameters` of its record."""
    if recorded is None or model.input_shape is None:
        return {}
    return _structure(model.input_shape, recorded, model.service_model.service_name)


def _structure(shape: StructureShape, recorded: Mapping[str, Any], service: str = "") -> dict[str, Any]:
    names = {recorded_name(service, name): name for name in shape.members}
    return {
        names[name]: _value(shape.members[names[name]], value)
        for name, value in recorded.items()
        if name in names and value is not None
    }


def _value(shape: Shape, value: Any) -> Any:
    kind = shape.type_name
    if value == HIDDEN:
        return _hidden(shape)
    if kind == "structure" and isinstance(value, Mapping) and not shape.metadata.get("document"):
        return _structure(shape, value)
    if kind == "list" and isinstance(value, list):
        return [_value(shape.member, item) for item in value]
    if kind == "map" and isinstance(value, Mapping):
        return {key: _value(shape.value, item) for key, item in value.items()}
    if kind == "timestamp" and isinstance(value, str):
        return datetime.fromisoformat(value).timestamp()
    return value


def _hidden(shape: Shape) -> Any:
    """A hidden value in the form of its shape: of a structure, the first member stands for all."""
    kind = shape.type_name
    if kind == "structure":
        return {name: _hidden(member) for name, member in list(shape.members.items())[:1]}
    if kind == "list":
        return [_hidden(shape.member)]
    return {HIDDEN: _hidden(shape.value)} if kind == "map" else HIDDEN
