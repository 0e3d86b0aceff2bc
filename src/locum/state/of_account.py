"""The state as one account may see it: its own entities, and the organizations.

Whoever asks for an account is so told nothing of the principals and policies of others, however the question is put: an
account of the plane that a policy names is to it as one that the plane does not have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar, cast

from immutables import Map

from locum.state.entities import Entity
from locum.state.events import AnyEntity, kind_of
from locum.state.indexes import Index
from locum.state.organizations import TABLES
from locum.state.state import State

E = TypeVar("E", bound=Entity)


@dataclass(frozen=True, slots=True)
class AccountState(State):
    """A state of which `account` sees its own. SCPs and RCPs are there, as they are decided by."""

    account: str = ""

    def table(self, kind: type[E], account: str) -> Map[str, E]:
        return State.table(self, kind, account) if self._sees(kind_of(kind), account) else Map()

    def every(self, kind: type[E]) -> Iterator[E]:
        if kind_of(kind) in TABLES:
            yield from State.every(self, kind)
        else:
            yield from self.table(kind, self.account).values()

    def find(self, index: Index, value: str) -> list[AnyEntity]:
        found = State.find(self, index, value)
        return [it for it in found if self._sees(kind_of(type(cast("Entity", it))), it.account)]

    def count(self, index: Index, value: str) -> int:
        return len(self.find(index, value))

    def _sees(self, kind: str, account: str) -> bool:
        return account == self.account or kind in TABLES


def of_account(state: State, account: str) -> AccountState:
    """`state` as `account` may see it."""
    return AccountState(state.sequence, state.tables, state.indexes, account)
