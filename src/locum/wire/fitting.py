"""Values fitted to the shapes of a service model: the members in its letter case, scalars of its types.

Properties of CloudFormation's resource types are named like the members of the API, but for the case of their first
letters, and may be texts where the API has numbers or booleans, as parameters of templates are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from locum.core.errors import Fault

if TYPE_CHECKING:  # botocore is loaded with the first call that needs it
    from botocore.model import OperationModel, Shape

_COUNTED: Final = frozenset({"Quantity", "Items"})
"""The members of a list in CloudFront's API, which is a list in the properties."""

_TRUTH: Final = {"true": True, "false": False}


def fitted(model: OperationModel, params: Mapping[str, Any]) -> dict[str, Any]:
    """`params` as the input of the operation `model`.

    Raises Fault InvalidRequest for a member that the shape does not have, or a value that cannot be of its type.
    """
    shape = model.input_shape
    if shape is None:
        return {}
    made: dict[str, Any] = _value(shape, params, "")
    return made


def _value(shape: Shape, value: Any, where: str) -> Any:
    kind = shape.type_name
    if kind == "structure":
        return _structure(shape, value, where)
    if kind == "list":
        items = value if isinstance(value, (list, tuple)) else [value]
        return [_value(shape.member, item, f"{where}/{number}") for number, item in enumerate(items)]
    if kind == "map":
        if not isinstance(value, Mapping):
            raise _invalid(where, "an object")
        return {str(key): _value(shape.value, item, f"{where}/{key}") for key, item in value.items()}
    return _scalar(shape, value, where)


def _structure(shape: Shape, value: Any, where: str) -> Any:
    if getattr(shape, "is_document_type", False):
        return value
    if isinstance(value, (list, tuple)) and shape.members.keys() >= _COUNTED:
        value = {"Quantity": len(value), "Items": value}
    if not isinstance(value, Mapping):
        raise _invalid(where, "an object")
    names, made = _names(shape), {}
    for given, item in value.items():
        name = given if given in shape.members else names.get(str(given).lower())
        if name is None:
            raise Fault("InvalidRequest", f"Encountered unsupported property {given}")
        made[name] = _value(shape.members[name], item, f"{where}/{given}")
    return made


@cache
def _names(shape: Shape) -> dict[str, str]:
    return {name.lower(): name for name in shape.members}


def _scalar(shape: Shape, value: Any, where: str) -> Any:
    kind = shape.type_name
    try:
        if kind == "string":
            return _text(value)
        if kind in ("integer", "long"):
            return _whole(value)
        if kind in ("float", "double"):
            return _number(value)
        if kind == "boolean":
            return value if isinstance(value, bool) else _TRUTH[str(value).lower()]
        if kind == "blob" and isinstance(value, str):
            return value.encode()
        if kind == "timestamp" and isinstance(value, str):
            return _epoch(value)
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise _invalid(where, f"a value of type {kind}") from error
    return value


def _number(value: Any) -> float:
    found = float(value)
    if not math.isfinite(found):
        raise ValueError(value)
    return found


def _whole(value: Any) -> int:
    if isinstance(value, bool) or int(value) != float(value):
        raise ValueError(value)
    return int(value)


def _epoch(text: str) -> float:
    """A time in epoch seconds: a number as text, or a date of ISO 8601, in UTC where it says nothing else."""
    if text.replace(".", "", 1).isdigit():
        return _number(text)
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _text(value: Any) -> str:
    """A value as text: objects are documents (policies, definitions) as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value)
    if value is None:
        raise ValueError(value)
    return str(value)


def _invalid(where: str, wanted: str) -> Fault:
    return Fault("InvalidRequest", f"Properties validation failed: #{where}: expected {wanted}")
