"""The input that a target of a rule gets: the matched event, a part of it, a constant, or an input template filled in.

EventBridge User Guide, "Amazon EventBridge input transformation". A value that goes into a JSON text is written as
JSON, so that no event can put members of its own into a template, nor break it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

Event = Mapping[str, Any]

_PART: Final = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\d+)\]|\['([^']*)'\]")
_VARIABLE: Final = re.compile(r'(?P<quote>")|\\.|<(?P<name>[A-Za-z0-9_.-]+)>', re.DOTALL)
_ABSENT: Final = object()


def input_of(target: Mapping[str, Any], event: Event, rule: Mapping[str, Any]) -> str:
    """The text that `target` gets of `event`: JSON, but where a template is not. `rule` has variables of the rule."""
    if target.get("Input") is not None:
        return str(target["Input"])
    if target.get("InputPath") is not None:
        found = _at(str(target["InputPath"]), event)
        return _json(None if found is _ABSENT else found)
    transformer = target.get("InputTransformer")
    if transformer:
        return _filled(transformer, event, rule)
    return _json(event)


def text_at(path: str, event: Event) -> str:
    """The text at `path` of an event; empty where there is none."""
    found = _at(path, event)
    return "" if found is _ABSENT else found if isinstance(found, str) else _json(found)


def _filled(transformer: Mapping[str, Any], event: Event, rule: Mapping[str, Any]) -> str:
    paths = transformer.get("InputPathsMap") or {}
    values = {name: _at(path, event) for name, path in paths.items()}
    values |= {"aws.events.event": _without_detail(event), "aws.events.event.json": dict(event), **rule}
    quoted = False

    def put(match: re.Match[str]) -> str:
        nonlocal quoted
        name = match["name"]
        if match["quote"]:
            quoted = not quoted
        if name is None or name not in values:
            return match[0]
        value = values[name]
        if not quoted:
            return _json(None if value is _ABSENT else value)
        text = "" if value is _ABSENT else value if isinstance(value, str) else _json(value)
        return _json(text)[1:-1]

    return _VARIABLE.sub(put, str(transformer["InputTemplate"]))


def _without_detail(event: Event) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name != "detail"}


def _at(path: str, event: Event) -> Any:
    """The value at `path` (`$.detail.instances[0]`); `_ABSENT` where there is none, or where it is no such path."""
    found: Any = event
    rest = path.removeprefix("$")
    if not path.startswith("$"):
        return _ABSENT
    while rest:
        part = _PART.match(rest)
        if part is None:
            return _ABSENT
        name, index = part[1] or part[3], part[2]
        if index is not None and isinstance(found, list) and int(index) < len(found):
            found = found[int(index)]
        elif index is None and isinstance(found, dict) and name in found:
            found = found[name]
        else:
            return _ABSENT
        rest = rest[part.end() :]
    return found


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
