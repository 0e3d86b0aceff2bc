"""What an index has under a value: references to entities.

Most values of most indexes belong to one entity (a unique id, an access key id): then the reference itself is kept, and
a map of references where there are more.
"""

from __future__ import annotations

from collections.abc import Collection

from immutables import Map, MapMutation

Reference = tuple[str, str, str]
"""The account, the table and the key of an entity."""

Posting = Reference | Map[Reference, None]
Postings = Map[str, Posting]


def references(posting: Posting | None) -> Collection[Reference]:
    """The references of a posting, unordered; none where there is no posting."""
    if posting is None:
        return ()
    return (posting,) if isinstance(posting, tuple) else posting


class PostingsDraft:
    """A builder of the next postings of one index. Each map of references that changes is copied once."""

    def __init__(self, base: Postings) -> None:
        self._postings = base.mutate()
        self._open: dict[str, MapMutation[Reference, None]] = {}

    def add(self, value: str, reference: Reference) -> None:
        """`reference` is found under `value`."""
        if value not in self._open and self._postings.get(value, reference) == reference:
            self._postings[value] = reference
        else:
            self._opened(value)[reference] = None

    def discard(self, value: str, reference: Reference) -> None:
        """`reference` is not found under `value`."""
        self._opened(value).pop(reference, None)

    def finish(self) -> Postings:
        """The postings. Equal contents make equal postings, whatever was added and discarded on the way."""
        for value, references_of in self._open.items():
            done = references_of.finish()
            if len(done) > 1:
                self._postings[value] = done
            elif done:
                self._postings[value] = next(iter(done))
            else:
                self._postings.pop(value, None)
        return self._postings.finish()

    def _opened(self, value: str) -> MapMutation[Reference, None]:
        found = self._open.get(value)
        if found is None:
            there = references(self._postings.get(value))
            found = self._open[value] = (there if isinstance(there, Map) else Map(dict.fromkeys(there))).mutate()
        return found
