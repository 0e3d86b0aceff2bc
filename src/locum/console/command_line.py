"""A call as the command of the AWS CLI that makes it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any, Final

from botocore import xform_name
from botocore.model import OperationModel, Shape

_COMMANDS: Final = {"s3": "s3api", "config": "configservice", "codedeploy": "deploy"}
_HIDDEN: Final = "********"


def as_command(model: OperationModel, parameters: Mapping[str, Any]) -> str:
    """The command for a call of `model` with `parameters`; what is sensitive is hidden."""
    service = model.service_model.service_name
    words = ["aws", _COMMANDS.get(service, service), xform_name(model.name, "-")]
    members: Mapping[str, Shape] = model.input_shape.members if model.input_shape is not None else {}
    for name, value in parameters.items():
        words += _option(xform_name(name, "-"), members[name], value)
    return " ".join(words)


def _option(name: str, shape: Shape, value: Any) -> list[str]:
    if shape.type_name == "boolean":
        return [f"--{name}" if value else f"--no-{name}"]
    if shape.type_name == "list" and value and all(isinstance(item, str) for item in value):
        return [f"--{name}", *map(shlex.quote, value)]
    return [f"--{name}", shlex.quote(_text(shape, value))]


def _text(shape: Shape, value: Any) -> str:
    if shape.metadata.get("sensitive"):
        return _HIDDEN
    if isinstance(value, str):
        return value
    return json.dumps(_shown(shape, value), default=str)


def _shown(shape: Shape, value: Any) -> Any:
    """`value` without what is sensitive in it."""
    if shape.metadata.get("sensitive"):
        return _HIDDEN
    if shape.type_name == "structure" and isinstance(value, Mapping):
        members = shape.members
        return {name: _shown(members[name], item) for name, item in value.items()}
    if shape.type_name == "list":
        return [_shown(shape.member, item) for item in value]
    return value
