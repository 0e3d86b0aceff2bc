"""The state as one immutable value, and the reducer that computes the next one.

Persistent maps (hash array mapped tries) share what did not change, so that the holder of a state keeps a
consistent view, and computing the next state takes time in proportion to the changes.

    tables:  kind  -> account -> key -> entity
    indexes: index -> value -> see `state.postings`
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar, cast

from immutables import Map

from locum.core.errors import StorageError
from locum.state.entities import Entity
from locum.state.events import AnyEntity, Event, Put, kind_of
from locum.state.indexes import INDEXES, Index
from locum.state.postings import Postings, PostingsDraft, Reference, references

E = TypeVar("E", bound=Entity)
Table = Map[str, Map[str, Entity]]

_NO_ENTITIES: Map[str, Entity] = Map()
_NO_TABLES: Map[str, Table] = Map()
_NO_INDEXES: Map[str, Postings] = Map()

_INDEXES_OF: dict[type[Entity], tuple[Index, ...]] = {
    kind: tuple(index for index in INDEXES if kind in index.kinds)
    for kind in {kind for index in INDEXES for kind in index.kinds}
}


@dataclass(frozen=True, slots=True)
class State:
    """The identity state after the journal entry `sequence` (0: an empty journal)."""

    sequence: int = 0
    tables: Map[str, Table] = _NO_TABLES
    indexes: Map[str, Postings] = _NO_INDEXES

    def get(self, kind: type[E], account: str, key: str) -> E | None:
        """The entity, or None."""
        return self.table(kind, account).get(key)

    def table(self, kind: type[E], account: str) -> Map[str, E]:
        """All entities of one kind in one account, by key, unordered.

        Two states have the identical map while nothing in it changed, so that its identity can be a cache key.
        """
        tables = self.tables.get(kind_of(kind))
        return cast("Map[str, E]", _NO_ENTITIES if tables is None else tables.get(account, _NO_ENTITIES))

    def every(self, kind: type[E]) -> Iterator[E]:
        """All entities of one kind in all accounts, unordered."""
        for table in self.tables.get(kind_of(kind), Map()).values():
            yield from cast("Map[str, E]", table).values()

    def find(self, index: Index, value: str) -> list[AnyEntity]:
        """The entities that `index` has under `value`, unordered."""
        return [
            cast("AnyEntity", self.tables[kind][account][key]) for account, kind, key in self.references(index, value)
        ]

    def references(self, index: Index, value: str) -> Collection[Reference]:
        """The account, table and key of each entity that `index` has under `value`, unordered."""
        postings = self.indexes.get(index.name)
        return () if postings is None else references(postings.get(value))

    def first(self, kind: type[E], index: Index, value: str) -> E | None:
        """The one entity of `kind` that `index` has under `value`, or None."""
        for entity in self.find(index, value):
            if isinstance(entity, kind):
                return entity
        return None

    def count(self, index: Index, value: str) -> int:
        """The number of entities that `index` has under `value`."""
        return len(self.references(index, value))


def apply(state: State, events: Iterable[Event], sequence: int) -> State:
    """Apply the journal entry `sequence`, which holds `events`.

    Raises StorageError where `sequence` is not the next one, as an entry would be missing.
    """
    if sequence != state.sequence + 1:
        raise StorageError(f"journal entry {sequence} does not follow {state.sequence}")
    return replace(change(state, events), sequence=sequence)


def change(state: State, events: Iterable[Event]) -> State:
    """Apply `events` at the same sequence: the tentative state within a batch."""
    draft = _Draft(state)
    for event in events:
        if isinstance(event, Put):
            entity = event.entity
            draft.set(kind_of(type(entity)), entity.account, entity.key, entity)
        else:
            draft.set(event.kind, event.account, event.key, None)
    return draft.finish()


class _Draft:
    """A builder of the next state. Only maps that change are copied, each of them once."""

    def __init__(self, state: State) -> None:
        self._base = state
        self._tables: dict[tuple[str, str], dict[str, Entity | None]] = {}

    def set(self, kind: str, account: str, key: str, entity: Entity | None) -> None:
        self._tables.setdefault((kind, account), {})[key] = entity

    def finish(self) -> State:
        tables = self._base.tables.mutate()
        drafts: dict[str, PostingsDraft] = {}
        for (kind, account), changes in self._tables.items():
            table: Table = tables.get(kind, Map())
            before = table.get(account, _NO_ENTITIES)
            rows = before.mutate()
            for key, entity in changes.items():
                old = before.get(key)
                if entity is None:
                    rows.pop(key, None)
                else:
                    rows[key] = entity
                self._index(drafts, (account, kind, key), old, entity)
            after = rows.finish()
            # Empty maps are removed, so that equal contents make equal states.
            table = table.set(account, after) if after else table.delete(account) if account in table else table
            if table:
                tables[kind] = table
            else:
                tables.pop(kind, None)
        return replace(self._base, tables=tables.finish(), indexes=self._indexed(drafts))

    def _index(
        self, drafts: dict[str, PostingsDraft], reference: Reference, old: Entity | None, new: Entity | None
    ) -> None:
        """Note the index values that `reference` loses and gains."""
        entity = old if new is None else new
        for index in () if entity is None else _INDEXES_OF.get(type(entity), ()):
            before = () if old is None else tuple(index.values(old))
            after = () if new is None else tuple(index.values(new))
            if before == after:
                continue
            draft = drafts.get(index.name)
            if draft is None:
                draft = drafts[index.name] = PostingsDraft(self._base.indexes.get(index.name, Map()))
            for value in before:
                if value not in after:
                    draft.discard(value, reference)
            for value in after:
                if value not in before:
                    draft.add(value, reference)

    def _indexed(self, drafts: dict[str, PostingsDraft]) -> Map[str, Postings]:
        indexes = self._base.indexes.mutate()
        for name, draft in drafts.items():
            postings = draft.finish()
            if postings:
                indexes[name] = postings
            else:
                indexes.pop(name, None)
        return indexes.finish()
