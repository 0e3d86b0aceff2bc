"""The state as one account may see it: its own entities, and the organizations.

Whoever asks for an account is so told nothing of the principals and policies of others, however the question is put: an
account of the plane that a policy names is to it as one that the plane does not have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from immutables import Map

from locum.state.events import AnyEntity
from locum.state.indexes import Index
from locum.state.organizations import TABLES
from locum.state.state import State


@dataclass(frozen=True, slots=True)
class AccountState(State):
    """A state of which the tables have less than the indexes."""

    def find(self, index: Index, value: str) -> list[AnyEntity]:
        return list(self._held(index, value))

    def count(self, index: Index, value: str) -> int:
        return len(self.find(index, value))

    def _held(self, index: Index, value: str) -> Iterator[AnyEntity]:
        for account, kind, key in self.references(index, value):
            table = self.tables.get(kind, Map()).get(account, Map())
            if key in table:
                entity: AnyEntity = table[key]  # type: ignore[assignment] # as in `State.find`
                yield entity


def of_account(state: State, account: str) -> AccountState:
    """`state` as `account` may see it. SCPs and RCPs are there, as its calls are decided by them."""
    tables = {
        kind: table if kind in TABLES else Map({account: table[account]})
        for kind, table in state.tables.items()
        if kind in TABLES or account in table
    }
    return AccountState(state.sequence, Map(tables), state.indexes)
