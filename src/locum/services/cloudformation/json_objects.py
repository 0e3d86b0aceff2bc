"""JSON that somebody sends: values of a limited depth."""

from __future__ import annotations

from typing import Any

import msgspec


def json_value(text: str | bytes, deepest: int) -> Any:
    """The value of `text`. Raises ValueError where it is no JSON, or nests collections more than `deepest` deep."""
    try:
        found = msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("no JSON") from error
    if is_deeper(found, deepest):
        raise ValueError("nested too deeply")
    return found


def json_object(text: str | bytes, deepest: int) -> dict[str, Any]:
    """The object of `text`. Raises ValueError where it is none, like `json_value`."""
    found = json_value(text, deepest)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def is_deeper(value: Any, most: int) -> bool:
    """Whether collections nest more than `most` deep."""
    level = [value]
    for _ in range(most):
        inner = [it.values() if isinstance(it, dict) else it for it in level if isinstance(it, (dict, list))]
        level = [item for items in inner for item in items]
        if not level:
            return False
    return True
