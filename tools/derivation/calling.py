"""How a resource is read, changed and deleted: the calls, and where the values of their members come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

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
from derivation.names import key_of, same
from derivation.operations import Operation, operations
from locum.services.cloudformation.providers.table import Call, Change


class Sources(NamedTuple):
    """The values that calls after the creation are made with: parts of the physical id, properties, attributes."""

    parts: Mapping[str, str]
    given: frozenset[str]
    read_only: frozenset[str]
    names: Mapping[str, str]

    def of(self, member: str, nouns: tuple[str, ...]) -> str:
        """The template of the value of a required member; empty where none is certainly meant."""
        groups: tuple[Mapping[str, str], ...] = (
            self.parts,
            {name: self.names.get(name, f"{{p.{name}}}") for name in self.given},
            {name: f"{{attr.{name}}}" for name in self.read_only},
        )
        found = (_only(group, member, nouns, least) for least in (4, 3, 2) for group in groups)
        template = next((template for template in found if template), "")
        if template:
            return template
        stem, key = key_of(member)
        named = stem in {"", "resource", *(noun.lower() for noun in nouns)}
        only = len(self.parts) == 1 and named and ((not key and stem) or member.lower().endswith("identifier"))
        return next(iter(self.parts.values())) if only else ""

    def part(self, member: str, nouns: tuple[str, ...]) -> str:
        """The template of the part of the physical id that a member is; empty where it is none."""
        return _only(self.parts, member, nouns, 2)


def _only(group: Mapping[str, str], member: str, nouns: tuple[str, ...], least: int) -> str:
    """The template of the one of `group` that is the same as `member`; empty where none is, or several are."""
    found = [name for name in group if same(name, member, nouns) >= least]
    return group[found[0]] if len(found) == 1 else ""


def calls(
    it: Facts, handler: str, maker: Operation, sources: Sources, *, noun: str = ""
) -> Iterator[tuple[Operation, Call]]:
    """The calls of the handler that are about the resource alone."""
    wanted = (noun or maker.noun).lower()
    for operation in operations(it.kind, it.schema, handler):
        if operation.service != maker.service or operation.noun.lower() != wanted or operation.name == maker.name:
            continue
        given = _given(operation, sources, it.nouns)
        if given is not None:
            yield operation, Call(operation.name, given)


def _given(operation: Operation, sources: Sources, nouns: tuple[str, ...]) -> dict[str, Any] | None:
    """The members of an operation that say what it is about, filled.

    None where one that is required cannot be, or nothing names the resource.
    """
    made: dict[str, Any] = {}
    shape = operation.model.input_shape
    required = frozenset(shape.required_members) if shape else frozenset()
    for name, member in members(shape).items():
        template = sources.of(name, nouns) if name in required else sources.part(name, nouns)
        if not template and name in required:
            template = supplied(name, member)
            if not template:
                return None
        if template:
            made[name] = [template] if member.type_name == "list" else template
    tokens = {name: "{client_token}" for name, member in members(shape).items() if is_token(member)}
    return made | tokens if any("{account}" != it != "{client_token}" for it in made.values()) else None


def reads(it: Facts, maker: Operation, sources: Sources) -> Iterator[tuple[Call, Output]]:
    """The calls that tell of the resource, and where their answers do."""
    for noun in (maker.noun, *_plurals(maker.noun)):
        for operation, call in calls(it, "read", maker, sources, noun=noun):
            many = noun != maker.noun
            answer = told(operation.model, it.schema.properties, it.nouns, many=many)
            if answer is not None:
                yield call, answer


def _plurals(noun: str) -> tuple[str, ...]:
    return (f"{noun}s", f"{noun}es", f"{noun[:-1]}ies")


def updates(it: Facts, maker: Operation, sources: Sources) -> Iterator[Change]:
    """The calls that change the resource."""
    fixed = {path[0] for path in it.schema.fixed if len(path) == 1}
    for operation in operations(it.kind, it.schema, "update"):
        if operation.service != maker.service or operation.noun.lower() != maker.noun.lower():
            continue
        changed = taken(operation.model, it.given, it.nouns)
        given: dict[Path, Any] = {}
        for path in changed.required:
            template = sources.of(path[-1], it.nouns)
            if (template and template in sources.parts.values()) or path not in changed.paths.values():
                template = template or supplied(path[-1], changed.member(path))
                if not template:
                    break
                given[path] = template
        else:
            yield _change(operation, changed, given, fixed)


def _change(operation: Operation, changed: Input, given: dict[Path, Any], fixed: set[str]) -> Change:
    takes, on = [], []
    for prop, path in changed.paths.items():
        if path in given:
            continue
        if len(path) > 1:
            given[path] = f"{{p.{prop}}}"
            on += [] if prop in fixed else [prop]
        elif prop in fixed:
            given[path] = f"{{p.{prop}}}"
        else:
            takes.append(f"{path[0]}={prop}")
    for name, member in members(changed.shape).items():
        if is_token(member):
            given.pop((name,), None)
    return Change(Call(operation.name, nested_template(given), " ".join(takes)), on=" ".join(on))
