"""How a resource is made: the operation, the members that take its properties, its name and its physical id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from derivation.facts import Facts
from derivation.members import (
    Input,
    Output,
    Path,
    is_token,
    members,
    nested_template,
    supplied,
    taken,
    told,
)
from derivation.names import key_of, nouns_of
from derivation.operations import VERBS, Operation, operations
from locum.services.cloudformation.providers.table import Call, Name
from locum.services.cloudformation.schemas import Schema
from locum.wire.patterns import compile_pattern

_EXISTS: Final = re.compile(r"AlreadyExist|InUse|Conflict|Duplicate")
_LONGEST_NAME: Final = 64
_SAMPLE: Final = "Stack-Logical-A1B2C3"
"""A name as `Resource.name` generates it."""
_MOST: Final = 0.8
"""The part of the properties that an operation takes which is of the type, whatever its noun."""


def makers(kind: str, schema: Schema) -> list[Operation]:
    """The operations that may make the resource, the likeliest first."""
    found = {operation: _likeness(kind, schema, operation) for operation in operations(kind, schema, "create")}
    return sorted((it for it in found if found[it][0]), key=lambda it: found[it], reverse=True)


def _likeness(kind: str, schema: Schema, operation: Operation) -> tuple[int, bool, float, int]:
    """How much an operation is that of the type: by its noun, its service, the properties that it takes, its verb."""
    it = Facts(kind, schema, nouns_of(kind, operation.noun))
    covered = len(taken(operation.model, it.given, it.nouns).paths) / max(len(it.given), 1)
    likeness = _noun_likeness(kind.rpartition("::")[2], operation.noun)
    if not likeness and covered > _MOST:
        likeness = 1
    own = operation.service.replace("-", "") == kind.split("::")[1].lower()
    return likeness, own, covered, -VERBS["create"].index(operation.verb)


def _noun_likeness(one: str, other: str) -> int:
    one, other = one.lower(), other.lower()
    if one == other:
        return 3
    return 2 if min(len(one), len(other)) > 2 and (one.endswith(other) or other.endswith(one)) else 0


class Making(NamedTuple):
    """How a resource is made: the call, its answer, and how the resource is called from then on.

    The name of a row is a member at the top of its call: one in a structure is filled in there, and names its member.
    """

    call: Call
    name: Name | None
    physical: str
    parts: Mapping[str, str]
    answer: Output | None

    @property
    def names(self) -> Mapping[str, str]:
        """The template of the name, by its property: it may be a generated one, and is kept as an attribute."""
        prop = self.name.property if self.name else ""
        return {prop: f"{{attr.{prop}|name}}"} if prop and prop not in self.parts else {}


def making(it: Facts, maker: Operation) -> Making | None:
    """How `maker` makes the resource; None where a member that it requires, or an identifier, is not known."""
    made = taken(maker.model, it.given, it.nouns)
    tokens = _tokens(made)
    if tokens is None or not it.schema.required - {it.tags} <= set(made.paths):
        return None
    answer = told(maker.model, it.read_only | set(it.identifiers), it.nouns)
    name = _name(it, made, answer)
    parts = {prop: _part(it, prop, name, answer) for prop in it.identifiers}
    if not all(parts.values()):
        return None
    later = {prop: "{id}" if len(parts) == 1 else _later(prop, part) for prop, part in parts.items()}
    return Making(_call(maker, made, tokens, name), name, "|".join(parts.values()), later, answer)


def _tokens(made: Input) -> dict[Path, str] | None:
    """The members that are supplied beside the properties; None where one that is required has no value."""
    missing = [path for path in made.required if path not in made.paths.values()]
    found = {path: supplied(path[-1], made.member(path)) for path in missing}
    if not all(found.values()):
        return None
    shapes = members(made.shape)
    return found | {(name,): supplied(name, shapes[name]) for name in shapes if is_token(shapes[name])}


def _call(maker: Operation, made: Input, tokens: Mapping[Path, str], name: Name | None) -> Call:
    """The call: members of structures are filled in, others are taken."""
    named = name.property if name else ""
    given: dict[Path, str] = dict(tokens)
    given |= {
        path: "{name}" if prop == named else f"{{p.{prop}}}" for prop, path in made.paths.items() if len(path) > 1
    }
    takes = (f"{path[0]}={prop}" for prop, path in made.paths.items() if len(path) == 1 and prop != named)
    return Call(maker.name, nested_template(given), " ".join(takes))


def _later(prop: str, part: str) -> str:
    """The template of a part of the physical id in calls after the creation."""
    return f"{{attr.{prop}|{part[1:-1]}}}" if part.startswith("{c.") else part


def _name(it: Facts, made: Input, answer: Output | None) -> Name | None:
    """The property that names the resource, where no name is given by the service."""
    if len(it.identifiers) > 1:
        return None
    for prop, path in sorted(made.paths.items(), key=lambda item: item[0] not in it.identifiers):
        stem, key = key_of(prop)
        named = prop in it.identifiers or (key == "name" and stem in {"", *(noun.lower() for noun in it.nouns)})
        needed = path in made.required or not (answer and answer.value(prop, it.nouns))
        if not named or not needed or made.member(path).type_name != "string":
            continue
        return _generated(prop, path, made.member(path).metadata)
    return None


def _generated(prop: str, path: Path, metadata: Mapping[str, Any]) -> Name | None:
    """The name, where one can be generated that its member takes."""
    matches = compile_pattern(metadata.get("pattern", "")) if metadata.get("pattern") else None
    longest = min(int(metadata.get("max", _LONGEST_NAME)), _LONGEST_NAME)
    if matches is None or matches(_SAMPLE):
        return Name(prop, longest, member=path[0])
    return Name(prop, longest, lower=True, member=path[0]) if matches(_SAMPLE.lower()) else None


def _part(it: Facts, prop: str, name: Name | None, answer: Output | None) -> str:
    """The template of an identifying property when the resource is made; empty where it is not known."""
    if name is not None and name.property == prop:
        return "{name}"
    path = None if answer is None else answer.value(prop, it.nouns)
    if prop in it.read_only:
        return f"{{c.{path}}}" if path else ""
    if prop in it.schema.required:
        return f"{{p.{prop}}}"
    return f"{{p.{prop}|c.{path}}}" if path else f"{{p.{prop}}}"


def exists(maker: Operation) -> frozenset[str]:
    """The codes of errors that say that there is such a resource already."""
    return frozenset(
        code
        for shape in maker.model.error_shapes
        for code in (shape.name, shape.error_code)
        if code and _EXISTS.search(code)
    )
