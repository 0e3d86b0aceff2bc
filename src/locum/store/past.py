"""The state as it was: the current one, with what changed since then taken back."""

from __future__ import annotations

from itertools import chain

import msgspec

from locum.core.errors import StorageError
from locum.state import State, change, decode
from locum.store.journal import Journal


def state_at(journal: Journal, state: State, at: float) -> State:
    """`state`, the journal's newest, as it was at the time `at` (epoch seconds), as far as `state.former.KEPT` goes.

    It takes time in proportion to the changes since. What is not kept is as it is now. Blocks on the journal. Raises
    Forgotten where the time is past the retention, StorageError where what is kept cannot be read.
    """
    try:
        changes = [decode(it.events) for it in journal.former(at) if it.sequence <= state.sequence]
    except msgspec.MsgspecError as error:
        raise StorageError(f"what was before a change cannot be read: {error}") from error
    return change(state, chain.from_iterable(changes))
