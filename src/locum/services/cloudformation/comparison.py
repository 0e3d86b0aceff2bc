"""How a resource differs from what its template says: the properties given there, compared with those that were read.

CloudFormation User Guide, "Detect unmanaged configuration changes to stacks and resources with drift detection": only
properties are compared that the template sets. Of lists, what was added is a difference, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from locum.core.arn import Arn
from locum.services.cloudformation.providers.base import Found, Properties
from locum.services.cloudformation.schemas import Path, schema_of
from locum.services.cloudformation.shapes import Node, decoded, item_of, members_of, node_of, resolved

_FOLDED: Final = ("IpProtocol",)
"""The name of texts that are the same in capitals."""
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_RESERVED: Final = "aws:"
_NOTHING: Final = object()
_ITEMS_COMPARED: Final = 20_000
"""Pairs of items of two lists that are compared with one another; those beyond are taken by their places."""


class PropertyDifference(NamedTuple):
    """A difference at `path` (names of members, numbers of items). A side that has nothing there is None."""

    path: tuple[str, ...]
    expected: Any
    actual: Any
    type: str


class Comparison(NamedTuple):
    """The expected properties that are known of a resource, and the actual ones beside them, with their differences."""

    expected: Properties
    actual: Properties
    differences: tuple[PropertyDifference, ...]


def compared(kind: str, wanted: Mapping[str, Any], found: Found, account: str) -> Comparison:
    """The comparison of a resource of type `kind`, of `account`.

    `wanted` are the `properties` that it was given, and the `tags` of its stack.
    """
    expected = _with_tags(wanted)
    schema, root = schema_of(kind), node_of(kind)
    for path in schema.write_only if schema else ():
        expected = _without(expected, path)
    known = {name for name in expected if name in found.properties or name in found.unset}
    expected = {name: value for name, value in expected.items() if name in known}
    actual = {name: value for name, value in found.properties.items() if name in known}
    members, comparing = members_of(root, root), _Comparing(root, account)
    differences: list[PropertyDifference] = []
    for name in sorted(known):
        node = resolved(root, members.get(name, {}))
        differences += comparing.of(node, expected[name], actual.get(name, _NOTHING), (name,))
    return Comparison(expected, actual, tuple(differences))


def _with_tags(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that are wanted; where they have tags, with those of the stack."""
    found = dict(wanted.get("properties", {}))
    of_stack = {key: value for key, value in wanted.get("tags", {}).items() if not key.startswith(_RESERVED)}
    for name in [name for name in found if name.endswith("Tags")]:  # UserPoolTags, say
        tags = found[name]
        if isinstance(tags, Mapping):
            found[name] = {**of_stack, **tags}
        elif isinstance(tags, list) and all(isinstance(tag, Mapping) for tag in tags):
            own = {tag.get("Key") for tag in tags}
            found[name] = [*tags, *({"Key": key, "Value": of_stack[key]} for key in of_stack if key not in own)]
    return found


def _without(value: Any, path: Path) -> Any:
    """`value` without what is at `path`, which no service shows."""
    head, rest = path[0], path[1:]
    if head == "*":
        return [_without(item, rest) for item in value] if isinstance(value, list) and rest else value
    if not isinstance(value, Mapping) or head not in value:
        return value
    left = {name: item for name, item in value.items() if name != head}
    return {**left, head: _without(value[head], rest)} if rest else left


