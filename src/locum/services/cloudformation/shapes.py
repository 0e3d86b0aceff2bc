"""Values of answers in the form of properties: the names, types and documents of a resource type's schema.

Services show what templates have under the same names, but for the case of their letters. They show documents as texts,
and tags or attributes as maps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote

from locum.services.cloudformation.schemas import published

Node = Mapping[str, Any]

_ANY: Final[Node] = {}
_ALTERNATIVES: Final = ("allOf", "anyOf", "oneOf")
_TRUTH: Final = {"true": True, "false": False}
_DOCUMENT: Final = ("{", "[", "%7B", "%5B")


def node_of(kind: str) -> Node:
    """The schema of a resource of type `kind`, which may be anything where none is published."""
    return published(kind) or _ANY


def resolved(root: Node, node: Node) -> Node:
    """`node` of the schema `root`, or what it refers to."""
    for _ in range(len(root)):
        reference = node.get("$ref")
        if not isinstance(reference, str):
            break
        found: Any = root
        for step in reference.removeprefix("#/").split("/"):
            found = found.get(step, _ANY) if isinstance(found, Mapping) else _ANY
        node = found
    return node


def members_of(root: Node, node: Node) -> Mapping[str, Node]:
    """The properties that an object may have, by their names; none where it may have any."""
    found = dict(node.get("properties", {}))
    for name in _ALTERNATIVES:
        for alternative in node.get(name, ()):
            found = {**members_of(root, resolved(root, alternative)), **found}
    return found


def types_of(node: Node) -> frozenset[str]:
    """The JSON types that a value may have; none where they are not said."""
    found = node.get("type", ())
    return frozenset({found} if isinstance(found, str) else found)


def item_of(root: Node, node: Node) -> Node:
    """The schema of the items of a list."""
    found = node.get("items", _ANY)
    return resolved(root, found) if isinstance(found, Mapping) else _ANY


def properties_in(kind: str, shown: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of a resource of type `kind` that the structure `shown` has, by name."""
    root = node_of(kind)
    found: dict[str, Any] = _object(root, root, shown)
    return found


def property_as(kind: str, name: str, value: Any) -> Any:
    """`value` as the property `name` of a resource of type `kind`."""
    root = node_of(kind)
    node = members_of(root, root).get(name, _ANY)
    return _fitted(root, resolved(root, node), value)


def decoded(value: Any) -> Any:
    """The document of a text; what is none stays as it is."""
    if not (isinstance(value, str) and value.lstrip().startswith(_DOCUMENT)):
        return value
    text = unquote(value) if value.startswith("%") else value
    try:
        return json.loads(text)
    except ValueError:
        return value


def _fitted(root: Node, node: Node, value: Any) -> Any:
    types = types_of(node)
    members = members_of(root, node)
    if "array" in types or "items" in node:
        return _list(root, item_of(root, node), value)
    if "object" in types or members:
        value = _by_key(decoded(value))
        return _object(root, node, value) if isinstance(value, Mapping) else plain(value)
    return _scalar(types, value)


def _by_key(value: Any) -> Any:
    """Tags as a map, where they are a list."""
    tags = isinstance(value, list) and all(isinstance(tag, Mapping) and "Key" in tag for tag in value)
    return {tag["Key"]: tag.get("Value") for tag in value} if tags else value


def _object(root: Node, node: Node, value: Mapping[str, Any]) -> Any:
    members = members_of(root, node)
    if not members:
        return plain(value)
    names, found = {name.lower(): name for name in members}, {}
    for given, item in value.items():
        name = given if given in members else names.get(str(given).lower())
        if name is not None and item is not None:
            found[name] = _fitted(root, resolved(root, members[name]), item)
    return found


def _list(root: Node, item: Node, value: Any) -> Any:
    if isinstance(value, Mapping) and "Items" in value:
        value = value["Items"]
    if isinstance(value, str):
        value = [text.strip() for text in value.split(",")]
    if isinstance(value, Mapping):
        if not {"Key", "Value"} <= members_of(root, item).keys():
            return plain(value)
        value = [{"Key": key, "Value": text} for key, text in value.items()]
    if not isinstance(value, (list, tuple)):
        return plain(value)
    return [_fitted(root, item, inner) for inner in value]


def _scalar(types: frozenset[str], value: Any) -> Any:
    if isinstance(value, str) and "string" not in types:
        if "boolean" in types and value.lower() in _TRUTH:
            return _TRUTH[value.lower()]
        if types & {"integer", "number"} and value.lstrip("-").replace(".", "", 1).isdigit():
            return float(value) if "." in value else int(value)
    return plain(value)


def plain(value: Any) -> Any:
    """`value` in JSON's types."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items() if item is not None}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value
