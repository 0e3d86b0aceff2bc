"""The ledger's promises: durable before it is visible, together or not at all, closed when storage fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from threading import Event as Gate

import pytest

from locum.core.errors import Fault, StorageError
from locum.state import Role, State, remove
from locum.store import AuditQuery, AuditRow, Entry, Limits, SqliteJournal
from locum.store.checkpoint import load
from locum.store.memory import MemoryJournal
from support.ledgers import (
    ACCOUNT,
    NEVER,
    Made,
    SlowJournal,
    audit_row,
    audited,
    creates,
    history,
    opened,
    role,
    run,
    silent,
    until,
)


class BrokenJournal(MemoryJournal):
    """A disk that is full: everything that is written fails."""

    def append(self, batch: Sequence[Entry], audit: Sequence[AuditRow], expected: int, batch_id: str = "") -> None:
        raise StorageError("no space left on device")

    def record(self, rows: Sequence[AuditRow]) -> None:
        raise StorageError("no space left on device")


def test_an_answer_comes_after_its_events_and_its_audit_row_are_stored() -> None:
    async def story() -> None:
        journal = MemoryJournal()
        ledger = opened(journal)
        made = await ledger.transact(creates("app"), audited)
        assert made.name == "app"
        assert load(journal) == ledger.state
        assert ledger.state.get(Role, ACCOUNT, "app") is not None
        assert history(journal) == ["app"]
        await ledger.close()

    run(story())


def test_nothing_is_visible_before_it_is_durable() -> None:
    async def story() -> None:
        journal = SlowJournal()
        ledger = opened(journal)
        call = asyncio.create_task(ledger.transact(creates("app"), silent))
        await until(journal.started)
        assert ledger.state == State()
        assert not call.done()
        journal.gate.set()
        await call
        assert ledger.state.sequence == 1
        await ledger.close()

    run(story())


def test_calls_that_wait_go_to_the_disk_together_each_seeing_the_one_before() -> None:
    async def story() -> None:
        journal = SlowJournal()
        ledger = opened(journal)
        first = asyncio.create_task(ledger.transact(creates("first"), silent))
        await until(journal.started)
        names = ["a", "b", "a", "first", "c"]
        calls = [asyncio.create_task(ledger.transact(creates(name), audited)) for name in names]
        await asyncio.sleep(0)
        journal.gate.set()
        results = await asyncio.gather(first, *calls, return_exceptions=True)
        assert journal.batches == [1, 3]
        assert [isinstance(result, Fault) for result in results] == [False, False, False, True, True, False]
        assert [entry.sequence for entry in journal.entries] == [1, 2, 3, 4]
        assert history(journal) == ["a", "b", "EntityAlreadyExists", "EntityAlreadyExists", "c"]
        await ledger.close()

    run(story())


def test_a_call_that_changes_nothing_uses_no_sequence_number() -> None:
    async def story() -> None:
        journal = MemoryJournal()
        ledger = opened(journal)
        await ledger.transact(lambda _: Made("nothing"), audited)
        assert (journal.last(), ledger.state.sequence, history(journal)) == (0, 0, ["nothing"])
        await ledger.close()

    run(story())


def test_a_defect_in_one_handler_hurts_only_its_caller() -> None:
    def defect(_: State) -> Made:
        raise KeyError("defect")

    async def story() -> None:
        ledger = opened(MemoryJournal())
        results = await asyncio.gather(
            ledger.transact(creates("a"), silent),
            ledger.transact(defect, silent),
            ledger.transact(creates("b"), silent),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [Made, KeyError, Made]
        await ledger.close()

    run(story())


def test_a_caller_that_went_away_takes_nobody_with_it() -> None:
    async def story() -> None:
        journal = SlowJournal()
        ledger = opened(journal)
        gone = asyncio.create_task(ledger.transact(creates("gone"), silent))
        stays = asyncio.create_task(ledger.transact(creates("stays"), silent))
        await until(journal.started)
        gone.cancel()
        journal.gate.set()
        assert (await stays).name == "stays"
        assert ledger.state.get(Role, ACCOUNT, "gone") is not None
        await ledger.close()

    run(story())


def test_when_another_node_was_first_the_handler_decides_again_on_what_is_true_now() -> None:
    async def story() -> None:
        journal = MemoryJournal()
        here, there = opened(journal), opened(journal)
        await there.transact(creates("app"), audited)
        assert here.state == State()
        with pytest.raises(Fault, match="already exists"):
            await here.transact(creates("app"), audited)
        here.record(audit_row("read"))
        await here.transact(creates("other"), audited)
        assert here.state == load(journal)
        assert history(journal) == ["app", "EntityAlreadyExists", "read", "other"]
        await here.close()

    run(story())


def test_two_nodes_that_write_at_once_end_with_one_dense_journal() -> None:
    async def story() -> None:
        journal = MemoryJournal()
        nodes = [opened(journal), opened(journal)]
        await asyncio.gather(*(nodes[n % 2].transact(creates(f"role-{n}"), audited) for n in range(60)))
        assert [entry.sequence for entry in journal.entries] == list(range(1, 61))
        assert sorted(history(journal)) == sorted(f"role-{n}" for n in range(60))
        assert max((node.state for node in nodes), key=lambda state: state.sequence) == load(journal)
        for node in nodes:
            await node.close()

    run(story())


def test_when_storage_fails_the_caller_is_told_and_nothing_is_published() -> None:
    async def story() -> None:
        ledger = opened(BrokenJournal())
        with pytest.raises(Fault) as during:
            await ledger.transact(creates("app"), audited)
        assert (during.value.code, during.value.status) == ("InternalFailure", 500)
        assert "device" not in str(during.value)
        assert ledger.state == State()
        assert "no space left" in ledger.failure
        with pytest.raises(Fault) as after:
            await ledger.transact(creates("app"), audited)
        assert (after.value.code, after.value.status) == ("ServiceUnavailable", 503)
        await ledger.close()

    run(story())


def test_a_call_that_cannot_be_recorded_is_not_to_be_answered() -> None:
    async def story() -> None:
        ledger = opened(BrokenJournal(), limits=Limits(delay=NEVER))
        ledger.record(audit_row("read"))
        with pytest.raises(Fault, match="InternalFailure"):
            await ledger.flush()
        with pytest.raises(Fault, match="ServiceUnavailable"):
            ledger.record(audit_row("read"))
        await ledger.close()

    run(story())


def test_recorded_rows_wait_for_a_flush_a_full_buffer_or_the_close() -> None:
    async def story() -> None:
        journal = SlowJournal()
        ledger = opened(journal, limits=Limits(delay=NEVER, rows=10))
        ledger.record(audit_row("1"))
        assert history(journal) == []
        await ledger.flush()
        assert history(journal) == ["1"]
        journal.recorded.clear()
        for n in range(10):
            ledger.record(audit_row(f"full-{n}"))
        await until(journal.recorded)
        assert len(history(journal)) == 11
        ledger.record(audit_row("last"))
        await ledger.close()
        assert history(journal)[-1] == "last"

    run(story())


def test_recorded_rows_are_written_after_the_delay_by_themselves() -> None:
    async def story() -> None:
        journal = SlowJournal()
        ledger = opened(journal, limits=Limits(delay=0.0))
        for name in ("1", "2"):
            ledger.record(audit_row(name))
            await until(journal.recorded)
            assert history(journal)[-1] == name
        await ledger.close()

    run(story())


def test_rows_recorded_while_the_disk_is_busy_are_written_when_it_is_not() -> None:
    async def story() -> None:
        journal = SlowJournal()
        ledger = opened(journal, limits=Limits(delay=0.0))
        call = asyncio.create_task(ledger.transact(creates("app"), silent))
        await until(journal.started)
        ledger.record(audit_row("meanwhile"))
        for _ in range(5):
            await asyncio.sleep(0)
        journal.gate.set()
        await call
        await until(journal.recorded)
        assert history(journal) == ["meanwhile"]
        await ledger.close()

    run(story())


def test_memory_is_bounded_a_full_buffer_waits_for_the_disk() -> None:
    async def story() -> None:
        journal = MemoryJournal()
        ledger = opened(journal, limits=Limits(delay=NEVER, rows=10_000, buffer=5))
        for n in range(12):
            ledger.record(audit_row(str(n)))
        assert history(journal) == [str(n) for n in range(10)]
        await ledger.close()
        assert len(history(journal)) == 12

    run(story())


def test_rows_that_are_written_together_are_stored_in_the_order_of_time() -> None:
    async def story() -> None:
        journal = MemoryJournal()
        ledger = opened(journal, limits=Limits(delay=NEVER))
        ledger.record(audit_row("late", at=3.0))
        ledger.record(audit_row("early", at=2.0))
        await ledger.transact(creates("app"), lambda _: [audit_row("first", at=1.0)])
        assert history(journal) == ["first", "early", "late"]
        await ledger.close()

    run(story())


def test_a_reader_sees_what_was_recorded_before_it() -> None:
    async def story() -> None:
        journal = MemoryJournal()
        ledger = opened(journal, limits=Limits(delay=NEVER))
        ledger.record(audit_row("mine"))
        found = await ledger.read(lambda: journal.find(AuditQuery()))
        assert [row.data for row in found] == [b"mine"]
        await ledger.close()

    run(story())


def test_the_journal_is_compacted_in_the_background_and_still_makes_the_same_state(tmp_path: Path) -> None:
    async def story() -> None:
        limits = Limits(checkpoint=20, keep=5)
        ledger = opened(SqliteJournal.open(tmp_path / "data"), limits=limits)
        for start in range(0, 100, 10):
            await asyncio.gather(*(ledger.transact(creates(f"r{n}"), audited) for n in range(start, start + 10)))
        await ledger.transact(lambda _: Made("gone", (remove(role("r7")),)), audited)
        await ledger.close()
        journal = SqliteJournal.open(tmp_path / "data")
        saved = journal.checkpoint()
        assert saved is not None
        assert 20 <= saved[0] <= 101
        with pytest.raises(StorageError):
            list(journal.read(0))
        assert load(journal) == ledger.state
        journal.close()

    run(story())


def test_a_closed_ledger_takes_no_calls() -> None:
    async def story() -> None:
        ledger = opened(MemoryJournal())
        await ledger.close()
        await ledger.close()
        with pytest.raises(Fault, match="ServiceUnavailable"):
            await ledger.transact(creates("app"), audited)

    run(story())


def test_a_call_that_comes_while_the_ledger_closes_is_refused_not_forgotten() -> None:
    async def story() -> None:
        loop, ran = asyncio.get_running_loop(), Gate()
        late: list[asyncio.Task[Made]] = []

        def handler(state: State) -> Made:
            ran.set()
            return creates("late")(state)

        class LastRows(MemoryJournal):
            """While the last rows are written, somebody calls."""

            def record(self, rows: Sequence[AuditRow]) -> None:
                loop.call_soon_threadsafe(lambda: late.append(loop.create_task(ledger.transact(handler, silent))))
                assert ran.wait(30)
                super().record(rows)

        ledger = opened(LastRows(), limits=Limits(delay=NEVER))
        ledger.record(audit_row("read"))
        await ledger.close()
        with pytest.raises(Fault, match="ServiceUnavailable"):
            await late[0]

    run(story())


def test_an_entry_that_is_no_entry_is_a_storage_error_with_its_number() -> None:
    journal = MemoryJournal()
    journal.append([Entry(1, 1.0, b'[{"event":"melted"}]')], [], 0)
    with pytest.raises(StorageError, match="entry 1 is damaged"):
        opened(journal)


def test_an_entry_of_a_newer_format_is_not_guessed_at() -> None:
    journal = MemoryJournal()
    journal.append([Entry(1, 1.0, b"[]", format=99)], [], 0)
    with pytest.raises(StorageError, match="newer Locum"):
        opened(journal)


def test_a_damaged_checkpoint_is_a_storage_error() -> None:
    journal = MemoryJournal()
    journal.append([Entry(1, 1.0, b"[]")], [], 0)
    journal.save_checkpoint(1, [b"not compressed"])
    with pytest.raises(StorageError, match="checkpoint is damaged"):
        opened(journal)
