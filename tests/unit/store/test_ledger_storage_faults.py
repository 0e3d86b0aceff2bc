"""Storage that does not work for a while ends nothing for good; storage that failed ends everything."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.core.errors import Fault, PassingStorageError, StorageError
from locum.state import State, encode, put
from locum.store import AuditQuery, AuditRow, Entry, Ledger, Limits, SqliteJournal
from locum.store.checkpoint import load, parts
from locum.store.memory import MemoryJournal
from support.ledgers import (
    NEVER,
    QUICK,
    Made,
    audit_row,
    audited,
    creates,
    history,
    names,
    opened,
    role,
    run,
    silent,
)

ONCE = replace(QUICK, retries=0, delay=NEVER, probe=NEVER)


class FaultyJournal(MemoryJournal):
    """A disk that fails as `plan` says, write by write: `down` before it, `lost` after it was done.

    While `down` is set nothing works. `meanwhile` is what others do before the one who writes learns of the fault.
    """

    def __init__(self, *plan: str, shared: bool = False) -> None:
        super().__init__(shared=shared)
        self.plan = list(plan)
        self.down = False
        self.meanwhile: Callable[[], None] = lambda: None

    def append(self, batch: Sequence[Entry], audit: Sequence[AuditRow], expected: int, batch_id: str = "") -> None:
        def write() -> None:
            MemoryJournal.append(self, batch, audit, expected, batch_id)

        self._written(write)

    def record(self, rows: Sequence[AuditRow]) -> None:
        self._written(lambda: MemoryJournal.record(self, rows))

    def read(self, after: int) -> Iterator[Entry]:
        self._up()
        return super().read(after)

    def settled(self, known_by: str) -> int | None:
        self._up()
        return super().settled(known_by)

    def _written(self, write: Callable[[], None]) -> None:
        self._up()
        step = self.plan.pop(0) if self.plan else "works"
        if step != "down":
            write()
        if step == "lost, then down":
            self.down = True
        if step != "works":
            self.meanwhile()
            raise PassingStorageError("database is locked")

    def _up(self) -> None:
        if self.down:
            raise PassingStorageError("disk is full")


def written(name: str, sequence: int) -> list[Entry]:
    """The entry of another handle that creates a role."""
    return [Entry(sequence, 1.0, encode([put(role(name))]))]


async def unavailable(ledger: Ledger, name: str) -> None:
    with pytest.raises(Fault) as refused:
        await ledger.transact(creates(name), audited)
    assert (refused.value.code, refused.value.status) == ("ServiceUnavailable", 503)
    assert refused.value.message == "The request has failed due to a temporary failure of the server."


def test_a_fault_that_passes_is_not_noticed() -> None:
    async def story() -> None:
        journal = FaultyJournal("down", "down", "down", "down")
        ledger = opened(journal)
        await ledger.transact(creates("app"), audited)
        assert (ledger.failure, ledger.state, history(journal)) == ("", load(journal), ["app"])
        await ledger.close()

    run(story())


def test_a_commit_whose_answer_was_lost_is_not_done_twice() -> None:
    async def story() -> None:
        ran: list[State] = []

        def handler(state: State) -> Made:
            ran.append(state)
            return creates("app")(state)

        journal = FaultyJournal("lost", "lost", "lost")
        ledger = opened(journal)
        made = await ledger.transact(handler, audited)
        assert (made.name, len(ran), history(journal), len(journal.entries)) == ("app", 1, ["app"], 1)
        await ledger.transact(creates("web"), audited)
        assert ledger.state == load(journal)
        await ledger.close()

    run(story())


def test_a_commit_whose_answer_was_lost_settles_even_when_another_handle_went_on() -> None:
    async def story() -> None:
        journal = FaultyJournal("lost", shared=True)
        journal.meanwhile = lambda: journal.another().append(written("web", 2), [], 1)
        ledger = opened(journal)
        made = await ledger.transact(creates("app"), audited)
        assert (made.name, history(journal)) == ("app", ["app"])
        assert names(await ledger.current()) == {"app", "web"}
        await ledger.close()

    run(story())


def test_storage_that_is_down_for_longer_refuses_its_callers_and_nobody_after_it_works_again() -> None:
    async def story() -> None:
        journal = FaultyJournal()
        ledger = opened(journal, replace(QUICK, retries=2, probe=NEVER))
        journal.down = True
        await asyncio.gather(*(unavailable(ledger, f"r{n}") for n in range(3)))
        await unavailable(ledger, "again")
        assert ledger.state == State()
        assert ledger.failure == "disk is full"
        journal.down = False
        await ledger.transact(creates("app"), audited)
        assert (ledger.failure, names(ledger.state), history(journal)) == ("", {"app"}, ["app"])
        await ledger.close()

    run(story())


def test_what_was_built_on_a_batch_that_is_lost_is_refused_with_it() -> None:
    async def story() -> None:
        journal = FaultyJournal("down")
        ledger = opened(journal, ONCE)
        first = asyncio.create_task(unavailable(ledger, "first"))
        await asyncio.sleep(0)
        await asyncio.gather(first, *(unavailable(ledger, f"r{n}") for n in range(3)))
        assert journal.entries == []
        await ledger.transact(creates("r1"), audited)
        assert ledger.state == load(journal)
        await ledger.close()

    run(story())


def test_what_became_of_a_lost_commit_is_found_out_before_the_next_call_is_taken() -> None:
    async def story() -> None:
        journal = FaultyJournal("lost, then down")
        ledger = opened(journal, ONCE)
        ledger.record(audit_row("read"))
        await unavailable(ledger, "app")
        assert ledger.state == State()
        journal.down = False
        with pytest.raises(Fault, match="EntityAlreadyExists"):
            await ledger.transact(creates("app"), audited)
        assert (names(ledger.state), ledger.state) == ({"app"}, load(journal))
        assert history(journal) == ["read", "app", "EntityAlreadyExists"]
        await ledger.close()

    run(story())


def test_rows_that_were_to_go_with_a_lost_batch_are_written_with_the_next() -> None:
    async def story() -> None:
        journal = FaultyJournal("down")
        ledger = opened(journal, ONCE)
        ledger.record(lambda: audit_row("read"))
        await unavailable(ledger, "app")
        await ledger.transact(creates("web"), audited)
        assert history(journal) == ["read", "web"]
        await ledger.close()

    run(story())


def test_a_row_is_made_once_however_often_it_is_written() -> None:
    async def story() -> None:
        journal = FaultyJournal("lost", "down")
        ledger = opened(journal, replace(QUICK, delay=NEVER))
        numbers = count(1)
        ledger.record(lambda: audit_row(f"made-{next(numbers)}"))
        await ledger.flush()
        assert history(journal) == ["made-1", "made-1"]
        ledger.record(lambda: audit_row(f"made-{next(numbers)}"))
        journal.plan = ["down", "lost"]
        await ledger.transact(creates("app"), silent)
        assert history(journal) == ["made-1", "made-1", "made-2"]
        await ledger.close()

    run(story())


def test_nothing_is_answered_that_cannot_be_recorded_for_a_while() -> None:
    async def story() -> None:
        journal = FaultyJournal()
        ledger = opened(journal, replace(ONCE, probe=0.0))
        journal.down = True
        ledger.record(audit_row("before"))
        with pytest.raises(Fault, match="ServiceUnavailable"):
            await ledger.flush()
        with pytest.raises(Fault, match="ServiceUnavailable"):
            ledger.record(audit_row("meanwhile"))
        journal.down = False
        await ledger.flush()
        ledger.record(audit_row("after"))
        await ledger.flush()
        assert history(journal) == ["before", "after"]
        await ledger.close()

    run(story())


def test_storage_is_tried_again_though_nobody_calls() -> None:
    async def story() -> None:
        journal = FaultyJournal("down", "down", "down")
        ledger = opened(journal, replace(ONCE, probe=0.0))
        ledger.record(audit_row("read"))
        with pytest.raises(Fault, match="ServiceUnavailable"):
            await ledger.flush()
        with ledger.subscribe() as changes:
            waiting = asyncio.ensure_future(anext(changes))
            while ledger.failure or not journal.rows:  # noqa: ASYNC110 - there is nothing to wait for but the loop
                await asyncio.sleep(0)
            waiting.cancel()
        assert history(journal) == ["read"]
        await ledger.close()

    run(story())


def test_storage_that_can_be_read_and_not_written_is_still_no_storage(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        journal = FaultyJournal(*["down"] * 50)
        ledger = opened(journal, replace(ONCE, probe=0.0))
        ledger.record(audit_row("read"))
        with pytest.raises(Fault, match="ServiceUnavailable"):
            await ledger.flush()
        refused = 0
        while journal.plan:
            with suppress(Fault):
                ledger.record(audit_row("meanwhile"))
                raise AssertionError("answered")
            refused += 1
            await asyncio.sleep(0)
        while ledger.failure:  # noqa: ASYNC110 - there is nothing to wait for but the loop
            await asyncio.sleep(0)
        assert (refused > 40, history(journal)) == (True, ["read"])
        assert [record.message for record in caplog.records] == [
            "storage does not work, calls are refused until it does: database is locked",
            "storage works again",
        ]
        await ledger.close()

    run(story())


def test_a_full_buffer_refuses_while_storage_is_down_and_loses_nothing() -> None:
    async def story() -> None:
        journal = FaultyJournal()
        ledger = opened(journal, replace(ONCE, buffer=3, rows=10_000))
        journal.down = True
        ledger.record(audit_row("1"))
        ledger.record(audit_row("2"))
        for _ in range(2):
            with pytest.raises(Fault, match="ServiceUnavailable"):
                ledger.record(audit_row("3"))
        journal.down = False
        await ledger.flush()
        assert history(journal) == ["1", "2", "3"]
        await ledger.close()

    run(story())


def test_a_look_up_is_refused_while_storage_is_down() -> None:
    async def story() -> None:
        journal = FaultyJournal()
        ledger = opened(journal)
        journal.down = True
        with pytest.raises(Fault, match="ServiceUnavailable"):
            await ledger.committed("call")
        journal.down = False
        assert await ledger.committed("call") is None
        await ledger.close()

    run(story())


def test_a_ledger_closes_though_storage_is_down_and_says_that_something_is_lost() -> None:
    async def story() -> None:
        journal = FaultyJournal()
        ledger = opened(journal, replace(QUICK, delay=NEVER))
        journal.down = True
        ledger.record(audit_row("read"))
        with pytest.raises(Fault, match="ServiceUnavailable"):
            await ledger.close()
        await ledger.close()
        with pytest.raises(Fault, match="ServiceUnavailable"):
            await ledger.transact(creates("app"), audited)

    run(story())


def test_when_nobody_can_know_what_became_of_a_batch_its_callers_are_told_no_outcome() -> None:
    """While the first write gets no answer, another handle writes and compacts all there is."""

    async def story() -> None:
        journal = FaultyJournal("down", shared=True)

        def meanwhile() -> None:
            other = journal.another()
            other.append([*written("a", 1), *written("b", 2)], [], 0)
            other.save_checkpoint(2, list(parts(load(other))))

        journal.meanwhile = meanwhile
        ledger = opened(journal)
        with pytest.raises(Fault, match="InternalFailure"):
            await ledger.transact(creates("app"), audited)
        assert (names(ledger.state), ledger.failure) == ({"a", "b"}, "")
        await ledger.transact(creates("app"), audited)
        assert ledger.state.sequence == 3
        await ledger.close()

    run(story())


def test_housekeeping_that_finds_storage_busy_is_done_later() -> None:
    class Busy(MemoryJournal):
        refused = 2

        def maintain(self, now: float) -> bool:
            self.refused -= 1
            if self.refused >= 0:
                raise PassingStorageError("database is locked")
            return super().maintain(now)

        def save_checkpoint(self, *_: object, **__: object) -> int:
            raise PassingStorageError("database is locked")

    async def story() -> None:
        journal = Busy()
        limits = Limits(retries=0, backoff=0.0, pause=0.0, maintenance=1, checkpoint=1, keep=0)
        ledger = opened(journal, limits)
        for n in range(20):
            await ledger.transact(creates(f"r{n}"), audited)
        while journal.refused >= 0:  # noqa: ASYNC110 - there is nothing to wait for but the loop
            await asyncio.sleep(0)
        assert (ledger.failure, ledger.state) == ("", load(journal))
        await ledger.close()

    run(story())


@pytest.fixture
def held(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Another program's connection to the file of a journal in `tmp_path`."""
    SqliteJournal.open(tmp_path / "data").close()
    connection = sqlite3.connect(tmp_path / "data" / "locum.db", isolation_level=None)
    yield connection
    connection.close()


