"""Providers of types without a table: rows that are derived from the published schemas and models of services.

`derived.json` lists the types of which a row can be derived (`tools/derived_types.py`); a test makes, changes
and deletes those `verified` on the embedded backend. A row is derived when a type is first used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Ending, Properties, Provider, Resource, Work
from locum.services.cloudformation.providers.derivation.rows import Derived, derived_row
from locum.services.cloudformation.providers.table import provider, read_request
from locum.services.cloudformation.providers.templates import filled
from locum.services.cloudformation.schemas import schema_of

_ABSENT: Final = re.compile(r"NoSuch|NotFound|NotExist|Nonexist")
"""What codes of errors have that say that there is no such resource."""

_LIST: Final = Path(__file__).with_name("derived.json")


@cache
def derived_types() -> frozenset[str]:
    """The types of which a row can be derived."""
    return verified_types() | frozenset(json.loads(_LIST.read_text("utf-8"))["derived"])


@cache
def verified_types() -> frozenset[str]:
    """The types that the embedded backend is known to make."""
    return frozenset(json.loads(_LIST.read_text("utf-8"))["verified"])


@cache
def derived(kind: str) -> Provider | None:
    """The provider of the type `kind`; None where none can be derived.

    A property is changed by the service's own operation, or not at all: another resource is made where the schema says
    so, or where the type's handlers change nothing.
    """
    schema = schema_of(kind)
    found = None if schema is None else derived_row(kind, schema)
    if schema is None or found is None:
        return None
    made = provider(found.row)
    if found.row.create.operation.startswith("Put"):
        made = made._replace(create=partial(_put, found, made.create))
    if not schema.permissions.get("update") and schema.permissions:
        return made._replace(update=None)

    def update(resource: Resource, before: Properties) -> Work:
        if made.update is None:
            raise Fault("NotUpdatable", f"Locum does not update resources of type {kind}")
        removed = _removed(found, resource, before)
        done = yield from made.update(resource, before)
        yield from _without(found, resource, removed)
        return done

    return made._replace(update=update, immutable=frozenset())


def _put(found: Derived, create: Callable[[Resource], Work], resource: Resource) -> Work:
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


def _removed(found: Derived, resource: Resource, before: Properties) -> dict[str, Any]:
    """The properties that an update removes, with their values. Raises Fault where nothing would tell that it did."""
    tags = found.row.tags.property if found.row.tags else ""
    removed = {name: before[name] for name in before if name not in resource.properties and name != tags}
    for name in removed:
        if found.row.read is None or name not in found.shown:
            raise Fault("NotUpdatable", f"Property {name} cannot be removed by an update")
    return removed


def _without(found: Derived, resource: Resource, removed: Properties) -> Ending:
    """Raise Fault where a property that was removed is still there: operations may leave what they are not given."""
    if not removed:
        return
    answer = yield read_request(found.row, resource)
    for name, value in removed.items():
        there = filled(found.shown[name], {"r": answer})
        if there and (isinstance(there, (Mapping, list)) or str(there) == str(value)):
            raise Fault("NotUpdatable", f"Property {name} cannot be removed by an update")
