"""Checkpoints in layers, and bases that are written anew beside everything else."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from locum.state import Role, State, encode, put
from locum.store import Ledger
from locum.store.checkpoint import catch_up, load, parts
from locum.store.journal import Entry
from locum.store.memory import MemoryJournal
from locum.store.sqlite import SqliteJournal
from support.ledgers import QUICK, Made, at_rest, creates, deletes, opened, role, run, silent

OFTEN = replace(QUICK, checkpoint=10, keep=3)
MANY = 1_000


class Watched(MemoryJournal):
    """A journal that knows the number of octets of the checkpoints that it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.saved: list[int] = []
        self.pieces: list[int] = []

    def save_checkpoint(self, sequence: int, parts: Iterable[bytes], keep: int = 0, upon: int | None = None) -> int:
        stored = list(parts)
        self.saved.append(sum(map(len, stored)))
        return super().save_checkpoint(sequence, stored, keep, upon)

    def extend_base(self, claim: str, first: int, parts: Sequence[bytes]) -> bool:
        self.pieces.append(len(parts))
        return super().extend_base(claim, first, parts)


def again(n: int, _: State) -> Made:
    return Made("again", (put(role("r1", str(n))),))


async def filled(ledger: Ledger) -> None:
    events = tuple(put(role(f"r{n}")) for n in range(MANY))
    await ledger.transact(lambda _: Made("many", events), silent)


def test_a_checkpoint_of_a_large_state_costs_what_has_changed() -> None:
    async def story() -> None:
        journal = Watched()
        ledger = opened(journal, OFTEN)
        await filled(ledger)
        for n in range(99):
            await ledger.transact(partial(again, n), silent)
            await at_rest(ledger)
        await ledger.close()
        assert len(journal.saved) == 10
        assert max(journal.saved[1:]) * 20 < journal.saved[0]
        assert journal.pieces == []
        assert load(journal) == ledger.state

    run(story())


def test_a_base_is_written_anew_where_the_layers_weigh_more(tmp_path: Path) -> None:
    async def story() -> None:
        ledger = opened(SqliteJournal.open(tmp_path / "data"), replace(OFTEN, layers=0))
        for n in range(60):
            await ledger.transact(creates(f"r{n}"), silent)
            if n % 3 == 0:
                await ledger.transact(deletes(f"r{n}"), silent)
            await at_rest(ledger)
        with closing(sqlite3.connect(tmp_path / "data" / "locum.db")) as file:
            rows = dict(file.execute("SELECT part & 524288 > 0, count(*) FROM checkpoint WHERE part > 0 GROUP BY 1"))
        assert rows[1] == 1
        await ledger.close()
        with closing(SqliteJournal.open(tmp_path / "data")) as journal:
            assert load(journal) == ledger.state
            largest, together = journal.checkpoint_octets()
            assert together <= largest * 3 // 2

    run(story())


def test_a_plane_that_ends_while_a_base_is_written_loses_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        journal = SqliteJournal.open(tmp_path / "data")
        ledger = opened(journal, replace(OFTEN, layers=0))
        for _ in range(20):
            await filled(ledger)
        await ledger.close()
        with closing(SqliteJournal.open(tmp_path / "data")) as read:
            assert load(read) == ledger.state

    run(story())


def test_compaction_goes_on_upon_the_checkpoint_of_another_handle() -> None:
    async def story() -> None:
        journal = MemoryJournal(shared=True)
        ledger, other = opened(journal, OFTEN), journal.another()
        for n in range(8):
            await ledger.transact(creates(f"r{n}"), silent)
        other.save_checkpoint(8, list(parts(load(other))))
        for n in range(8, 40):
            await ledger.transact(creates(f"r{n}"), silent)
            await at_rest(ledger)
        assert other.checkpointed() > 30
        assert load(other) == ledger.state
        await ledger.close()

    run(story())


def test_a_large_layer_is_taken_in_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locum.store.compaction._LARGE", 5)
    monkeypatch.setattr("locum.store.compaction._PAGE", 2)

    async def story() -> None:
        journal = Watched()
        ledger = opened(journal, replace(OFTEN, checkpoint=30))
        for n in range(35):
            await ledger.transact(creates(f"r{n}"), silent)
        await at_rest(ledger)
        await ledger.close()
        assert len(journal.saved) > 4
        assert journal.checkpointed() >= 30
        assert load(journal) == ledger.state

    run(story())