def test_a_file_that_another_program_locks_is_waited_for(tmp_path: Path, held: sqlite3.Connection) -> None:
    async def story() -> None:
        ledger = opened(SqliteJournal.open(tmp_path / "data", patience=0.0), replace(QUICK, probe=NEVER))
        held.execute("BEGIN IMMEDIATE")
        await unavailable(ledger, "app")
        assert "locked" in ledger.failure
        held.execute("ROLLBACK")
        await ledger.transact(creates("app"), audited)
        found = await ledger.read(lambda: ledger._journal.find(AuditQuery()))
        assert [row.data for row in found] == [b"app"]
        await ledger.close()

    run(story())


def test_a_disk_that_was_full_is_written_to_when_it_is_not(tmp_path: Path) -> None:
    async def story() -> None:
        journal = SqliteJournal.open(tmp_path / "data")
        ledger = opened(journal, replace(QUICK, probe=NEVER))
        await ledger.transact(creates("first"), audited)
        (pages,) = journal._writer.execute("PRAGMA page_count").fetchone()
        journal._writer.execute(f"PRAGMA max_page_count = {pages}")
        large = Made("large", (creates("large")(State()).events * 50))
        with pytest.raises(Fault, match="ServiceUnavailable"):
            await ledger.transact(lambda _: large, audited)
        assert "full" in ledger.failure
        journal._writer.execute("PRAGMA max_page_count = 1000000")
        await ledger.transact(lambda _: large, audited)
        assert (ledger.failure, ledger.state) == ("", load(journal))
        await ledger.close()

    run(story())


