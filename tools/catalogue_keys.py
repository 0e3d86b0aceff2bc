"""Find the members of an operation's input that give condition keys their values, for `tools/catalogue.py`.

The Service Authorization Reference lists condition keys by action. Where the input has a member of a key's name, that
is its value: `acm:ValidationMethod` is `ValidationMethod`, `batch:User` is `containerProperties.user`. The keys of the
services that are used most are written by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from catalogue_members import CREATES, norm

_DEPTH: Final = 4
_SCALARS: Final = ("string", "boolean", "integer", "long", "float", "double")

Keys = dict[tuple[str, str, str], list[str]]
"""(`key` or `keys`, the name, the path) -> the operations."""


def note(keys: Keys, operation: Any, prefix: str, action: dict[str, Any], types: dict[str, str]) -> None:
    """Add to `keys` those of `action` that the input of `operation` has. `types` are the types of all keys, by name."""
    input_members = list(_members(operation.input_shape, "", 1))
    for name in _own_keys(action, prefix):
        many = types.get(name, "String").startswith("ArrayOf")
        paths = _paths(norm(name.partition(":")[2]), input_members, many=many)
        if not paths:
            continue
        path = "|".join(paths if many else paths[:1])
        if types.get(name) == "Bool" and "." not in path and CREATES.match(operation.name):
            path += "|'false'"
        keys.setdefault(("keys" if many else "key", name, path), []).append(operation.name)


def lines(keys: Keys) -> Iterator[str]:
    """The lines of the rules for `keys`."""
    for (word, name, path), operations in sorted(keys.items()):
        yield f"{word} {name} {path} in {','.join(sorted(operations))}"


def _own_keys(action: dict[str, Any], prefix: str) -> Iterable[str]:
    """The service's own condition keys of an action, without those of tags and of other things that exist."""
    listed = [*action["conditionKeys"], *(key for kind in action["resourceTypes"] for key in kind["conditionKeys"])]
    return sorted({key for key in listed if key.startswith(f"{prefix}:") and not set("$/") & set(key)})


def _paths(wanted: str, found: list[tuple[str, str, int]], *, many: bool) -> list[str]:
    """The paths of the members called `wanted`, or by its singular for one with many values, that are least deep."""
    names = {wanted, wanted.removesuffix("s")} if many else {wanted}
    alike = [(path, depth) for path, name, depth in found if name in names]
    least = min((depth for _, depth in alike), default=0)
    return [path for path, depth in alike if depth == least]


def _members(shape: Any, prefix: str, depth: int) -> Iterator[tuple[str, str, int]]:
    """(path, name, depth) of the members that are scalars or lists of them."""
    for name, member in shape.members.items() if shape is not None else ():
        path, inner = prefix + name, member
        if member.type_name == "list":
            path, inner = f"{path}[]", member.member
        if inner.type_name in _SCALARS:
            yield path, norm(name), depth
        elif inner.type_name == "structure" and depth < _DEPTH:
            yield from _members(inner, f"{path}.", depth + 1)
