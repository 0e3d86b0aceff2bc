"""Who was overtaken goes first when it has computed anew, and nobody waits long for one that does not go on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from threading import Event

import pytest

from locum.services.verbs import Outcome
from locum.state import Account, State, encode, put
from locum.store import Entry, Ledger, SequenceConflict
from locum.store.postgres import PostgresJournal
from support.journals import entries
from support.postgresql import ONE_SERVER, conninfo_of
from support.postgresql_attacks import await_waiters

pytestmark = ONE_SERVER


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
    handles: tuple[PostgresJournal, PostgresJournal], tmp_path: Path
) -> None:
    """A call that takes longer than others take to come first is computed anew once, and is taken then."""
    here, there = handles
    computed: list[int] = []

    def slowly(state: State) -> Outcome:
        """Computes until somebody else has come first, if anybody can."""
        computed.append(state.sequence)
        with closing(PostgresJournal.open(conninfo_of(tmp_path))) as looking, closing(looking.follow()) as follower:
            follower.wait(state.sequence, 0.5)
        return Outcome({}, (put(Account(account="000000000001", created=0)),))

    async def story() -> None:
        ledger = Ledger.open(here)
        await ledger.transact(slowly, lambda _: ())
        await ledger.close()

    ended = Event()
    with ThreadPoolExecutor(1) as thread:
        writing = thread.submit(_write_on, there, ended)
        try:
            asyncio.run(asyncio.wait_for(story(), 60))
        finally:
            ended.set()
    assert writing.result() > 0
    assert len(computed) == 2


def _write_on(journal: PostgresJournal, ended: Event) -> int:
    """Append one entry after the other, whoever else does; how many."""
    made = 0
    while not ended.is_set():
        last = journal.last()
        event = encode([put(Account(account="000000000002", created=last))])
        with suppress(SequenceConflict):
            journal.append([Entry(last + 1, 1000.0, event)], [], last)
            made += 1
    return made
