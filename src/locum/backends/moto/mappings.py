"""Event source mappings, kept in moto's Lambda beside the functions that they are for, with their tags.

moto itself sends nothing to functions because of them: its queues, tables and streams know of none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.backends.moto import handlers, internals, recall
from locum.backends.moto.lookups import Within
from locum.backends.moto.models import all_models, backends_of, models_of
from locum.backends.moto.turns import in_turn
from locum.core.event_sources import EventSourceMapping

_PART: Final = "awslambda"


class Kept:
    """A mapping in moto's dictionary of them: what moto's operations on tags take for one of its own."""

    def __init__(self, mapping: EventSourceMapping, tags: dict[str, str]) -> None:
        self.mapping = mapping
        self.tags = tags
        self.progress: dict[str, str] = {}
        """The last sequence number of each shard of a stream that was processed."""


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
        in_turn(_remove, mapping)

    def under_way(self) -> list[EventSourceMapping]:
        """Those of all accounts."""
        return in_turn(all_of_moto)

    def progress(self, mapping: EventSourceMapping, read: Mapping[str, str]) -> None:
        """Keep how far the shards of its stream were read."""
        in_turn(_keep_progress, mapping, dict(read))

    def read_before(self, mapping: EventSourceMapping) -> dict[str, str]:
        """What `progress` kept."""
        kept = in_turn(_table, mapping.account, mapping.region).get(mapping.uuid)
        return {} if kept is None else dict(kept.progress)


def all_of_moto() -> list[EventSourceMapping]:
    """All mappings of all accounts. To be used in moto's turn."""
    recall.here(_PART)
    return [kept.mapping for models in all_models(_PART) for kept in internals.mappings_of(models).values()]


def _put(mapping: EventSourceMapping, tags: Mapping[str, str] | None) -> None:
    handlers.load("lambda")
    recall.changing(_PART)
    with Within(_PART, mapping.account):
        models = backends_of("lambda")[mapping.account][mapping.region]
    table = internals.mappings_of(models)
    before = table.get(mapping.uuid)
    kept = (before.tags if before is not None else {}) if tags is None else dict(tags)
    made = table[mapping.uuid] = Kept(mapping, kept)
    if before is not None:
        made.progress = before.progress


def _remove(mapping: EventSourceMapping) -> None:
    recall.changing(_PART)
    _table(mapping.account, mapping.region).pop(mapping.uuid, None)


def _keep_progress(mapping: EventSourceMapping, read: dict[str, str]) -> None:
    kept = _table(mapping.account, mapping.region).get(mapping.uuid)
    if kept is not None and kept.progress != read:
        recall.changing(_PART)
        kept.progress = read


def _table(account: str, region: str) -> dict[str, Any]:
    models = models_of("lambda", account, region)
    return {} if models is None else internals.mappings_of(models)
