"""A call as the command of the AWS CLI that makes it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any, Final

from botocore import xform_name
from botocore.model import OperationModel, Shape

_COMMANDS: Final = {"s3": "s3api", "config": "configservice", "codedeploy": "deploy"}
HIDDEN: Final = "********"
"""What is told in place of a secret."""
_NAMES: Final = {("RunInstances", "MaxCount"): "count"}
"""Options that the AWS CLI calls otherwise: `--count` is the most and the least, where it is one number."""
_LEFT_OUT: Final = frozenset({("RunInstances", "MinCount")})


def as_command(model: OperationModel, parameters: Mapping[str, Any]) -> str:
    """The command for a call of `model` with `parameters`; what is sensitive is hidden."""
    service = model.service_model.service_name
    words = ["aws", _COMMANDS.get(service, service), xform_name(model.name, "-")]
    members: Mapping[str, Shape] = model.input_shape.members if model.input_shape is not None else {}
    for name, value in parameters.items():
        if (model.name, name) not in _LEFT_OUT:
            words += _option(_NAMES.get((model.name, name), xform_name(name, "-")), members[name], value)
    return " ".join(words)


def _option(name: str, shape: Shape, value: Any) -> list[str]:
    if shape.type_name == "boolean":
        return [f"--{name}" if value else f"--no-{name}"]
    shown = _shown(shape, value)
    if isinstance(shown, list) and shown and all(isinstance(item, str) and item[:1] != "-" for item in shown):
        return [f"--{name}", *map(shlex.quote, shown)]
    text = shown if isinstance(shown, str) else json.dumps(shown, default=str)
    if text.startswith("-"):  # a name may be that of an option
        return [f"--{name}={shlex.quote(text)}"]
    return [f"--{name}", shlex.quote(text)]


def _shown(shape: Shape, value: Any) -> Any:
    """`value` without what is sensitive in it."""
    if shape.metadata.get("sensitive"):
        return _hidden(value)
    if shape.type_name == "structure" and isinstance(value, Mapping):
        members = shape.members
        return {name: _shown(members[name], item) for name, item in value.items()}
    if shape.type_name == "list":
        return [_shown(shape.member, item) for item in value]
    if shape.type_name == "map":
        return {name: _shown(shape.value, item) for name, item in value.items()}
    return value


def _hidden(value: Any) -> Any:
    """Something sensitive: as it is made up, without what is in it."""
    if isinstance(value, Mapping):
        return {name: _hidden(item) for name, item in value.items()}
    return [_hidden(item) for item in value] if isinstance(value, list) else HIDDEN
