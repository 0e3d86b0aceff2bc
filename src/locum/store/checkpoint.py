"""From a journal to the state that it makes, and from a state to a checkpoint.

A checkpoint is the whole state as Put events, in compressed parts. A part is a few hundred entities: encoding one never
holds the interpreter for long, and compressing one lets it go altogether, so that a checkpoint of any size is taken
beside a busy event loop.
"""

from __future__ import annotations

import gc
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import Final, NamedTuple, cast

import msgspec

from locum.core.errors import StorageError
from locum.state import FORMAT, AnyEntity, Event, State, apply, change, decode, encode, put
from locum.store.journal import Compacted, Entry, Journal

PART: Final = 256
"""Entities in one part: about 200 KB of JSON, half a millisecond."""


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
        yield zlib.compress(encode([put(entity) for entity in batch]), 1)


def load(journal: Journal) -> State:
    """The state that `journal` holds. Raises StorageError where it cannot be read."""
    with _no_collection():
        while True:
            state = State()
            found = journal.checkpoint()
            if found is not None:
                sequence, stored = found
                events = chain.from_iterable(map(_unpack, stored))
                state = change(State(sequence), events)
            try:
                for following in changes(journal, state):
                    state = following.state
            except Compacted:  # another handle stored a newer checkpoint meanwhile
                continue
            return state


def catch_up(journal: Journal, state: State, recent: int) -> CaughtUp:
    """Read on from `state`, keeping the last `recent` changes. Raises StorageError where that cannot be done."""
    newest: deque[Change] = deque(maxlen=recent)
    try:
        for following in changes(journal, state):
            state = following.state
            newest.append(following)
    except Compacted:
        return CaughtUp(load(journal), (), reloaded=True)
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
    """Entities hold no cycles: looking for some among a hundred thousand new ones is time lost."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
