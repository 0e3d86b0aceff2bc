"""The removal of all that accounts have."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from locum.state.events import Removed
from locum.state.state import State


def removals(state: State, accounts: Collection[str], stay: Collection[str] = ()) -> Iterator[Removed]:
    """The events after which `accounts` have no entities but those of the kinds in `stay`."""
    for kind, table in state.tables.items():
        if kind not in stay:
            for account in accounts:
                yield from (Removed(kind, account, key) for key in table.get(account, ()))
