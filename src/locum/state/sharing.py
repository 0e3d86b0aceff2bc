"""Equal values of many entities, kept once.

Whatever is decoded has texts of its own, though a thousand roles have the same account, trust policy and tags. What is
read from a checkpoint is as good as all that is in memory for the life of a plane, so that it is worth looking.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Final

import msgspec
from msgspec.structs import force_setattr

from locum.state.entities import AccessKey, Group, InstanceProfile, Policy, Role, User
from locum.state.events import Event, Put

_KEPT: Final = 65_536
"""The values that are remembered at once: what comes together is alike."""

_COMMON: Final = ("account", "path")
_ATTACHED: Final = (*_COMMON, "attached", "inline")
_REPEATED: Final[dict[type[msgspec.Struct], tuple[str, ...]]] = {
    AccessKey: ("account",),
    Group: _ATTACHED,
    InstanceProfile: (*_COMMON, "tags"),
    Policy: (*_COMMON, "tags"),
    Role: (*_ATTACHED, "trust", "boundary", "tags"),
    User: (*_ATTACHED, "groups", "boundary", "tags"),
}
"""The kinds that there are many of, and the fields of theirs that many have the same value of."""


def _plain(value: Hashable) -> Hashable:
    return value


def _items(value: dict[str, str]) -> Hashable:
    return (dict, *value.items())


_READERS: Final[dict[type[msgspec.Struct], tuple[tuple[str, Callable[[Any], Hashable]], ...]]] = {
    kind: tuple((name, _items if name in ("inline", "tags") else _plain) for name in names)
    for kind, names in _REPEATED.items()
}


class Sharing:
    """The values seen lately. Entities that went through one share those which are equal."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Any] = {}

    def share(self, events: Iterable[Event]) -> None:
        """Have the entities of `events`, which nobody else has yet, use values that were seen before."""
        for event in events:
            if isinstance(event, Put) and type(event.entity) in _READERS:
                self._share(event.entity)
        if len(self._known) > _KEPT:
            self._known.clear()

    def _share(self, entity: msgspec.Struct) -> None:
        known = self._known
        for name, identity in _READERS[type(entity)]:
            value = getattr(entity, name)
            same = known.setdefault(identity(value), value)
            if same is not value:
                force_setattr(entity, name, same)
