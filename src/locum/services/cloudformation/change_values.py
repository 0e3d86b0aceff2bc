"""Where properties of a resource change, with the values before and after, as DescribeChangeSet tells it.

Recorded: lists and objects are told by what changes within them, but for documents, such as policies, which are told as
a whole; references by where they are. Long values are not told, but their signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from locum.services.cloudformation.functions import function_of
from locum.services.cloudformation.providers.templates import value_of
from locum.services.cloudformation.shapes import Node, item_of, members_of, node_of, resolved, types_of
from locum.services.cloudformation.shown import as_json, as_texts

Path = tuple[str, ...]

_LONGEST: Final = 4096  # recorded: of 2,134 characters all were told, of 4,353 none
_ANY: Final[Node] = {}
_DOCUMENT: Final = frozenset({"object", "string"})


class Difference(NamedTuple):
    """A change of the value at `path`, of which `before` or `after` is None where there is none."""

    path: Path
    before: Any
    after: Any

    def overlaps(self, other: Difference) -> bool:
        """Whether one is within the other."""
        return all(mine == its for mine, its in zip(self.path, other.path, strict=False))

    def shown(self) -> dict[str, Any]:
        """The members of a target of a change."""
        change = "Add" if self.before is None else "Remove" if self.after is None else "Modify"
        values = {"BeforeValue": self.before, "AfterValue": self.after}
        told = {member: value_text(value) for member, value in values.items() if value is not None}
        return {"Path": "/".join(("/Properties", *self.path)), "AttributeChangeType": change, **told}


def value_text(value: Any) -> str:
    """A value of a property as a text."""
    told = as_texts(value)
    return told if isinstance(told, str) else as_json(told)


def told_values(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The values of properties, but for long ones their signatures."""
    return {name: _signed(value) for name, value in properties.items()}


def differences(kind: str, name: str, before: Any, after: Any) -> list[Difference]:
    """The differences of the property `name` of a resource of type `kind`."""
    root = node_of(kind)
    node = resolved(root, members_of(root, root).get(name, _ANY))
    return list(_differences(root, node, Difference((name,), before, after)))


def at_places(places: Iterable[Path], name: str, before: Any, after: Any) -> list[Difference]:
    """The values of the property `name` at some places of it; of all of it where it has no such places."""
    found = [Difference((name, *place), value_of(before, place), value_of(after, place)) for place in places]
    return [one for one in found if one.after is not None] or [Difference((name,), before, after)]


def leaves_of(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The scalars and functions of a value of a template, by their paths."""
    if function_of(value) is not None or not isinstance(value, (Mapping, list)):
        yield path, value
        return
    for step, member in value.items() if isinstance(value, Mapping) else enumerate(value):
        yield from leaves_of(member, (*path, str(step)))


def _signed(value: Any) -> Any:
    told = value_text(value)
    if len(told) <= _LONGEST:
        return value
    return f"(Truncated-Signature):{hashlib.sha256(told.encode()).hexdigest()}"


def _differences(root: Node, node: Node, whole: Difference) -> Iterator[Difference]:
    path, before, after = whole
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping) and not types_of(node) >= _DOCUMENT:
        members = members_of(root, node)
        others = next(iter(node.get("patternProperties", {}).values()), _ANY)
        for key in dict.fromkeys((*before, *after)):
            part = Difference((*path, key), before.get(key), after.get(key))
            yield from _differences(root, resolved(root, members.get(key, others)), part)
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            part = Difference((*path, str(index)), value_of(before, (str(index),)), value_of(after, (str(index),)))
            yield from _differences(root, item_of(root, node), part)
    else:
        yield whole
