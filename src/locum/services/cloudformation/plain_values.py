"""Decoded templates as plain values: maps with string keys, lists, strings, numbers and booleans, and nothing else."""

from __future__ import annotations

import base64
import datetime
import math
from collections.abc import Mapping
from typing import Any, Final

from locum.services.cloudformation.functions import text
from locum.services.cloudformation.templates import DEEPEST, invalid

_LONGEST_NUMBER: Final = 1024
"""Bits of an integer. [U] CloudFormation's own limit is not published; Python refuses to write very long ones."""


def plain(value: Any, path: str = "", depth: int = 0) -> Any:
    """A decoded value as a plain one; `path` is its JSON pointer, for messages. Raises Fault ValidationError.

    YAML makes dates of strings that look like one: they become their ISO strings.
    """
    if depth > DEEPEST:
        raise invalid("Template format error: nested too deeply.")
    if isinstance(value, Mapping):
        members: dict[str, Any] = {}
        for key, member in value.items():
            name = text(_scalar(key, path))
            members[name] = plain(member, f"{path}/{name}", depth + 1)
        return members
    if isinstance(value, (list, tuple)):
        items = []
        for index, item in enumerate(value):
            items.append(plain(item, f"{path}/{index}", depth + 1))
        return items
    return _scalar(value, path)


def _scalar(value: Any, path: str) -> str | bool | int | float:
    if value is None:
        raise invalid(f"[{path}] 'null' values are not allowed in templates")
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value.bit_length() <= _LONGEST_NUMBER:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise invalid(f"Template format error: [{path}] unsupported value")
