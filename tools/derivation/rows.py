"""Rows of the table for types that have none by hand, made of published data: schemas, and models of the services.

The permissions of a type's handlers name the actions that make, tell, change and delete it; its properties are named
like the members of these operations. Where that does not say for certain what to call, and with what, there is no row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from derivation.calling import Sources, calls, reads, updates
from derivation.facts import Facts
from derivation.making import Making, exists, makers, making
from derivation.members import Output, members
from derivation.names import key_of, nouns_of
from derivation.operations import Operation
from derivation.tagging import tags_of
from locum.services.cloudformation.providers.table import Row, Wait
from locum.services.cloudformation.schemas import Schema

_UNDER_WAY: Final = re.compile(r"(?<!RUNN)ING$|PROGRESS|^PENDING")
_FAILED: Final = re.compile(r"FAIL|ERROR|DELETED|INACTIVE")


class Derived(NamedTuple):
    """A row, and where the answer of its reading call shows properties, as templates by property.

    `replaced`: the type's handlers change nothing, so that every change takes another resource.
    """

    row: Row
    shown: Mapping[str, str]
    replaced: bool


def derived_row(kind: str, schema: Schema) -> Derived | None:
    """The row of the type `kind`; None where none can be derived."""
    if any(len(path) != 1 for path in schema.identifier) or not schema.identifier:
        return None
    found = (_derived(kind, schema, operation) for operation in makers(kind, schema))
    return next((row for row in found if row is not None), None)


def _derived(kind: str, schema: Schema, maker: Operation) -> Derived | None:
    """The row of a type that `maker` makes; None where something that has to be known is not."""
    it = Facts(kind, schema, nouns_of(kind, maker.noun))
    made = making(it, maker)
    if made is None:
        return None
    sources = Sources(made.parts, it.given, it.read_only, made.names)
    delete = next((call for _, call in calls(it, "delete", maker, sources)), None)
    if delete is None:
        return None
    read, answer = next(reads(it, maker, sources), (None, None))
    if maker.verb == "Put" and read is None:
        return None  # it would change what is there already, and nothing tells
    update = next(updates(it, maker, sources), None)
    attributes = {**_attributes(it, made.answer, answer), **made.names}
    named = made.name is not None and made.physical == "{name}"
    row = Row(
        maker.service,
        made.call,
        made.physical,
        (delete,),
        attributes=attributes,
        name=made.name,
        tags=tags_of(schema, maker, _arn(made, attributes)),
        read=read,
        exists=exists(maker) if named else frozenset(),
        settings=() if update is None else (update,),
        ready=_ready(answer, it.nouns),
    )
    replaced = bool(schema.permissions) and not schema.permissions.get("update")
    return Derived(row, _shown(it, answer, row), replaced)


def _shown(it: Facts, answer: Output | None, row: Row) -> dict[str, str]:
    """Where the answer of the reading call shows the properties that can be removed; what tells that it is there."""
    changed = frozenset[str]().union(*(change.properties() for change in row.settings))
    wanted = it.given if row.create.operation.startswith("Put") else changed - it.schema.required
    found = {name: answer.at((name,), it.nouns) for name in sorted(wanted)} if answer else {}
    return {name: f"{{r.{path}}}" for name, path in found.items() if path}


def _arn(making: Making, attributes: Mapping[str, str]) -> str:
    """The template of the resource's ARN; empty where nothing tells it."""
    for name in (*making.parts, *attributes):
        stem, key = key_of(name)
        if key == "arn" and not stem:
            return making.parts.get(name) or f"{{attr.{name}}}"
    return ""


def _attributes(it: Facts, made: Output | None, read: Output | None) -> dict[str, str]:
    """The attributes, of the answer of the call that makes the resource, or else of the one that reads it."""
    found: dict[str, str] = {}
    for path in it.schema.read_only:
        for root, output in (("c", made), ("r", read)):
            at = None if output is None else output.at(path, it.nouns)
            if at is not None:
                found[".".join(path)] = f"{{{root}.{at}}}"
                break
    return found


def _ready(answer: Output | None, nouns: tuple[str, ...]) -> Wait | None:
    """The wait until a resource is ready, where what reads it tells a state that it may be under way to."""
    if answer is None:
        return None
    for name, shape in members(answer.shape).items():
        stem, _ = key_of(name)
        own = {end for noun in ("", *nouns) for end in (f"{noun}status".lower(), f"{noun}state".lower())}
        values = frozenset(getattr(shape, "enum", ()))
        if stem not in own or not any(_UNDER_WAY.search(value.upper()) for value in values):
            continue
        settled = {value for value in values if not _UNDER_WAY.search(value.upper())}
        failed = frozenset(value for value in settled if _FAILED.search(value.upper()))
        if settled - failed:
            return Wait(".".join((*answer.path, name)), frozenset({*(settled - failed), None}), failed)
    return None
