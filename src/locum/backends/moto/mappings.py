"""Event source mappings, kept in moto's Lambda beside the functions that they are for, with their tags.

moto itself sends nothing to functions because of them: its queues, tables and streams know of none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from locum.backends.moto import handlers, internals
from locum.backends.moto.lookups import Within
from locum.backends.moto.models import backends_of, models_of
from locum.backends.moto.turns import in_turn
from locum.core.event_sources import EventSourceMapping


class Kept:
    """A mapping in moto's dictionary of them: what moto's operations on tags take for one of its own."""

    def __init__(self, mapping: EventSourceMapping, tags: dict[str, str]) -> None:
        self.mapping = mapping
        self.tags = tags


class MotoMappings:
    """`core.event_sources.Mappings` in moto."""

    def put(self, mapping: EventSourceMapping, tags: Mapping[str, str] | None = None) -> None:
        """Keep `mapping`, with its former tags where `tags` is None."""
        in_turn(_put, mapping, tags)

    def find(self, account: str, region: str, uuid: str) -> EventSourceMapping | None:
        """The mapping `uuid`, or None."""
        kept = in_turn(_table, account, region).get(uuid)
        return None if kept is None else kept.mapping

    def every(self, account: str, region: str) -> list[EventSourceMapping]:
        """All mappings of an account and region."""
        return [kept.mapping for kept in in_turn(lambda: list(_table(account, region).values()))]

    def remove(self, mapping: EventSourceMapping) -> None:
        """Forget `mapping`."""
        in_turn(lambda: _table(mapping.account, mapping.region).pop(mapping.uuid, None))


def _put(mapping: EventSourceMapping, tags: Mapping[str, str] | None) -> None:
    handlers.load("lambda")
    with Within("awslambda", mapping.account):
        models = backends_of("lambda")[mapping.account][mapping.region]
    table = internals.mappings_of(models)
    before = table.get(mapping.uuid)
    kept = (before.tags if before is not None else {}) if tags is None else dict(tags)
    table[mapping.uuid] = Kept(mapping, kept)


def _table(account: str, region: str) -> dict[str, Any]:
    models = models_of("lambda", account, region)
    return {} if models is None else internals.mappings_of(models)