class _Comparing:
    """Compares values by the schema `root` of a resource type, in an account."""

    def __init__(self, root: Node, account: str) -> None:
        self._root = root
        self._account = account

    def of(self, node: Node, expected: Any, actual: Any, path: tuple[str, ...]) -> Iterator[PropertyDifference]:
        """The differences of two values at `path`."""
        expected, actual = decoded(expected), decoded(actual)
        if _is_nothing(expected) and _is_nothing(actual):
            return
        if actual is _NOTHING or (_is_nothing(actual) and not _is_nothing(expected)):
            yield PropertyDifference(path, expected, None, "REMOVE")
        elif isinstance(expected, Mapping) and isinstance(actual, Mapping):
            yield from self._objects(node, expected, actual, path)
        elif isinstance(expected, (list, tuple)) or isinstance(actual, (list, tuple)):
            yield from self._lists(node, _listed(expected), _listed(actual), path)
        elif not self._same(expected, actual, path):
            yield PropertyDifference(path, expected, actual, "NOT_EQUAL")

    def _objects(
        self, node: Node, expected: Mapping[str, Any], actual: Mapping[str, Any], path: tuple[str, ...]
    ) -> Iterator[PropertyDifference]:
        """The differences of two objects. What a document has more is one; what the schema knows may be a default."""
        members = members_of(self._root, node)
        for name, value in expected.items():
            inner = resolved(self._root, members.get(name, {}))
            yield from self.of(inner, value, actual.get(name, _NOTHING), (*path, name))
        for name in [] if members else actual.keys() - expected.keys():
            yield PropertyDifference((*path, name), None, actual[name], "ADD")

    def _lists(
        self, node: Node, expected: list[Any], actual: list[Any], path: tuple[str, ...]
    ) -> Iterator[PropertyDifference]:
        """The differences of two lists. Their order counts where the schema says that it does."""
        item = item_of(self._root, node)
        if node.get("insertionOrder") is True or len(expected) * len(actual) > _ITEMS_COMPARED:
            pairs = {number: number for number in range(min(len(expected), len(actual)))}
        else:
            pairs = self._pairs(item, expected, actual)
        for number, value in enumerate(expected):
            here = (*path, str(number))
            if number in pairs:
                yield from self.of(item, value, actual[pairs[number]], here)
            else:
                yield PropertyDifference(here, value, None, "REMOVE")
        for number in sorted(set(range(len(actual))) - set(pairs.values())):
            yield PropertyDifference((*path, str(number)), None, actual[number], "ADD")

    def _pairs(self, item: Node, expected: list[Any], actual: list[Any]) -> dict[int, int]:
        """Which of `actual` is which of `expected`: what is equal, else what has something in common."""
        left, pairs = list(range(len(actual))), {}
        for same in (self._equal, _akin):
            for number, value in enumerate(expected):
                if number in pairs:
                    continue
                found = next((other for other in left if same(item, value, actual[other])), None)
                if found is not None:
                    pairs[number] = found
                    left.remove(found)
        return pairs

    def _equal(self, item: Node, expected: Any, actual: Any) -> bool:
        return next(self.of(item, expected, actual, ()), None) is None

    def _same(self, expected: Any, actual: Any, path: tuple[str, ...]) -> bool:
        """Whether two scalars are the same: texts of numbers and truths, names and the ARNs of what they name."""
        one, other = _text(expected), _text(actual)
        if path[-1:] == _FOLDED:
            one, other = one.lower(), other.lower()
        return one == other or self._named(one, other) or self._named(other, one)

    def _named(self, name: str, arn: str) -> bool:
        """Whether `arn` is of what has the name `name` here; that of an account's root, of the account."""
        found = Arn.find(arn)
        if found is None or not name:
            return False
        if found.resource == "root":
            return found.service == "iam" and found.account == name
        here = found.account in ("", self._account)
        return here and (name == found.resource or found.resource.endswith((f"/{name}", f":{name}")))


def _is_nothing(value: Any) -> bool:
    return value is _NOTHING or value is None or value in ("", [], {}, ())


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _akin(_item: Node, expected: Any, actual: Any) -> bool:
    """Whether two objects have a text in common: a key, a name."""
    if not (isinstance(expected, Mapping) and isinstance(actual, Mapping)):
        return False
    return any(isinstance(value, str) and actual.get(name) == value for name, value in expected.items())


def _moment(text: str) -> str:
    """A time as text, whatever its form; what is none stays as it is."""
    if not _TIME.match(text):
        return text
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).isoformat()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str):
        return value.lower() if value in ("True", "False") else _moment(value)
    return json.dumps(value, sort_keys=True)
