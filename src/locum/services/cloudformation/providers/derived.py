"""Providers of types without a table: rows that are derived from the published schemas and models of services.

`tools/derived_types.py` makes `derived.bin`, which has a row for each type. A property is changed by the service's own
operation, or not at all: another resource is made where the schema says so, or where nothing of the type can change.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Ending, Properties, Provider, Resource, Work
from locum.services.cloudformation.providers.table import Call, Change, Name, Row, Tags, Wait, provider, read_request
from locum.services.cloudformation.providers.templates import filled

_ROWS: Final = Path(__file__).with_name("derived.bin")
_ABSENT: Final = re.compile(r"NoSuch|NotFound|NotExist|Nonexist")
"""What codes of errors have that say that there is no such resource."""


class _Derived(NamedTuple):
    """A row, and where the answer of its reading call shows properties, as templates by property."""

    row: Row
    shown: Mapping[str, str]


@cache
def derived_rows() -> Mapping[str, Mapping[str, Any]]:
    """The rows by type, as data."""
    found: dict[str, dict[str, Any]] = json.loads(zlib.decompress(_ROWS.read_bytes()))
    return found


@cache
def derived(kind: str) -> Provider:
    """The provider of the type `kind`, which has a derived row."""
    told = derived_rows()[kind]
    found = _Derived(_row(told), told.get("shown", {}))
    made = provider(found.row)
    if found.row.create.operation.startswith("Put"):
        made = made._replace(create=partial(_put, found, made.create))
    if told.get("replaced"):
        return made._replace(update=None)

    def update(resource: Resource, before: Properties) -> Work:
        if made.update is None:
            raise Fault("NotUpdatable", f"Locum does not update resources of type {kind}")
        removed = _removed(found, resource, before)
        done = yield from made.update(resource, before)
        yield from _without(found, resource, removed)
        return done

    return made._replace(update=update, immutable=frozenset())


def _row(told: Mapping[str, Any]) -> Row:
    return Row(
        told["service"],
        Call(*told["create"]),
        told["physical"],
        (Call(*told["delete"]),),
        attributes=told.get("attributes", {}),
        name=Name(*told["name"]) if "name" in told else None,
        tags=_tags(told["tags"]) if "tags" in told else None,
        read=Call(*told["read"]) if "read" in told else None,
        exists=frozenset(told.get("exists", ())),
        settings=tuple(Change(Call(*call), on=on) for *call, on in told.get("update", ())),
        ready=_wait(*told["ready"]) if "ready" in told else None,
    )


def _tags(told: Mapping[str, Any]) -> Tags:
    add, remove = (Call(*told[name]) if name in told else None for name in ("add", "remove"))
    return Tags(add, remove, *told["more"])


def _wait(path: str, ready: list[Any], failed: list[Any]) -> Wait:
    return Wait(path, frozenset(ready), frozenset(failed))


def _put(found: _Derived, create: Callable[[Resource], Work], resource: Resource) -> Work:
    """Make a resource by an operation that would change one which is there, of somebody else. Raises Fault."""
    row, properties = found.row, resource.properties
    name = row.name.of(resource, properties) if row.name else None
    physical = filled(row.physical, {"p": properties, "name": name})
    if physical is not None and not resource.again:
        answer: Mapping[str, Any] = {}
        try:
            answer = yield read_request(row, replace(resource, physical=physical))
        except Fault as fault:
            if not _ABSENT.search(fault.code):
                raise
        if any(filled(template, {"r": answer}) for template in found.shown.values()):
            raise Fault("AlreadyExists", f"{resource.type} {physical} already exists")
    return (yield from create(resource))


def _removed(found: _Derived, resource: Resource, before: Properties) -> dict[str, Any]:
    """The properties that an update removes, with their values. Raises Fault where nothing would tell that it did."""
    tags = found.row.tags.property if found.row.tags else ""
    removed = {name: before[name] for name in before if name not in resource.properties and name != tags}
    for name in removed:
        if found.row.read is None or name not in found.shown:
            raise Fault("NotUpdatable", f"Property {name} cannot be removed by an update")
    return removed


def _without(found: _Derived, resource: Resource, removed: Properties) -> Ending:
    """Raise Fault where a property that was removed is still there: operations may leave what they are not given."""
    if not removed:
        return
    answer = yield read_request(found.row, resource)
    for name, value in removed.items():
        there = filled(found.shown[name], {"r": answer})
        if there and (isinstance(there, (Mapping, list)) or str(there) == str(value)):
            raise Fault("NotUpdatable", f"Property {name} cannot be removed by an update")
