"""Providers of types that are nothing of their own, but what they put into other resources: a policy of several roles.

Such a resource is a set of pairs of calls, one that puts and one that removes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import (
    Began,
    Ending,
    Found,
    Made,
    Properties,
    Provider,
    Reading,
    Request,
    Resource,
    Work,
    ended,
    is_gone,
    or_undone,
)
from locum.services.cloudformation.providers.reading import absent
from locum.services.cloudformation.providers.templates import value_at
from locum.services.cloudformation.shapes import decoded


class Put(NamedTuple):
    """A call that puts something, and the one that removes it."""

    put: Request
    remove: Request


Puts = Callable[[Properties], Mapping[str, Put]]
"""What properties put, by keys: what has the same key is put in the place of the former."""


class Look(NamedTuple):
    """A call that shows the document that is put into an `item` of the list `property`, at `path` of its answer."""

    request: Request
    path: str
    property: str
    item: str


Looks = Callable[[Properties], Iterable[Look]]


def bundle(puts: Puts, longest: int = 64, looks: Looks | None = None, *, begins: bool = False) -> Provider:
    """The provider of a type that `puts` tells, and `looks` shows. Its physical id is a generated name, as is `Id`.

    `begins`: it has that before anything is put, and is deleted where nothing could be.
    """

    def create(resource: Resource) -> Work:
        resource_id = resource.name(longest)
        if begins:
            yield Began(resource_id)
        wanted = puts(resource.properties)
        undo = _removed(wanted)
        return (yield from or_undone(_put(wanted, resource_id), undo))

    def update(resource: Resource, before: Properties) -> Work:
        wanted, former = puts(resource.properties), puts(before)
        changed = {key: pair for key, pair in wanted.items() if former.get(key) != pair}
        made = yield from _put(changed, resource.physical)
        yield from _removed({key: pair for key, pair in former.items() if key not in wanted})
        return made

    def delete(resource: Resource) -> Ending:
        yield from _removed(puts(resource.properties))

    return Provider(create, delete, update, read=None if looks is None else lambda resource: _read(looks, resource))


def _read(looks: Looks, resource: Resource) -> Reading:
    """The document that is put, the first that is another one, and what it is put into. It takes the properties."""
    given = decoded(resource.properties.get("PolicyDocument"))
    kept: dict[str, list[str]] = {}
    documents = []
    for look in looks(resource.properties):
        kept.setdefault(look.property, [])
        try:
            document = decoded(value_at((yield look.request), look.path))
        except Fault as fault:
            if not is_gone(fault):
                raise
            document = None
        if document:
            kept[look.property].append(look.item)
            documents.append(document)
    if not documents:
        raise absent(resource)
    shown = next((document for document in documents if document != given), documents[0])
    lists = {name: items for name, items in kept.items() if items}
    return Found({**lists, "PolicyDocument": shown}, {"Id": resource.physical}, frozenset(kept.keys() - lists.keys()))


def _put(pairs: Mapping[str, Put], resource_id: str) -> Work:
    for pair in pairs.values():
        yield pair.put
    return Made(resource_id, {"Id": resource_id})


def _removed(pairs: Mapping[str, Put]) -> Ending:
    for pair in pairs.values():
        yield from ended(pair.remove)
