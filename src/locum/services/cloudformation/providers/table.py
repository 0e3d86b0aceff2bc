"""Providers as rows of a table: a type that one call makes and one deletes, with the calls that change it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import count
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import (
    Ending,
    Made,
    Pause,
    Properties,
    Provider,
    Request,
    Resource,
    Work,
    ended,
    is_gone,
    or_undone,
)
from locum.services.cloudformation.providers.reading import listing_of, reading_of
from locum.services.cloudformation.providers.rows import Call, Change, Each, Listing, Name, Part, Row, Shown, Tags, Wait
from locum.services.cloudformation.providers.templates import filled, used

_LONGEST_WAIT: Final = 1800.0
"""Seconds until a resource that is not ready is given up."""

_once_a_row: Final = lru_cache(maxsize=512)
"""What is found out of a row once, and not for each resource."""

__all__ = ["Call", "Change", "Each", "Listing", "Name", "Part", "Row", "Shown", "Tags", "Wait", "provider"]


def provider(row: Row) -> Provider:
    """The provider of the type that `row` describes. Properties that are taken at creation alone are immutable."""
    settled = _settable(row)
    fixed = row.create.all_properties() | row.immutable | ({row.name.property} if row.name else frozenset())
    return Provider(
        lambda resource: _create(row, resource),
        lambda resource: _delete(row, resource),
        (lambda resource, before: _update(row, resource, before)) if settled else None,
        fixed - settled - row.unused,
        reading_of(row),
        listing_of(row),
    )


@_once_a_row
def _settable(row: Row) -> frozenset[str]:
    """The properties that can be changed."""
    found = frozenset({row.tags.property}) if row.tags and row.tags.add else frozenset[str]()
    return found.union(*(change.properties() for change in row.settings), (each.property for each in row.items))


# -- the work --------------------------------------------------------------------------------------------


def _values(row: Row, resource: Resource, properties: Properties) -> dict[str, Any]:
    return {
        "id": resource.physical or None,
        "name": row.name.of(resource, properties) if row.name else None,
        "p": properties,
        "attr": resource.attributes,
        "account": resource.account,
        "region": resource.region,
        "stack": resource.stack_name,
        "client_token": resource.client_token,
    }


def _request(row: Row, call: Call, values: Mapping[str, Any], properties: Properties) -> Request:
    params = {}
    for taken in call.takes.split():
        member, _, name = taken.rpartition("=")
        if name in properties:
            params[member or name] = properties[name]
    region = filled(row.region, values) or ""
    return Request(row.service, call.operation, params | (filled(call.given, values) or {}), region)


def read_request(row: Row, resource: Resource) -> Request:
    """The call that reads a resource, for which `row` has one."""
    assert row.read
    return _request(row, row.read, _values(row, resource, resource.properties), resource.properties)


def _shaped(row: Row, properties: Properties) -> Properties:
    return row.shaped(properties) if row.shaped else properties


@_once_a_row
def _taken(row: Row) -> Call:
    """The call that makes the resource, for the properties that it does not share with another part of the row."""
    if "*" not in row.create.takes.split():
        return row.create
    return row.create._replace(takes=row.create.takes.replace("*", "").strip())


@_once_a_row
def _known(row: Row) -> frozenset[str]:
    """The properties that are acted on: by the call that makes the resource where it names them, or beside it."""
    found = row.unused.union(*(change.properties() for change in row.settings if change.at_creation))
    found |= {each.property for each in row.items if each.apart}
    found |= {part.property for part in (row.name, row.tags) if part}
    return found | row.create.all_properties()


@_once_a_row
def _is_read(row: Row, *, first: bool = False) -> bool:
    """Whether the reading call gives attributes; `first`: some that what follows the creation needs."""
    follows = used((row.settings, row.items, row.tags), "attr")
    return bool(used(row.attributes, "r")) and (bool(follows) or not first)


def _creation(row: Row, resource: Resource, values: Mapping[str, Any]) -> Request:
    properties: Properties = values["p"]
    made = _request(row, _taken(row), values, properties)
    params, known = dict(made.params), _known(row)
    rest = {name: value for name, value in properties.items() if name not in known}
    if rest and "*" not in row.create.takes.split():
        raise Fault("InvalidRequest", f"Encountered unsupported property {min(rest)}")
    params = rest | params
    if row.name:
        params.setdefault(row.name.member or row.name.property, values["name"])
    if row.tags and row.tags.member and (tags := row.tags.of(resource, properties)):
        params[row.tags.member] = row.tags.at_creation(tags)
    return made._replace(params=params)


def _create(row: Row, resource: Resource) -> Work:
    properties = _shaped(row, resource.properties)
    values = _values(row, resource, properties)
    try:
        values["c"] = yield _creation(row, resource, values)
    except Fault as fault:
        if not (resource.again and fault.code in row.exists):
            raise
        adopted = row.adopted(resource) if callable(row.adopted) else filled(row.adopted, values)
        values["id"] = adopted or None
    values["id"] = values["id"] or filled(row.physical, values)
    return (yield from or_undone(_settled(row, resource, values), _deleted(row, values)))


def _settled(row: Row, resource: Resource, values: dict[str, Any]) -> Work:
    """What follows the call that makes the resource."""
    yield from _await(row, values, row.ready)
    if values["id"] is None or _is_read(row, first=True):
        yield from _read(row, values)
        values["id"] = values["id"] or filled(row.physical, values)
    values["attr"] = filled(row.attributes, values) or {}
    properties = values["p"]
    if row.tags and not row.tags.member and row.tags.add and (tags := row.tags.of(resource, properties)):
        yield _request(row, row.tags.add, values | {"tags": row.tags.shaped(tags)}, properties)
    yield from _changed(row, (change for change in row.settings if change.at_creation), values, {})
    for each in (each for each in row.items if each.apart):
        if "c" not in values and each.removed_first:
            yield from _removed(row, each, values, each.items(properties).values())
        yield from _each_changed(row, each, values, {})
    return (yield from _made(row, values))


def _made(row: Row, values: dict[str, Any]) -> Work:
    if _is_read(row):
        yield from _read(row, values)
    return Made(values["id"], {**values["attr"], **(filled(row.attributes, values) or {})})


def _read(row: Row, values: dict[str, Any]) -> Ending:
    assert row.read is not None
    values["r"] = yield _request(row, row.read, values, values["p"])


def _await(row: Row, values: dict[str, Any], wait: Wait | None) -> Ending:
    for number in count() if wait else ():
        assert wait is not None
        yield from _read(row, values)
        state = filled(f"{{r.{wait.path}}}", values)
        if state in wait.ready:
            return
        if state in wait.failed or number * wait.seconds > _LONGEST_WAIT:
            raise Fault("NotStabilized", f"Resource {values['id']} did not stabilize: {wait.path} is {state}")
        yield Pause(wait.seconds)


def _changed(row: Row, settings: Iterable[Change], values: dict[str, Any], before: Properties) -> Ending:
    """Make the calls of the changes `settings` that there are, in a resource that had the properties `before`."""
    properties: Properties = values["p"]
    for change in settings:
        now, once = ({name for name in change.properties() if name in side} for side in (properties, before))
        if all(properties.get(name) == before.get(name) for name in now | once):
            continue
        if change.removed and not now:
            yield from ended(_request(row, change.removed, values | {"p": before}, before))
        else:
            defaults = {name: change.defaults[name] for name in once - now if name in change.defaults}
            yield from _put(row, change, values, {**properties, **defaults}, new=not once)
        yield from _await(row, values, row.ready)


def _put(row: Row, change: Change, values: dict[str, Any], properties: Properties, new: bool) -> Ending:
    """Make a change. What is there already is not created: an update that failed half-way is taken back."""
    given = values | {"p": properties}
    if change.created and new:
        try:
            yield _request(row, change.created, given, properties)
        except Fault as fault:
            if fault.code not in row.exists:
                raise
        else:
            return
    yield _request(row, change.call, given, properties)


def _each_changed(row: Row, each: Each, values: dict[str, Any], before: Properties) -> Ending:
    properties: Properties = values["p"]
    now, once = each.items(properties), each.items(before)
    gone = [item for key, item in once.items() if key not in now]
    puts = [(item, once.get(key)) for key, item in now.items() if once.get(key) != item]
    if each.removed_first:
        yield from _removed(row, each, values, gone)
    for item, former in puts:
        change = each.change if former is not None and each.varies(item, former) else None
        if each.replaced and former is not None and not change:
            yield from _removed(row, each, values, [former])
        yield _request(row, change or each.put, values | {"item": item}, properties)
        yield from _await(row, values, row.ready)
    if not each.removed_first:
        yield from _removed(row, each, values, gone)


def _removed(row: Row, each: Each, values: dict[str, Any], items: Iterable[Any]) -> Ending:
    for item in items:
        yield from ended(_request(row, each.remove, {**values, "item": item}, values["p"]))
        yield from _await(row, values, row.ready)


def _update(row: Row, resource: Resource, previous: Properties) -> Work:
    properties, before = _shaped(row, resource.properties), _shaped(row, previous)
    values = _values(row, resource, properties)
    _refuse_others(row, properties, before)
    yield from _changed(row, row.settings, values, before)
    for each in row.items:
        yield from _each_changed(row, each, values, before)
    yield from _tagged(row, resource, values, before)
    return (yield from _made(row, values))


def _refuse_others(row: Row, properties: Properties, before: Properties) -> None:
    """Refuse a change of a property that the row has no call for."""
    known = _settable(row) | row.unused
    changed = {name for name in {*properties, *before} if properties.get(name) != before.get(name)}
    if changed - known:
        raise Fault("NotUpdatable", f"Property {min(changed - known)} cannot be updated")


def _tagged(row: Row, resource: Resource, values: Mapping[str, Any], before: Properties) -> Ending:
    """Make the tags what they are to be. The tags of the stack may be others than before: they are put with others."""
    if row.tags is None:
        return
    properties: Properties = values["p"]
    added, removed = resource.tag_changes(properties.get(row.tags.property), before.get(row.tags.property))
    if row.tags.whole and (added or removed):
        added = row.tags.of(resource, properties)
        removed = [] if added else removed
    if removed and row.tags.remove:
        gone = {"keys": removed, "tags": [{row.tags.key: key} for key in removed]}
        yield _request(row, row.tags.remove, {**values, **gone}, properties)
    if added and row.tags.add:
        yield _request(row, row.tags.add, {**values, "tags": row.tags.shaped(added)}, properties)


def _delete(row: Row, resource: Resource) -> Ending:
    yield from _deleted(row, _values(row, resource, _shaped(row, resource.properties)))


def _deleted(row: Row, values: dict[str, Any]) -> Ending:
    for each in row.items:
        if each.apart and not each.goes:
            yield from _removed(row, each, values, each.items(values["p"]).values())
    for call in row.deletes:
        yield from ended(_request(row, call, values, values["p"]))
    try:
        yield from _await(row, values, row.gone)
    except Fault as fault:
        if not is_gone(fault):
            raise
