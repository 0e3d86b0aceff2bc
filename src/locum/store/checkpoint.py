"""Checkpoints: the whole state as Put events, in compressed parts; and the way back.

A part is a few hundred entities: encoding one never holds the interpreter for long, and compressing one
lets it go altogether, so that a checkpoint of any size is taken beside a busy event loop.
"""

from __future__ import annotations

import gc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import Final, cast

import msgspec

from locum.core.errors import StorageError
from locum.state import FORMAT, AnyEntity, Event, State, apply, change, decode, encode, put
from locum.store.journal import Entry, Journal

PART: Final = 256
"""Entities in one part: about 200 KB of JSON, half a millisecond."""


def entities(state: State) -> Iterator[AnyEntity]:
    """Every entity of `state`, in no order."""
    for accounts in state.tables.values():
        for table in accounts.values():
            yield from cast("Iterator[AnyEntity]", iter(table.values()))


def size(state: State) -> int:
    """How many entities there are in `state`."""
    return sum(len(table) for accounts in state.tables.values() for table in accounts.values())


def parts(state: State) -> Iterator[bytes]:
    """`state` as the parts of a checkpoint."""
    rest = entities(state)
    while batch := list(islice(rest, PART)):
        yield zlib.compress(encode([put(entity) for entity in batch]), 1)


def load(journal: Journal) -> State:
    """The state that `journal` holds. Raises StorageError where it cannot be read."""
    with _no_collection():
        state = State()
        found = journal.checkpoint()
        if found is not None:
            sequence, stored = found
            events = chain.from_iterable(map(_unpack, stored))
            state = change(State(sequence), events)
        for entry in journal.read(state.sequence):
            state = follow(state, entry)
    return state


def follow(state: State, entry: Entry) -> State:
    """The state after `entry`. Raises StorageError where it does not follow or is not readable."""
    if entry.format > FORMAT:
        raise StorageError(
            f"journal entry {entry.sequence} was written by a newer Locum (format {entry.format}, "
            f"this one reads up to {FORMAT}); use that version or newer"
        )
    try:
        return apply(state, decode(entry.events), entry.sequence)
    except msgspec.MsgspecError as error:
        raise StorageError(f"journal entry {entry.sequence} is damaged: {error}") from error


def _unpack(part: bytes) -> list[Event]:
    try:
        return decode(zlib.decompress(part))
    except (zlib.error, msgspec.MsgspecError) as error:
        raise StorageError(f"the checkpoint is damaged: {error}") from error


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
