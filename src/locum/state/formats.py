"""The formats of events, and of which one an entry of the journal is.

An entry is of the oldest format that has all that is in it: so an older Locum reads on for as long as nothing is used
that is new in a later one. What it does not know at all it refuses to read (`forbid_unknown_fields`), as it would be
lost when the entity is written again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from msgspec import to_builtins

from locum.state.events import Event, Put, kind_of

OLDEST: Final = 2
"""The format of all that `SINCE` does not name."""

SINCE: Final[Mapping[str, int]] = MappingProxyType({})
"""What is new in a format: kinds of entities (`role`) and fields of them (`policy.versions.number`)."""


def needed(events: Iterable[Event], since: Mapping[str, int] = SINCE) -> int:
    """The oldest format that has all of `events`. A field counts where it is not as by default."""
    if not since:
        return OLDEST
    return max((_of(event, since) for event in events), default=OLDEST)


def _of(event: Event, since: Mapping[str, int]) -> int:
    if not isinstance(event, Put):
        return since.get(event.kind, OLDEST)
    kind = kind_of(type(event.entity))
    used = (since.get(path, OLDEST) for path in _paths(to_builtins(event.entity), kind))
    return max(since.get(kind, OLDEST), *used)


def _paths(value: Any, path: str) -> Iterator[str]:
    """The fields of an entity that are not as by default, and those of what is in them."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield f"{path}.{name}"
            yield from _paths(member, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _paths(item, path)
