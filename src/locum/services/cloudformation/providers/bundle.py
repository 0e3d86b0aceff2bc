"""Providers of types that are nothing of their own, but what they put into other resources: a policy of several roles.

Such a resource is a set of pairs of calls, one that puts and one that removes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from locum.services.cloudformation.providers.base import (
    Began,
    Ending,
    Made,
    Properties,
    Provider,
    Request,
    Resource,
    Work,
    ended,
    or_undone,
)


class Put(NamedTuple):
    """A call that puts something, and the one that removes it."""

    put: Request
    remove: Request


Puts = Callable[[Properties], Mapping[str, Put]]
"""What properties put, by keys: what has the same key is put in the place of the former."""


def bundle(puts: Puts, longest: int = 64, *, begins: bool = False) -> Provider:
    """The provider of a type that `puts` tells. Its physical id is a generated name; `Id` is the same.

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

    return Provider(create, delete, update)


def _put(pairs: Mapping[str, Put], resource_id: str) -> Work:
    for pair in pairs.values():
        yield pair.put
    return Made(resource_id, {"Id": resource_id})


def _removed(pairs: Mapping[str, Put]) -> Ending:
    for pair in pairs.values():
        yield from ended(pair.remove)
