"""Who was overtaken goes first when it has computed anew, and nobody waits long for one that does not go on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from locum.services.verbs import Outcome
from locum.state import Account, State, put
from locum.store import Ledger, SequenceConflict
from locum.store.postgres import PostgresJournal
from support.journals import entries
from support.postgresql import ONE_SERVER, conninfo_of
from support.postgresql_attacks import await_waiters

pytestmark = ONE_SERVER
_CALLS = 20


@pytest.fixture
def handles(tmp_path: Path) -> Iterator[tuple[PostgresJournal, PostgresJournal]]:
    here, there = (PostgresJournal.open(conninfo_of(tmp_path)) for _ in range(2))
    yield here, there
    here.close()
    there.close()


def test_others_append_behind_who_has_precedence(
    handles: tuple[PostgresJournal, PostgresJournal], tmp_path: Path
) -> None:
    here, there = handles
    here.take_precedence()
    here.take_precedence()  # it has it
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(there.append, entries(1, 1), [], 0)
        await_waiters(conninfo_of(tmp_path), 1)
        here.append(entries(1, 1), [], 0)
        with pytest.raises(SequenceConflict):
            waiting.result(30)
    there.append(entries(2, 2), [], 1)
    assert here.last() == 2


def test_precedence_that_is_left_unused_keeps_nobody(handles: tuple[PostgresJournal, PostgresJournal]) -> None:
    here, there = handles
    here.take_precedence()
    here.leave_precedence()
    here.leave_precedence()
    there.append(entries(1, 1), [], 0)
    assert there.last() == 1


def test_attack_a_node_that_stalls_with_precedence_keeps_the_others_for_a_second(
    handles: tuple[PostgresJournal, PostgresJournal],
) -> None:
    """The server ends what is idle for that long; what the stalled node appends then is held against what is there."""
    here, there = handles
    here.take_precedence()
    there.append(entries(1, 1), [], 0)
    with pytest.raises(SequenceConflict):
        here.append(entries(1, 1), [], 0)
    here.append(entries(2, 2), [], 1)
    here.take_precedence()
    here.append(entries(3, 3), [], 2)
    assert there.last() == 3


def test_attack_a_node_that_writes_without_end_keeps_no_other_from_writing(
    handles: tuple[PostgresJournal, PostgresJournal],
) -> None:
    """Each has its calls answered while the other goes on, though whoever came first is ready first again."""

    async def calls(ledger: Ledger, name: str, ended: asyncio.Event) -> int:
        made = 0
        while made < _CALLS or not ended.is_set():
            await ledger.transact(partial(_account, f"{name}{made:011d}"), lambda _: ())
            made += 1
            if made == _CALLS:
                ended.set()
        return made

    async def story() -> None:
        ledgers = [Ledger.open(journal) for journal in handles]
        ends = asyncio.Event(), asyncio.Event()
        for ledger in ledgers:
            ledger.follow()
        made = await asyncio.gather(calls(ledgers[0], "1", ends[1]), calls(ledgers[1], "2", ends[0]))
        assert all(ended.is_set() for ended in ends)
        last = handles[0].last()
        assert last == sum(made)
        for ledger in ledgers:
            await ledger.close()

    async def bounded() -> None:
        async with asyncio.timeout(60):
            await story()

    asyncio.run(bounded())


def _account(number: str, _state: State) -> Outcome:
    return Outcome({}, (put(Account(account=number, created=0)),))
