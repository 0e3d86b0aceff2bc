"""From a journal to the state that it makes, and from a state to a checkpoint.

A checkpoint is the whole state as events, in compressed parts: Put events of a base, and what changed since in layers.
A part is a few hundred entities: encoding one never holds the interpreter for long, and compressing one lets it go
altogether, so that a checkpoint of any size is taken beside a busy event loop.
"""

from __future__ import annotations

import gc
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice
from typing import Final, NamedTuple, cast

import msgspec

from locum.core.errors import StorageError
from locum.state import FORMAT, AnyEntity, Event, State, apply, change, decode, encode, put
from locum.state.events import about
from locum.state.sharing import Sharing
from locum.store.journal import Compacted, Entry, Journal

PART: Final = 256
"""Entities in one part: about 200 KB of JSON, half a millisecond."""

MANY: Final = 10_000
"""Entities of a state that is kept from garbage collection: each of the collector's rounds would look at all of it."""


class Change(NamedTuple):
    """The change of one journal entry: its events, and the state after it."""

    sequence: int
    events: tuple[Event, ...]
    state: State


class CaughtUp(NamedTuple):
    """The state at the end of the journal, and the newest of the changes that led there.

    `reloaded`: some of the changes are not kept any more, and the state was read from the checkpoint.
    """

    state: State
    changes: tuple[Change, ...]
    reloaded: bool


def entities(state: State) -> Iterator[AnyEntity]:
    """Every entity of `state`, in no order."""
    for accounts in state.tables.values():
        for table in accounts.values():
            yield from cast("Iterator[AnyEntity]", iter(table.values()))


def size(state: State) -> int:
    """The number of entities in `state`. Takes a step for each table of each account."""
    return sum(len(table) for accounts in state.tables.values() for table in accounts.values())


def parts(state: State) -> Iterator[bytes]:
    """`state` as the parts of a checkpoint."""
    rest = entities(state)
    while batch := list(islice(rest, PART)):
        yield _packed([put(entity) for entity in batch])


class Layer:
    """What changed up to the entry `sequence`, which moves on: of each entity the newest event."""

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence
        self._newest: dict[tuple[str, str, str], Event] = {}

    def __len__(self) -> int:
        return len(self._newest)

    def add(self, entries: Iterable[Entry]) -> None:
        """Add the next entries. Raises StorageError where one cannot be read."""
        for entry in entries:
            self._newest |= {about(event): event for event in _readable(entry)}
            self.sequence = entry.sequence

    def parts(self) -> list[bytes]:
        """The parts of the layer."""
        rest = iter(self._newest.values())
        return [_packed(events) for events in iter(lambda: list(islice(rest, PART)), [])]


def load(journal: Journal, known: State | None = None) -> State:
    """The state that `journal` holds. Raises StorageError where it cannot be read.

    `known` is one that it had: of what has changed since, layers are read where they are kept, and not all there is.
    """
    with _no_collection():
        state = _checkpointed(journal, known or State())
        while True:
            try:
                for following in changes(journal, state):
                    state = following.state
            except Compacted:  # another handle stored a newer checkpoint meanwhile
                state = _checkpointed(journal, state)
                continue
            if known is None and size(state) >= MANY:
                gc.freeze()
            return state


def _checkpointed(journal: Journal, known: State) -> State:
    """The state of the checkpoint, of `known` where the layers upon that are kept."""
    found, state = journal.layers(known.sequence) if known.sequence else None, known
    if found is None:
        found, state = journal.checkpoint(), State()
    if found is None:
        return state
    sequence, stored = found
    return replace(change(state, chain.from_iterable(_shared(map(_unpack, stored)))), sequence=sequence)


def catch_up(journal: Journal, state: State, recent: int) -> CaughtUp:
    """Read on from `state`, keeping the last `recent` changes. Raises StorageError where that cannot be done."""
    newest: deque[Change] = deque(maxlen=recent)
    try:
        for following in changes(journal, state):
            state = following.state
            newest.append(following)
    except Compacted:
        return CaughtUp(load(journal, state), (), reloaded=True)
    return CaughtUp(state, tuple(newest), reloaded=False)


def changes(journal: Journal, state: State) -> Iterator[Change]:
    """The changes after `state`. Raises Compacted; StorageError where an entry does not follow or cannot be read."""
    for entry in journal.read(state.sequence):
        events = _readable(entry)
        state = apply(state, events, entry.sequence)
        yield Change(entry.sequence, tuple(events), state)


def _readable(entry: Entry) -> list[Event]:
    if entry.format > FORMAT:
        raise StorageError(
            f"journal entry {entry.sequence} was written by a newer Locum (format {entry.format}, "
            f"this one reads up to {FORMAT}); use that version or newer"
        )
    try:
        return decode(entry.events)
    except msgspec.MsgspecError as error:
        raise _unreadable(f"journal entry {entry.sequence}", error) from error


def _shared(parts: Iterable[list[Event]]) -> Iterator[list[Event]]:
    sharing = Sharing()
    for events in parts:
        sharing.share(events)
        yield events


def _packed(events: list[Event]) -> bytes:
    return zlib.compress(encode(events), 1)


def _unpack(part: bytes) -> list[Event]:
    try:
        return decode(zlib.decompress(part))
    except (zlib.error, msgspec.MsgspecError) as error:
        raise _unreadable("the checkpoint", error) from error


def _unreadable(what: str, error: Exception) -> StorageError:
    """What is not of the schema: an older Locum would lose what it does not know."""
    if isinstance(error, msgspec.ValidationError):
        return StorageError(f"{what} is damaged, or was written by a newer Locum: {error}; use that version or newer")
    return StorageError(f"{what} is damaged: {error}")


@contextmanager
def _no_collection() -> Iterator[None]:
    """Entities hold no cycles: looking for some among a hundred thousand new ones is time lost.

    What is made meanwhile would be looked at once more by the first round afterwards: see `MANY`.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
