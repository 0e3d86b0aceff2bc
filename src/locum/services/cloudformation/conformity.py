"""What is wrong with the values of properties, by the published schema of their type.

CloudFormation checks a resource against the schema of its type before it calls a service, and takes a text for a number
or a truth value and the other way round. User Guide, "Troubleshooting CloudFormation", "Model validation failed"; the
wording is that of the library that AWS publishes (aws-cloudformation/cloudformation-resource-schema), which names no
value. What a service checks itself is left to it: patterns, formats, alternatives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from locum.services.cloudformation.shapes import Node, item_of, members_of, node_of, resolved, types_of

_MOST: Final = 20
"""Problems that are told of one resource."""

_REFERENCE: Final = "{{resolve:"
"""What a text has in it that is not known yet."""

_TEXTS: Final = ("minLength", "maxLength", "expected {}: {}, actual: {}")
"""The bounds of texts, and what is told of a length beyond one."""

_LISTS: Final = ("minItems", "maxItems", "expected {} item count: {}, found: {}")
"""The bounds of lists, and what is told of a length beyond one."""

_WORDS: Final = {"minItems": "minimum", "maxItems": "maximum"}

_NAMES: Final = {
    "string": "String",
    "integer": "Integer",
    "number": "Number",
    "boolean": "Boolean",
    "array": "JSONArray",
    "object": "JSONObject",
}
"""JSON's types as the library names them."""


def violations(kind: str, properties: Mapping[str, Any]) -> list[str]:
    """What is wrong with the values of the properties of a resource of type `kind`, the first twenty of it.

    The names of the properties themselves are not looked at, nor whether required ones are there.
    """
    root = node_of(kind)
    members = members_of(root, root)
    found = (
        problem
        for name, value in properties.items()
        if name in members
        for problem in _value(root, resolved(root, members[name]), value, f"#/{name}")
    )
    return list(islice(found, _MOST))


def _value(root: Node, node: Node, value: Any, path: str) -> Iterator[str]:
    if isinstance(value, str) and _REFERENCE in value:
        return
    if problem := _mistyped(types_of(node), value):
        yield f"{path}: {problem}"
    elif isinstance(value, Mapping):
        yield from _object(root, node, value, path)
    elif isinstance(value, (list, tuple)):
        yield from _lengths(node, _LISTS, len(value), path)
        for place, item in enumerate(value):
            yield from _value(root, item_of(root, node), item, f"{path}/{place}")
    else:
        yield from _scalar(node, value, path)


def _mistyped(types: frozenset[str], value: Any) -> str:
    """What is wrong with the type of a value; empty where it is one of `types`, or can be made one."""
    if not types or any(_fits(kind, value) for kind in types):
        return ""
    expected = next(name for kind, name in _NAMES.items() if kind in types)
    return f"expected type: {expected}, found: {_type_of(value)}"


def _fits(kind: str, value: Any) -> bool:
    if kind == "array":
        return isinstance(value, (list, tuple))
    if kind == "object":  # documents can be texts
        return isinstance(value, Mapping) or (isinstance(value, str) and value.lstrip().startswith("{"))
    if isinstance(value, (Mapping, list, tuple)):
        return False
    if kind == "boolean":
        return isinstance(value, bool) or str(value).lower() in ("true", "false")
    if kind in ("integer", "number"):
        number = _number(value)
        return number is not None and (kind == "number" or number == int(number))
    return True


def _number(value: Any) -> float | None:
    """A number, or the one that a text has; None where there is none."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) != float("inf") and number == number else None  # noqa: PLR0124 - not NaN


def _type_of(value: Any) -> str:
    if isinstance(value, Mapping):
        return "JSONObject"
    if isinstance(value, (list, tuple)):
        return "JSONArray"
    if value is None:
        return "Null"
    return {bool: "Boolean", int: "Integer", float: "Double"}.get(type(value), "String")


def _object(root: Node, node: Node, value: Mapping[str, Any], path: str) -> Iterator[str]:
    members, free = members_of(root, node), bool(node.get("patternProperties"))
    for name in node.get("required", ()):
        if name not in value:
            yield f"{path}: required key [{name}] not found"
    for name, item in value.items():
        if name in members:
            yield from _value(root, resolved(root, members[name]), item, f"{path}/{name}")
        elif members and not free and node.get("additionalProperties") is False:
            yield f"{path}: extraneous key [{name}] is not permitted"


def _scalar(node: Node, value: Any, path: str) -> Iterator[str]:
    types = types_of(node)
    if "string" in types and isinstance(value, str):
        yield from _lengths(node, _TEXTS, len(value), path)
    if "enum" in node and not any(_text(value) == _text(one) for one in node["enum"]):
        yield f"{path}: failed validation constraint for keyword [enum]"
    number = None if "string" in types else _number(value)
    for keyword, sign in (("minimum", 1), ("maximum", -1)):
        if number is not None and keyword in node and sign * number < sign * node[keyword]:
            yield f"{path}: failed validation constraint for keyword [{keyword}]"


def _text(value: Any) -> str:
    """A value as CloudFormation passes it on: truth values in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _lengths(node: Node, bounds: tuple[str, str, str], length: int, path: str) -> Iterator[str]:
    least, most, told = bounds
    beyond = [least] if length < node.get(least, 0) else []
    beyond += [most] if length > node.get(most, length) else []
    for keyword in beyond:
        yield f"{path}: {told.format(_WORDS.get(keyword, keyword), node[keyword], length)}"
