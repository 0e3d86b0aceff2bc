"""Ledgers and what they are asked to do, for tests of the store alone: roles that are created by name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from threading import Event as Gate
from typing import Any, NamedTuple

from locum.core.errors import Fault
from locum.state import Event, Role, State, put, remove
from locum.store import AuditRow, Entry, Journal, Ledger, Limits
from locum.store.memory import MemoryJournal

ACCOUNT = "000000000000"
NOW = 10.0
NEVER = 3600.0
QUICK = Limits(backoff=0.0)


class Made(NamedTuple):
    """A handler's outcome."""

    name: str
    events: tuple[Event, ...] = ()


def role(name: str, description: str = "") -> Role:
    return Role(account=ACCOUNT, name=name, id=f"AROA{name}", created=1, trust="{}", description=description)


def creates(name: str) -> Callable[[State], Made]:
    """A handler with a rule: a name is given out once."""

    def handler(state: State) -> Made:
        if state.get(Role, ACCOUNT, name) is not None:
            raise Fault("EntityAlreadyExists", f"Role with name {name} already exists.", 409)
        return Made(name, (put(role(name)),))

    return handler


def deletes(name: str) -> Callable[[State], Made]:
    """A handler that refuses what is not there."""

    def handler(state: State) -> Made:
        found = state.get(Role, ACCOUNT, name)
        if found is None:
            raise Fault("NoSuchEntity", f"The role with name {name} cannot be found.", 404)
        return Made(name, (remove(found),))

    return handler


def names(state: State) -> set[str]:
    """The roles that there are."""
    return {found.name for found in state.every(Role)}


def audit_row(name: str, at: float = 1.0) -> AuditRow:
    return AuditRow(at, ACCOUNT, name, name, "CreateRole", "iam", "", "", "", False, False, True, (), name.encode())


def audited(outcome: Made | Fault) -> list[AuditRow]:
    return [audit_row(outcome.code if isinstance(outcome, Fault) else outcome.name)]


def silent(_: Made | Fault) -> list[AuditRow]:
    return []


def history(journal: MemoryJournal) -> list[str]:
    return [row.data.decode() for _, row in journal.rows]


class SlowJournal(MemoryJournal):
    """A disk that takes its time: nothing is stored before `gate` opens. `batches` are what came together."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.started, self.recorded = Gate(), Gate(), Gate()
        self.batches: list[int] = []

    def record(self, rows: Sequence[AuditRow]) -> None:
        super().record(rows)
        self.recorded.set()

    def append(self, batch: Sequence[Entry], audit: Sequence[AuditRow], expected: int, batch_id: str = "") -> None:
        self.batches.append(len(batch))
        self.started.set()
        self.gate.wait(30)
        super().append(batch, audit, expected, batch_id)


def opened(journal: Journal, limits: Limits = QUICK) -> Ledger:
    return Ledger.open(journal, lambda: NOW, limits)


async def until(gate: Gate) -> None:
    """Let the loop run until another thread opened `gate`."""
    assert await asyncio.to_thread(gate.wait, 30)
    gate.clear()


async def at_rest(ledger: Ledger) -> None:
    """Let the loop run until the checkpoint that is being taken is there."""
    while ledger._housekeeping._compacting is not None:  # noqa: ASYNC110 - there is nothing to wait for but the loop
        await asyncio.sleep(0)


async def reached(ledger: Ledger, sequence: int) -> State:
    """The state of `ledger`, once it has that entry: whoever waits for it writes nothing."""
    with ledger.subscribe() as changes:
        while ledger.state.sequence < sequence:
            await asyncio.wait_for(anext(changes), 30)
    return ledger.state


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)
