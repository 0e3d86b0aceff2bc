"""A ledger that hears nothing of its journal for too long serves nothing, and recovers by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from locum.core.errors import Fault
from locum.store import Ledger, Limits, SqliteJournal
from locum.store.memory import MemoryJournal
from support.ledgers import NEVER, NOW, QUICK, creates, names, opened, reached, run, silent
from support.silent_journals import SilentJournal, Uptime

PATIENT = replace(QUICK, ask=30.0)
"""The journal is waited for."""
HASTY = replace(QUICK, ask=0.0)
"""It is not."""


class Nodes:
    """`here` writes, and `there` follows by a connection that can go dead."""

    def __init__(self, limits: Limits) -> None:
        self.uptime = Uptime()
        first = MemoryJournal(shared=True)
        self.journal = SilentJournal(first)
        self.here = opened(first.another())
        self.there = Ledger.open(self.journal, lambda: NOW, limits, uptime=self.uptime)
        self.there.follow()

    def stale(self) -> bool:
        return self.there.stale

    async def refused(self) -> None:
        """`there` serves nothing."""
        with pytest.raises(Fault, match="ServiceUnavailable"):
            await self.there.fresh()


@asynccontextmanager
async def nodes(limits: Limits = HASTY) -> AsyncIterator[Nodes]:
    made = Nodes(limits)
    try:
        yield made
    finally:
        made.journal.live()
        await made.there.close()
        await made.here.close()


def test_an_exclusive_journal_is_never_stale() -> None:
    async def story() -> None:
        uptime = Uptime()
        ledger = Ledger.open(MemoryJournal(), lambda: NOW, QUICK, uptime=uptime)
        ledger.follow()
        uptime.now += NEVER
        assert (ledger.stale, ledger.age) == (False, 0.0)
        assert await ledger.fresh() is ledger.state
        await ledger.close()

    run(story())


def test_a_node_serves_nothing_before_it_has_heard_of_the_journal() -> None:
    async def story() -> None:
        async with nodes() as two:
            assert two.stale()
            await two.journal.look()
            assert not two.stale()

    run(story())


def test_a_connection_that_is_dead_without_a_word_makes_the_state_stale() -> None:
    """Nothing raises: the follower waits on, as in a network that drops everything."""

    async def story() -> None:
        async with nodes() as two:
            await two.journal.look()
            two.journal.die()
            two.uptime.now += 2.0
            assert not two.stale()
            two.uptime.now += 0.01
            assert two.stale()
            await two.refused()
            assert two.there.failure == ""

    run(story())


def test_a_machine_that_slept_serves_nothing_of_before() -> None:
    """The clock goes on in sleep; the follower of the machine that wakes has not looked yet."""

    async def story() -> None:
        async with nodes() as two:
            await two.journal.look()
            await two.here.transact(creates("app"), silent)
            two.uptime.now += NEVER
            two.journal.die()
            await two.refused()
            assert names(two.there.state) == set()

    run(story())


def test_a_stale_node_recovers_by_itself_with_all_that_it_missed() -> None:
    async def story() -> None:
        async with nodes() as two:
            await two.journal.look()
            two.uptime.now += 3.0
            await two.here.transact(creates("app"), silent)
            assert two.stale()
            await two.journal.look()  # of which the wait began before
            await reached(two.there, 1)
            assert two.stale()
            await two.journal.look()
            assert not two.stale()
            assert names(two.there.state) == {"app"}

    run(story())


def test_a_stale_node_whose_journal_answers_serves_what_it_answers() -> None:
    """Its loop was busy for long, or the machine slept: who comes first after that is not refused for it."""

    async def story() -> None:
        async with nodes(PATIENT) as two:
            two.uptime.now += 3.0
            await two.here.transact(creates("app"), silent)
            assert names(await two.there.fresh()) == {"app"}
            assert not two.stale()

    run(story())


def test_one_question_is_asked_for_all_who_come_to_a_stale_node() -> None:
    async def story() -> None:
        async with nodes() as two:
            two.journal.die()
            for _ in range(100):
                await two.refused()
            assert two.there.waiting <= 1
            await two.journal.question()
            two.journal.live()

    run(story())


def test_a_node_goes_stale_though_it_hears_of_changes_that_it_cannot_read() -> None:
    async def story() -> None:
        async with nodes() as two:
            await two.journal.look()
            await two.here.transact(creates("app"), silent)
            two.journal.unreadable = True
            two.uptime.now += 1.9
            await two.journal.look()
            await two.journal.look()
            two.uptime.now += 0.2
            assert two.stale()

    run(story())


def test_a_journal_that_ends_before_what_was_seen_is_served_no_more() -> None:
    """An older copy took its place: what it has not was answered here."""

    async def story() -> None:
        first = MemoryJournal(shared=True)
        journal, here = SilentJournal(first), opened(first.another())
        await here.transact(creates("app"), silent)
        there = opened(journal)
        there.follow()
        await journal.look()
        journal._held.last = 0
        first._held.entries.clear()
        journal.looks += 1
        with journal.changed:
            journal.changed.notify_all()
        with there.subscribe() as changes, pytest.raises(Exception, match="older copy"):
            await asyncio.wait_for(anext(changes), 30)
        assert "older copy" in there.failure
        with pytest.raises(Fault, match="ServiceUnavailable"):
            await there.current()
        await there.close()
        await here.close()

    run(story())


def test_what_was_written_elsewhere_is_waited_for() -> None:
    async def story() -> None:
        async with nodes() as two:
            await two.here.transact(creates("app"), silent)
            assert names(await two.there.reached(1)) == {"app"}
            assert names(await two.there.reached(0)) == {"app"}

    run(story())


def test_nobody_waits_for_what_the_journal_does_not_have() -> None:
    async def story() -> None:
        async with nodes() as two:
            assert (await two.there.reached(10**18)).sequence == 0
            assert two.there.failure == ""

    run(story())


def test_nobody_waits_for_a_dead_journal_beyond_the_bound() -> None:
    async def story() -> None:
        async with nodes(replace(HASTY, stale=0.001)) as two:
            two.journal.die()
            with pytest.raises(Fault, match="ServiceUnavailable"):
                await two.there.reached(1)

    run(story())


def test_a_follower_of_a_file_confirms_its_state_without_the_loop(tmp_path: Path) -> None:
    """A loop that is busy for long, with nothing changed meanwhile, leaves the state as fresh as it was."""

    async def story() -> None:
        here, there = (SqliteJournal.open(tmp_path / "data", shared=True, poll=0.001) for _ in range(2))
        limits = replace(HASTY, follow=0.001)
        ledgers = [Ledger.open(journal, lambda: NOW, limits) for journal in (here, there)]
        for ledger in ledgers:
            ledger.follow()
        before = ledgers[1].age
        while ledgers[1].age >= before:  # without giving the loop a turn
            pass
        assert not ledgers[1].stale
        for ledger in ledgers:
            await ledger.close()

    run(story())
