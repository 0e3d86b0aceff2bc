"""Several ledgers on one journal: each sees what the others write, and refuses nothing on what is out of date."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event as Gate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.core.errors import Fault
from locum.state import State, put
from locum.store import AlreadyCommitted, Entry, Journal, Ledger, SqliteJournal
from locum.store.checkpoint import load
from locum.store.memory import MemoryJournal
from support.ledgers import (
    QUICK,
    Made,
    SlowJournal,
    audit_row,
    audited,
    creates,
    deletes,
    history,
    names,
    opened,
    reached,
    role,
    run,
    silent,
    until,
)

Opener = Callable[[], Journal]


def memories() -> Opener:
    """Handles of one journal in memory."""
    first = MemoryJournal(shared=True)
    return first.another


@pytest.fixture(params=["memory", "sqlite"])
def handle(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """Opens one more handle of the same journal."""
    return memories() if request.param == "memory" else lambda: SqliteJournal.open(tmp_path / "data", shared=True)


async def closed(*ledgers: Ledger) -> None:
    for ledger in ledgers:
        await ledger.close()


def test_what_another_ledger_writes_is_seen_without_writing(handle: Opener) -> None:
    async def story() -> None:
        here, there = opened(handle()), opened(handle())
        there.follow()
        for n in range(1, 4):
            await here.transact(creates(f"r{n}"), silent)
            assert await reached(there, n) == here.state
        await closed(here, there)

    run(story())


def test_calls_that_are_recorded_without_end_keep_nobody_from_seeing_what_others_write(handle: Opener) -> None:
    async def story() -> None:
        here, there = opened(handle()), opened(handle())
        there.follow()
        recording = asyncio.create_task(without_end(there))
        for n in range(1, 4):
            await here.transact(creates(f"r{n}"), silent)
            assert await reached(there, n) == here.state
        recording.cancel()
        await closed(here, there)

    run(story())


def test_changes_of_others_without_end_keep_no_record_from_being_written(handle: Opener) -> None:
    async def story() -> None:
        here, there = opened(handle()), opened(handle())
        there.follow()
        changing = asyncio.create_task(changes_without_end(here))
        for n in range(3):
            there.record(audit_row(f"e{n}"))
            await asyncio.wait_for(there.flush(), 30)
        changing.cancel()
        await closed(there, here)

    run(story())


async def without_end(ledger: Ledger) -> None:
    """Record a call whenever the one before it was written."""
    with ledger.recording() as written:
        for n in itertools.count():
            ledger.record(audit_row(f"e{n}"))
            await written.wait()
            written.clear()


async def changes_without_end(ledger: Ledger) -> None:
    for n in itertools.count():
        await ledger.transact(creates(f"r{n}"), silent)


def test_a_ledger_that_does_not_follow_still_refuses_nothing_that_is_out_of_date(handle: Opener) -> None:
    async def story() -> None:
        here, there = opened(handle()), opened(handle())
        await here.transact(creates("app"), audited)
        assert there.state == State()
        await there.transact(deletes("app"), audited)
        assert names(there.state) == set()
        with pytest.raises(Fault, match="NoSuchEntity"):
            await here.transact(deletes("app"), audited)
        assert here.state == there.state
        await closed(here, there)

    run(story())


def test_a_refusal_is_recorded_once_as_it_is_answered() -> None:
    async def story() -> None:
        another = memories()
        journal = another()
        here, there = opened(journal), opened(another())
        await here.transact(creates("app"), audited)
        with pytest.raises(Fault, match="EntityAlreadyExists"):
            await there.transact(creates("app"), audited)
        await there.transact(creates("web"), audited)
        with pytest.raises(Fault, match="EntityAlreadyExists"):
            await here.transact(creates("web"), audited)
        assert isinstance(journal, MemoryJournal)
        assert history(journal) == ["app", "EntityAlreadyExists", "web", "EntityAlreadyExists"]
        await closed(here, there)

    run(story())


def test_that_nothing_is_to_be_done_is_answered_on_a_current_state_too(handle: Opener) -> None:
    """AttachRolePolicy of what is attached changes nothing: unless it was detached by way of another node."""

    def described(state: State) -> Made:
        """Creates the role where it is not there."""
        return Made("app", () if names(state) else (put(role("app")),))

    async def story() -> None:
        here, there = opened(handle()), opened(handle())
        await here.transact(creates("app"), silent)
        await there.transact(deletes("app"), silent)
        await here.transact(described, silent)
        assert names(here.state) == {"app"}
        await closed(here, there)

    run(story())


def test_the_current_state_has_what_was_written_before_it_was_asked_for(handle: Opener) -> None:
    async def story() -> None:
        here, there = opened(handle()), opened(handle())
        assert await there.current() is there.state
        for n in range(1, 4):
            await here.transact(creates(f"r{n}"), silent)
            assert await there.current() == here.state
        await closed(here, there)

    run(story())


def test_an_exclusive_journal_is_not_asked_whether_the_state_is_current() -> None:
    class Alone(MemoryJournal):
        def last(self) -> int:
            raise AssertionError("asked")

    async def story() -> None:
        ledger = opened(Alone())
        ledger.follow()
        assert await ledger.current() is ledger.state
        with pytest.raises(Fault, match="NoSuchEntity"):
            await ledger.transact(deletes("app"), audited)
        await ledger.close()

    run(story())


def test_a_ledger_that_fell_behind_what_is_kept_begins_anew_with_the_checkpoint(handle: Opener) -> None:
    async def story() -> None:
        here = opened(handle(), replace(QUICK, checkpoint=5, keep=1))
        there = opened(handle())
        for n in range(1, 30):
            await here.transact(creates(f"r{n}"), silent)
        await here.close()
        with pytest.raises(Fault, match="EntityAlreadyExists"):
            await there.transact(creates("r1"), silent)
        assert names(there.state) == names(here.state)
        await there.transact(creates("more"), silent)
        assert there.state.sequence == 30
        await there.close()

    run(story())


def test_two_ledgers_that_compact_in_turn_lose_nothing(handle: Opener) -> None:
    async def story() -> None:
        often = replace(QUICK, checkpoint=7, keep=3)
        ledgers = [opened(handle(), often), opened(handle(), often)]
        for ledger in ledgers:
            ledger.follow()
        calls = (ledgers[n % 2].transact(creates(f"r{n}"), audited) for n in range(60))
        await asyncio.gather(*calls)
        states = [await reached(ledger, 60) for ledger in ledgers]
        await closed(*ledgers)
        journal = handle()
        assert states[0] == states[1] == load(journal)
        saved = journal.checkpoint()
        assert saved is not None
        assert saved[0] >= 7
        assert len(journal.scan(0, 100)) == 60
        journal.close()

    run(story())


def test_what_is_written_while_a_ledger_catches_up_is_not_missed() -> None:
    class Overtaken(MemoryJournal):
        """Another entry comes after the first ones were read, and is heard of before they are applied."""

        def read(self, after: int) -> Iterator[Entry]:
            found = list(super().read(after))
            if after == 0 and found:
                other.append([Entry(2, 1.0, b"[]")], [], 1)
                assert heard.wait(30)
            return iter(found)

    heard = Gate()
    journal = Overtaken(shared=True)
    other = journal.another()

    async def story() -> None:
        ledger = opened(journal)
        ledger.follow()
        with ledger.subscribe() as changes:
            other.append([Entry(1, 1.0, b"[]")], [], 0)
            while ledger._writer._known < 2:  # noqa: ASYNC110 - there is nothing to wait for but the loop
                await asyncio.sleep(0)
            heard.set()
            assert [(await asyncio.wait_for(anext(changes), 30)).sequence for _ in range(2)] == [1, 2]
        await ledger.close()

    run(story())


def test_following_ends_for_good_where_an_entry_cannot_be_read(handle: Opener) -> None:
    async def story() -> None:
        journal, ledger = handle(), opened(handle())
        ledger.follow()
        with ledger.subscribe() as changes:
            journal.append([Entry(1, 1.0, b"[]", format=99)], [], 0)
            with pytest.raises(Exception, match="newer Locum"):
                await asyncio.wait_for(anext(changes), 30)
        with pytest.raises(Fault, match="ServiceUnavailable"):
            await ledger.transact(creates("app"), silent)
        assert "newer Locum" in ledger.failure
        await ledger.close()
        journal.close()

    run(story())


def test_a_call_that_comes_again_with_its_id_is_done_once_wherever_it_comes(handle: Opener) -> None:
    async def story() -> None:
        here, there = opened(handle()), opened(handle())
        await here.transact(creates("first"), silent)
        await here.transact(creates("app"), audited, "call-1")
        for ledger in (there, here):
            with pytest.raises(AlreadyCommitted) as again:
                await ledger.transact(creates("app-again"), audited, "call-1")
            assert again.value.sequence == 2
            assert await ledger.committed("call-1") == 2
        assert await there.committed("call-2") is None
        assert names(await there.current()) == {"first", "app"}
        await closed(here, there)

    run(story())


def test_the_same_call_made_many_times_at_once_is_done_once(handle: Opener) -> None:
    async def story() -> None:
        ledgers = [opened(handle()), opened(handle())]
        calls = [ledgers[n % 2].transact(creates(f"r{n}"), audited, "call") for n in range(8)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert sorted(type(result).__name__ for result in results) == ["AlreadyCommitted"] * 7 + ["Made"]
        assert [len(names(await ledger.current())) for ledger in ledgers] == [1, 1]
        await closed(*ledgers)

    run(story())


@pytest.mark.parametrize("when", ["gathering", "on its way"])
def test_a_call_with_an_id_whose_caller_went_away_is_still_done_once(when: str) -> None:
    async def story() -> None:
        journal = SlowJournal()
        ledger = opened(journal)
        ran = asyncio.Event()

        def handler(state: State) -> Made:
            ran.set()
            return creates("app")(state)

        if when == "gathering":
            first = asyncio.create_task(ledger.transact(creates("first"), silent))
            await until(journal.started)
        gone = asyncio.create_task(ledger.transact(handler, silent, "call"))
        await ran.wait()
        if when == "on its way":
            await until(journal.started)
        gone.cancel()
        again = asyncio.create_task(ledger.transact(creates("app"), silent, "call"))
        journal.gate.set()
        (result,) = await asyncio.gather(again, return_exceptions=True)
        assert isinstance(result, Made | AlreadyCommitted)
        if when == "gathering":
            await first
        await ledger.flush()
        assert [entry.call_id for entry in journal.entries if entry.call_id] == ["call"]
        assert "app" in names(ledger.state)
        await ledger.close()

    run(story())


calls = st.tuples(
    st.integers(0, 1), st.sampled_from(["create", "delete", "current", "record"]), st.sampled_from(["a", "b", "c"])
)


class Told:
    """What two ledgers answered; the calls that changed something, in the order of the journal, explain it all."""

    def __init__(self, ledgers: list[Ledger]) -> None:
        self.ledgers = ledgers
        self.created = self.deleted = 0

    async def call(self, node: int, what: str, name: str) -> None:
        ledger = self.ledgers[node]
        with suppress(Fault):
            if what == "create":
                await ledger.transact(creates(name), audited)
                self.created += 1
            elif what == "delete":
                await ledger.transact(deletes(name), audited)
                self.deleted += 1
            elif what == "current":
                await ledger.current()
            else:
                await ledger.flush()


async def interleaved(handle: Opener, groups: list[list[tuple[int, str, str]]], *, follow: bool) -> None:
    ledgers = [opened(handle(), replace(QUICK, checkpoint=4, keep=2)) for _ in range(2)]
    if follow:
        for ledger in ledgers:
            ledger.follow()
    told = Told(ledgers)
    for group in groups:
        before = names(await ledgers[0].current())
        await asyncio.gather(*(told.call(*call) for call in group))
        if len(group) == 1:
            explained(before, group[0], names(await ledgers[0].current()))
    states = [await ledger.current() for ledger in ledgers]
    await closed(*ledgers)
    journal = handle()
    assert states[0] == states[1] == load(journal)
    assert states[0].sequence == journal.last() == told.created + told.deleted
    assert len(names(states[0])) == told.created - told.deleted
    journal.close()


def explained(before: set[str], call: tuple[int, str, str], after: set[str]) -> None:
    """A call that is alone does what it says on what is true, whichever ledger it is made of."""
    _, what, name = call
    expected = {"create": before | {name}, "delete": before - {name}}.get(what, before)
    assert after == expected


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(calls, min_size=1, max_size=5), max_size=8), st.booleans())
def test_any_interleaving_of_two_ledgers_gives_one_dense_sequence_and_equal_states(
    groups: list[list[tuple[int, str, str]]], follow: bool
) -> None:
    run(interleaved(memories(), groups, follow=follow))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(calls, min_size=1, max_size=5), max_size=6), st.booleans())
def test_any_interleaving_of_two_ledgers_on_a_file_does_too(
    groups: list[list[tuple[int, str, str]]], follow: bool
) -> None:
    with TemporaryDirectory() as directory:
        run(interleaved(lambda: SqliteJournal.open(Path(directory) / "data", shared=True), groups, follow=follow))
