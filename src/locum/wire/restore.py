"""Restoring parameters from an audit record: `requestParameters` under the service model's names.

The reverse of `wire.redact`, as far as possible: omitted and hidden members are absent. Timestamps are epoch seconds.
Of DynamoDB, whose condition keys are about the content of requests (dynamodb:LeadingKeys, dynamodb:Attributes), hidden
members are there with a value that equals none of a policy: a condition that cannot be evaluated any more is not true
by accident, as `ForAllValues` is where there is nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from locum.wire.redact import HIDDEN, recorded_name

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape, StructureShape


_UNKNOWN: Final = "\0"
_CONTENT_DECIDES: Final = frozenset({"dynamodb"})


def restored(model: OperationModel, recorded: Mapping[str, Any] | None) -> dict[str, Any]:
    """The parameters of a call of the operation `model`, from the `requestParameters` of its record."""
    if recorded is None or model.input_shape is None:
        return {}
    service = model.service_model.service_name
    return _Restorer(unknown=service in _CONTENT_DECIDES).structure(model.input_shape, recorded, service)


class _Restorer:
    """Restores values by their shapes. `unknown`: hidden ones are there, as unknown."""

    def __init__(self, *, unknown: bool) -> None:
        self._unknown = unknown

    def structure(self, shape: StructureShape, recorded: Mapping[str, Any], service: str = "") -> dict[str, Any]:
        names = {recorded_name(service, name): name for name in shape.members}
        return {
            names[name]: self._value(shape.members[names[name]], value)
            for name, value in recorded.items()
            if name in names and value is not None and (self._unknown or value != HIDDEN)
        }

    def _value(self, shape: Shape, value: Any) -> Any:
        kind = shape.type_name
        if value == HIDDEN:
            return _unknown(shape)
        if kind == "structure" and isinstance(value, Mapping) and not shape.metadata.get("document"):
            return self.structure(shape, value)
        if kind == "list" and isinstance(value, list):
            return [self._value(shape.member, item) for item in value]
        if kind == "map" and isinstance(value, Mapping):
            return {key: self._value(shape.value, item) for key, item in value.items()}
        if kind == "timestamp" and isinstance(value, str):
            return datetime.fromisoformat(value).timestamp()
        return value


def _unknown(shape: Shape) -> Any:
    """A value of a shape of which nothing is known: of structures, the first member stands for the others."""
    kind = shape.type_name
    if kind == "structure":
        return {name: _unknown(member) for name, member in list(shape.members.items())[:1]}
    if kind == "list":
        return [_unknown(shape.member)]
    return {_UNKNOWN: _unknown(shape.value)} if kind == "map" else _UNKNOWN
