"""What a resource is, as the calls that show it tell: derived from its row, and from the schema of its type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import (
    Found,
    PhysicalIds,
    Provider,
    Reading,
    Request,
    Resource,
    is_gone,
)
from locum.services.cloudformation.providers.rows import Call, Listing, Part, Row, Shown
from locum.services.cloudformation.providers.steps import Steps
from locum.services.cloudformation.providers.templates import filled, paths_of, taken_apart, value_at
from locum.services.cloudformation.schemas import schema_of
from locum.services.cloudformation.shapes import properties_in, property_as

_TOKENS: Final = (
    ("NextToken", "NextToken"),
    ("nextToken", "nextToken"),
    ("NextMarker", "Marker"),
    ("Marker", "Marker"),
    ("position", "position"),
    ("LastEvaluatedTableName", "ExclusiveStartTableName"),
    ("ContinuationToken", "ContinuationToken"),
)
"""The member of an answer that says that there is more, and that of the next request."""

_TAGS: Final = "Tags"
_RESERVED: Final = "aws:"


def reading_of(row: Row) -> Callable[[Resource], Reading] | None:
    """How the resources of `row` are read; None where no call shows them."""
    shown = row.shown or Shown()
    call = shown.call or row.read
    return None if call is None else lambda resource: _read(row, shown, call, resource)


def listing_of(row: Row) -> Callable[[Resource], PhysicalIds] | None:
    """How the resources of `row` are listed; None where no call lists them."""
    lists = None if row.shown is None else row.shown.lists
    return None if lists is None else _listing(row, lists)


def _listing(row: Row, lists: Listing) -> Callable[[Resource], PhysicalIds]:
    def listed(resource: Resource) -> PhysicalIds:
        values = _values(row, resource)
        items = yield from _items(row, lists.call, lists.path, values)
        found = (lists.id(item) if callable(lists.id) else filled(lists.id, {**values, "item": item}) for item in items)
        return [str(physical) for physical in found if physical]

    return listed


def readable(made_by: Provider, service: str, shown: Shown) -> Provider:
    """`made_by`, whose resources are told by calls of `service`."""
    row = Row(service, Call(""), "", (), shown=shown)
    return made_by._replace(read=reading_of(row), list=listing_of(row))


def listable(made_by: Provider, service: str, lists: Listing) -> Provider:
    """`made_by`, whose resources are listed by a call of `service`."""
    return made_by._replace(list=_listing(Row(service, Call(""), "", ()), lists))


def absent(resource: Resource) -> Fault:
    """The Fault of a resource that is not there."""
    message = f"Resource of type '{resource.type}' with identifier '{resource.physical}' was not found."
    return Fault("ResourceNotFoundException", message, 404)


# -- the work --------------------------------------------------------------------------------------------


def _values(row: Row, resource: Resource) -> dict[str, Any]:
    """The values of templates; `own` are the properties that the physical id is made of."""
    made_of = (row.shown.id if row.shown else "") or row.physical
    known = taken_apart(made_of, resource.physical)
    own = {path[2:]: text for path, text in known.items() if path.startswith("p.")}
    properties = {**resource.properties, **own}
    named = None if row.name is None else properties.get(row.name.property)
    return {
        **{name: text for name, text in known.items() if "." not in name},
        "id": resource.physical or None,
        "name": known.get("name") or named or resource.physical,
        "p": properties,
        "own": own,
        "attr": resource.attributes,
        "account": resource.account,
        "region": resource.region,
    }


def _request(row: Row, call: Call, values: Mapping[str, Any]) -> Request:
    region = filled(row.region, values) or ""
    return Request(row.service, call.operation, filled(call.given, values) or {}, region)


def _read(row: Row, shown: Shown, call: Call, resource: Resource) -> Reading:
    values = _values(row, resource)
    path = _path(row) if shown.at is None else shown.at
    request: Request | None = _request(row, call, values)
    it = None
    while it is None and request is not None:
        values["r"] = yield request
        it = _structure(value_at(values["r"], path), shown, values)
        request = _next(request, values["r"])
    if it is None:
        raise absent(resource)
    values["it"] = it
    kind = resource.type
    found = {**values["own"], **properties_in(kind, it), **_renamed(kind, row, it)}
    read_only = _read_only(kind)
    attributes = {name: value for name, value in found.items() if name in read_only}
    hidden = read_only | frozenset(shown.hides.split())
    found = {name: value for name, value in found.items() if name not in hidden}
    values["attr"] = {**resource.attributes, **attributes, **(filled(row.attributes, values) or {})}
    for name, template in shown.members.items():
        _put(found, kind, name, filled(template, values))
    for part in shown.parts:
        _put(found, kind, part.property, (yield from _told(row, part, values)))
    tags = row.tags.property if row.tags else _TAGS
    if tags in found:
        found[tags] = _own(found[tags])
    certain = {name.partition(".")[0] for name in (*shown.members, *(part.property for part in shown.parts))}
    certain |= set(shown.told.split())
    return Found(found, values["attr"], frozenset(certain - found.keys()))


def _structure(it: Any, shown: Shown, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The structure that tells the resource, of an answer that may have several; None where it is gone.

    Of several that have the same name, as a backend may have them, it is the last that was made.
    """
    items = it if isinstance(it, (list, tuple)) else [it]
    found = next(
        (item for item in reversed(items) if isinstance(item, Mapping) and _has(item, shown.where, values)), None
    )
    gone = found is None or any(value_at(found, path) == value for path, value in shown.ended.items())
    return None if gone else found


