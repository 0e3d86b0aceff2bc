"""Subscribers see every change once, in order, whoever made it, and nobody waits for them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.state import State, apply, put
from locum.store import Change, Ledger, Reloaded, Subscription
from locum.store.memory import MemoryJournal
from support.ledgers import QUICK, at_rest, audit_row, creates, names, opened, role, run, silent


async def taken(changes: Subscription, count: int) -> list[Change]:
    """The next changes, none of which is a new beginning."""
    found = [await asyncio.wait_for(anext(changes), 30) for _ in range(count)]
    assert not any(isinstance(change, Reloaded) for change in found)
    return [change for change in found if isinstance(change, Change)]


async def make(ledger: Ledger, *created: str) -> None:
    """Create roles, all in one batch."""
    await asyncio.gather(*(ledger.transact(creates(name), silent) for name in created))


def test_each_change_comes_with_its_events_and_the_state_after_it() -> None:
    async def story() -> None:
        ledger = opened(MemoryJournal())
        with ledger.subscribe() as changes:
            await make(ledger, "a", "b")
            await make(ledger, "c")
            found = await taken(changes, 3)
        assert [change.sequence for change in found] == [1, 2, 3]
        assert [change.events for change in found] == [(put(role(name)),) for name in "abc"]
        assert [names(change.state) for change in found] == [{"a"}, {"a", "b"}, {"a", "b", "c"}]
        assert found[-1].state is ledger.state
        await ledger.close()

    run(story())


def test_a_call_that_changes_nothing_is_no_change() -> None:
    async def story() -> None:
        ledger = opened(MemoryJournal())
        with ledger.subscribe() as changes:
            await ledger.current()
            await ledger.flush()
            await make(ledger, "a")
            assert [change.sequence for change in await taken(changes, 1)] == [1]
        await ledger.close()

    run(story())


def test_a_subscriber_goes_on_where_it_was() -> None:
    async def story() -> None:
        ledger = opened(MemoryJournal())
        await make(ledger, "a")
        seen = ledger.state
        await make(ledger, "b", "c")
        with ledger.subscribe(seen) as changes:
            assert [change.sequence for change in await taken(changes, 2)] == [2, 3]
            await make(ledger, "d")
            assert (await taken(changes, 1))[0].state is ledger.state
        await ledger.close()

    run(story())


def test_a_slow_subscriber_holds_nobody_up_costs_no_memory_and_loses_nothing() -> None:
    async def story() -> None:
        ledger = opened(MemoryJournal(), replace(QUICK, recent=5))
        with ledger.subscribe() as slow, ledger.subscribe() as quick:
            for n in range(40):
                await make(ledger, f"r{n}")
                await taken(quick, 1)
            assert len(ledger._writer.subscriptions._recent) == 5
            found = await taken(slow, 40)
        assert [change.sequence for change in found] == list(range(1, 41))
        assert [len(names(change.state)) for change in found] == list(range(1, 41))
        await ledger.close()

    run(story())


def test_one_that_fell_behind_what_is_kept_is_told_where_to_begin_anew() -> None:
    async def story() -> None:
        ledger = opened(MemoryJournal(), replace(QUICK, recent=2, checkpoint=5, keep=1))
        with ledger.subscribe() as changes:
            for n in range(20):
                await make(ledger, f"r{n}")
            await at_rest(ledger)
            assert await anext(changes) == Reloaded(20, ledger.state)
            await make(ledger, "more")
            assert [change.sequence for change in await taken(changes, 1)] == [21]
        await ledger.close()

    run(story())


def test_changes_of_other_handles_come_in_their_place() -> None:
    async def story() -> None:
        journal = MemoryJournal(shared=True)
        here, there = opened(journal), opened(journal.another())
        here.follow()
        with here.subscribe() as changes:
            for n in range(0, 10, 2):
                await make(here, f"r{n}")
                await make(there, f"r{n + 1}")
            found = await taken(changes, 10)
        assert [change.sequence for change in found] == list(range(1, 11))
        assert [change.events for change in found] == [(put(role(f"r{n}")),) for n in range(10)]
        for ledger in (here, there):
            await ledger.close()

    run(story())


def test_a_subscription_ends_with_its_ledger_after_what_is_in_memory() -> None:
    async def story() -> None:
        ledger = opened(MemoryJournal())
        changes = ledger.subscribe()
        waiting = asyncio.create_task(anext(changes))
        await make(ledger, "a")
        assert (await waiting).sequence == 1
        await make(ledger, "b")
        await ledger.close()
        assert [change.sequence async for change in changes] == [2]

    run(story())


def test_nothing_is_kept_for_subscribers_that_left() -> None:
    async def story() -> None:
        ledger = opened(MemoryJournal())
        with ledger.subscribe():
            await make(ledger, "a")
        await make(ledger, "b")
        assert not ledger._writer.subscriptions._recent
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(ledger.subscribe()), 0)
        await ledger.close()

    run(story())


moves = st.one_of(
    st.tuples(st.just("make"), st.integers(1, 4)),
    st.tuples(st.just("take"), st.integers(1, 6)),
    st.tuples(st.sampled_from(["leave and come", "join while gathering"]), st.integers(1, 3)),
)


class Reader:
    """A subscriber that checks what it is told against what it knows."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.state = State()
        self.changes = ledger.subscribe(self.state)

    async def take(self, count: int) -> None:
        for _ in range(min(count, self.ledger.state.sequence - self.state.sequence)):
            found = await anext(self.changes)
            if isinstance(found, Change):
                assert found.state == apply(self.state, found.events, found.sequence)
            else:
                assert found == (self.ledger.state.sequence, self.ledger.state)
            self.state = found.state
            if self.state.sequence == self.ledger.state.sequence:
                return

    def renew(self) -> None:
        self.changes.close()
        self.changes = self.ledger.subscribe(self.state)


@settings(max_examples=150, deadline=None)
@given(st.lists(moves, max_size=20), st.integers(1, 6), st.sampled_from([3, 1000]))
def test_whatever_its_pace_a_subscriber_is_told_everything_once(
    story: list[tuple[str, int]], recent: int, kept: int
) -> None:
    async def told() -> None:
        ledger = opened(MemoryJournal(), replace(QUICK, recent=recent, checkpoint=kept, keep=1))
        reader, made = Reader(ledger), 0
        for what, count in story:
            if what == "take":
                await reader.take(count)
                continue
            calls = [asyncio.ensure_future(make(ledger, f"r{made + n}")) for n in range(count)]
            if what == "join while gathering":
                for _ in range(2):
                    await asyncio.sleep(0)
                    reader.renew()
            await asyncio.gather(*calls)
            made += count
            if what == "leave and come":
                reader.renew()
        await reader.take(made)
        assert (reader.state, len(names(reader.state))) == (ledger.state, made)
        await ledger.close()

    run(told())


def test_whoever_waits_for_audit_rows_is_told_when_they_are_written_and_of_nothing_else() -> None:
    async def story() -> None:
        ledger = opened(MemoryJournal())
        with ledger.recording() as bell:
            await make(ledger, "a")
            await ledger.flush()
            assert not bell.is_set()  # a change without a row
            ledger.record(audit_row("read"))
            await ledger.flush()
            assert bell.is_set()
            bell.clear()
        ledger.record(audit_row("later"))
        await ledger.flush()
        assert not bell.is_set()
        await ledger.close()

    run(story())