def test_a_damaged_entry_is_not_compacted_away() -> None:
    async def story() -> None:
        journal = MemoryJournal()
        ledger = opened(journal, OFTEN)
        await ledger.transact(creates("app"), silent)
        journal.entries[0] = Entry(1, 1.0, b"[damaged")
        for n in range(12):
            if not ledger.failure:
                await ledger.transact(creates(f"r{n}"), silent)
            await at_rest(ledger)
        assert "entry 1 is damaged" in ledger.failure
        assert (journal.checkpointed(), journal.entries[0].sequence) == (0, 1)
        await ledger.close()

    run(story())


def test_a_directory_of_an_older_version_gets_layers_that_it_reads_too(tmp_path: Path) -> None:
    """An older version has one checkpoint, with parts from 1 on, and reads whatever there is by the part alone."""
    path = tmp_path / "data"
    with closing(SqliteJournal.open(path)) as journal:
        journal.append([Entry(n, 1.0, b"[]") for n in range(1, 4)], [], 0)
    with closing(sqlite3.connect(path / "locum.db")) as file:
        file.executemany("INSERT INTO checkpoint VALUES (1, ?, ?)", [(0, b""), (1, b"one"), (2, b"two")])
        file.execute("DROP TABLE new_base")
        file.commit()
    with closing(SqliteJournal.open(path)) as journal:
        assert journal.save_checkpoint(2, [b"three"], upon=1) == 2
        assert journal.begin_base("claim", 2)
        assert journal.extend_base("claim", 0, [b"four"])
        assert journal.save_checkpoint(3, [b"five"], upon=2) == 3
        saved = journal.checkpoint()
        assert saved is not None
        found = list(saved[1])
    with closing(sqlite3.connect(path / "locum.db")) as file:
        read = [data for (data,) in file.execute("SELECT data FROM checkpoint WHERE part > 0 ORDER BY part")]
        assert file.execute("SELECT max(sequence) FROM checkpoint").fetchone() == (3,)
    assert found == read == [b"one", b"two", b"three", b"four", b"five"]


def test_a_journal_that_ends_too_early_is_no_checkpoint() -> None:
    class Short(MemoryJournal):
        def read(self, after: int) -> Iterator[Entry]:
            return iter(()) if after else super().read(after)

    async def story() -> None:
        journal = Short()
        ledger = opened(journal, replace(OFTEN, checkpoint=200))
        for n in range(201):
            await ledger.transact(creates(f"r{n}"), silent)
        await at_rest(ledger)
        assert "ends at entry 128" in ledger.failure
        assert journal.checkpointed() == 0
        await ledger.close()

    run(story())


def test_who_is_behind_a_checkpoint_reads_what_changed_and_not_all_there_is() -> None:
    class Whole(MemoryJournal):
        def checkpoint(self) -> tuple[int, Iterator[bytes]] | None:
            raise AssertionError("all of it is read")

    async def story() -> None:
        journal = MemoryJournal(shared=True)
        ledger = opened(journal, OFTEN)
        for n in range(25):
            await ledger.transact(creates(f"r{n}"), silent)
            await at_rest(ledger)
        behind = ledger.state
        for n in range(25):
            await ledger.transact(deletes(f"r{n}") if n % 2 else creates(f"s{n}"), silent)
            await at_rest(ledger)
        other = Whole(shared=True, held=journal._held)
        caught = catch_up(other, behind, 100)
        assert (caught.state, caught.reloaded) == (ledger.state, True)
        await ledger.close()

    run(story())


def test_a_large_state_is_not_the_garbage_collectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round over a million is a pause of seconds: what is loaded is set aside, and entities hold no cycles."""
    monkeypatch.setattr("locum.store.checkpoint.MANY", 1)
    journal = MemoryJournal()
    journal.append([Entry(1, 1.0, encode([put(role("app"))]))], [], 0)
    before = gc.get_freeze_count()
    try:
        state = load(journal)
        assert gc.get_freeze_count() > before
        assert not any(map(gc.is_tracked, state.every(Role)))
    finally:
        gc.unfreeze()