def _has(item: Any, where: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    return all(str(value_at(item, path)) == str(filled(value, values)) for path, value in where.items())


def _put(found: dict[str, Any], kind: str, name: str, value: Any) -> None:
    name, *inner = name.split(".")
    if value is None or value in ("", [], {}):
        found.pop(name, None)
        return
    for member in reversed(inner):
        value = {member: value}
    found[name] = property_as(kind, name, value)


def _told(row: Row, part: Part, values: Mapping[str, Any]) -> Steps[Any]:
    """What a part tells of its property; None where it is not set."""
    try:
        told = value_at(values["r"], part.path)
        items = told if part.call is None else (yield from _items(row, part.call, part.path, values))
        if not isinstance(items, list):
            return _item(part, {**values, "item": items})
        found = []
        for item in items:
            if not _has(item, part.where, values):
                continue
            known = {**values, "item": item}
            if part.each is not None:
                known["o"] = yield _request(row, part.each, known)
            found.append(_item(part, known))
    except Fault as fault:
        if is_gone(fault):
            return None
        raise
    return [item for item in found if item is not None]


def _item(part: Part, values: Mapping[str, Any]) -> Any:
    """What an item becomes."""
    if not callable(part.item):
        return filled(part.item, values)
    return None if values["item"] in (None, []) else part.item(values["item"])


def _items(row: Row, call: Call, path: str, values: Mapping[str, Any]) -> Steps[Any]:
    """The items of the list at `path` of all answers to `call`, or what is there instead of a list."""
    request: Request | None = _request(row, call, values)
    found: list[Any] = []
    while request is not None:
        answer = yield request
        items = value_at(answer, path)
        if not isinstance(items, (list, tuple)):
            return items if items is not None else found
        found += items
        request = _next(request, answer)
    return found


def _next(request: Request, answer: Mapping[str, Any]) -> Request | None:
    """The request for what follows an answer; None where it is the last one, or begins again."""
    more = next(((there, answer[member]) for member, there in _TOKENS if answer.get(member)), None)
    if more is None or request.params.get(more[0]) == more[1]:
        return None
    return request._replace(params={**request.params, more[0]: more[1]})


def _own(tags: Any) -> Any:
    """Tags without those of AWS."""
    if isinstance(tags, Mapping):
        return {key: value for key, value in tags.items() if not key.startswith(_RESERVED)}
    return [tag for tag in tags if not str(tag.get("Key", "")).startswith(_RESERVED)]


@lru_cache(maxsize=512)
def _read_only(kind: str) -> frozenset[str]:
    schema = schema_of(kind)
    return frozenset(path[0] for path in schema.read_only if len(path) == 1) if schema else frozenset()


# -- what a row tells ------------------------------------------------------------------------------------


def _path(row: Row) -> str:
    """The path at which the answer to the row's `read` has the resource: that which all attributes have in common."""
    found = [path[:-1] for path in paths_of(row.attributes, "r")]
    common = []
    for steps in zip(*found, strict=False):
        if len(set(steps)) > 1:
            break
        common.append(steps[0])
    return ".".join(common)


def _renamed(kind: str, row: Row, it: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that the row's calls give to members of other names."""
    found: dict[str, Any] = {}
    for member, name in _renames(row):
        value = _at(it, member)
        value = _at(it, member[1:]) if value is None and len(member) > 1 else value
        if value is not None:
            found[name] = property_as(kind, name, value)
    return found


def _renames(row: Row) -> Iterator[tuple[list[str], str]]:
    if row.name and row.name.member:
        yield [row.name.member], row.name.property
    for call in (row.create, *(change.call for change in row.settings)):
        for taken in call.takes.split():
            member, _, name = taken.rpartition("=")
            if member:
                yield [member], name
        yield from _leaves(call.given, [])


def _leaves(template: Any, path: list[str]) -> Iterator[tuple[list[str], str]]:
    """The members that are nothing but a property: their paths, and the property."""
    if isinstance(template, Mapping):
        for name, inner in template.items():
            yield from _leaves(inner, [*path, name])
    elif isinstance(template, str) and template.startswith("{p.") and template.count("{") == 1:
        name = template[3:-1]
        if name.isalnum() and template.endswith("}") and path[-1].lower() != name.lower():
            yield path, name


def _at(value: Any, path: list[str]) -> Any:
    """The value at `path`, whatever the case of the letters."""
    for step in path:
        if not isinstance(value, Mapping):
            return None
        names = {str(name).lower(): name for name in value}
        value = value.get(names.get(step.lower()))
    return value