def test_a_file_that_is_damaged_is_no_passing_fault(tmp_path: Path) -> None:
    async def story() -> None:
        journal = SqliteJournal.open(tmp_path / "data")
        ledger = opened(journal)
        journal._writer.execute("DROP TABLE entry")
        with pytest.raises(Fault, match="InternalFailure"):
            await ledger.transact(creates("app"), audited)
        with pytest.raises(Fault, match="ServiceUnavailable"):
            await ledger.transact(creates("app"), audited)
        with pytest.raises(StorageError) as shown:
            journal.last()
        assert not isinstance(shown.value, PassingStorageError)
        await ledger.close()

    run(story())


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(["works", "down", "lost"]), max_size=20),
    st.lists(st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=4), max_size=6),
)
def test_whatever_fails_for_a_while_every_call_happens_once_or_was_refused(
    plan: list[str], groups: list[list[str]]
) -> None:
    async def story() -> None:
        journal = FaultyJournal(*plan)
        ledger = opened(journal, replace(QUICK, retries=1, probe=NEVER))
        answered: list[str] = []
        refused = 0
        for group in groups:
            calls = (ledger.transact(creates(name), silent) for name in group)
            for result in await asyncio.gather(*calls, return_exceptions=True):
                if isinstance(result, Made):
                    answered.append(result.name)
                else:
                    assert isinstance(result, Fault)
                    refused += result.code == "ServiceUnavailable"
        journal.plan.clear()
        await ledger.flush()
        assert len(answered) == len(set(answered))
        assert set(answered) <= names(ledger.state)
        assert len(names(ledger.state)) == ledger.state.sequence <= len(answered) + refused
        assert ledger.state == load(journal)
        await ledger.close()

    run(story())
