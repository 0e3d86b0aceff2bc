"""What every journal promises (`locum.store.journal`). A new implementation joins by its factory in JOURNALS."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.core.errors import StorageError
from locum.store.journal import (
    AuditQuery,
    AuditRow,
    Compacted,
    Entry,
    Field,
    Forgotten,
    Journal,
    Retention,
    SequenceConflict,
    Use,
)
from locum.store.memory import MemoryJournal
from locum.store.postgres import PostgresJournal
from locum.store.sqlite import SqliteJournal
from support.journals import called, entries, found, row
from support.postgresql import ONE_SERVER, conninfo_of

Factory = Callable[[Path], Journal]

JOURNALS: dict[str, Factory] = {
    "memory": lambda _: MemoryJournal(),
    "sqlite": lambda path: SqliteJournal.open(path / "data", Retention()),
    "postgresql": lambda path: PostgresJournal.open(conninfo_of(path)),
}
DURABLE: dict[str, Factory] = {name: JOURNALS[name] for name in ("sqlite", "postgresql")}

Pair = tuple[Journal, Journal]


def _memories(_: Path) -> Pair:
    first = MemoryJournal(shared=True)
    return first, first.another()


def _files(path: Path) -> Pair:
    """Within one process followers need not look: they are woken."""
    first, second = (SqliteJournal.open(path / "data", shared=True, poll=3600.0) for _ in range(2))
    return first, second


def _nodes(path: Path) -> Pair:
    """Followers need not look: they are notified."""
    first, second = (PostgresJournal.open(conninfo_of(path), poll=3600.0) for _ in range(2))
    return first, second


SHARED: dict[str, Callable[[Path], Pair]] = {"memory": _memories, "sqlite": _files, "postgresql": _nodes}
"""Two handles of one journal."""


def _each(*names: str) -> list[Any]:
    """Parameters of a test: those on PostgreSQL share a server."""
    return [pytest.param(name, marks=[ONE_SERVER] if name.startswith("postgresql") else []) for name in names]


@pytest.fixture(params=_each("memory", "sqlite", *(f"{name}, shared" for name in SHARED)))
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    """A journal that is alone, and one beside which another handle is open: they promise the same.

    PostgreSQL's does not know whether it is alone.
    """
    name, _, shared = request.param.partition(", ")
    handles = SHARED[name](tmp_path) if shared else (JOURNALS[name](tmp_path),)
    yield handles[0]
    for handle in handles:
        handle.close()


@pytest.fixture(params=_each(*SHARED))
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    handles = SHARED[request.param](tmp_path)
    yield handles
    for handle in handles:
        handle.close()


def test_a_new_journal_is_empty(journal: Journal) -> None:
    assert journal.last() == 0
    assert list(journal.read(0)) == []
    assert journal.checkpoint() is None
    assert journal.find(AuditQuery()) == []


def test_entries_come_back_as_they_were_stored_in_order(journal: Journal) -> None:
    journal.append(entries(1, 3), [], 0)
    journal.append(entries(4, 5), [], 3)
    assert journal.last() == 5
    assert list(journal.read(0)) == entries(1, 5)
    assert list(journal.read(3)) == entries(4, 5)
    assert list(journal.read(5)) == []


@pytest.mark.parametrize("expected", [0, 2])
def test_whoever_did_not_see_the_last_entry_writes_nothing(journal: Journal, expected: int) -> None:
    journal.append(entries(1, 1), [], 0)
    with pytest.raises(SequenceConflict):
        journal.append(entries(expected + 1, expected + 1), [row(1)], expected)
    assert list(journal.read(0)) == entries(1, 1)
    assert journal.find(AuditQuery()) == []


def test_a_batch_with_a_gap_is_refused_whole(journal: Journal) -> None:
    with pytest.raises(ValueError, match="entry 3 where 2 is next"):
        journal.append([*entries(1, 1), *entries(3, 3)], [row(1)], 0)
    assert journal.last() == 0
    assert journal.find(AuditQuery()) == []


def test_entries_and_their_audit_rows_are_stored_together(journal: Journal) -> None:
    journal.append(entries(1, 2), [row(1), row(2)], 0)
    assert found(journal, AuditQuery()) == [b"record-2", b"record-1"]


def test_a_checkpoint_stands_for_the_entries_before_it(journal: Journal) -> None:
    journal.append(entries(1, 9), [], 0)
    journal.save_checkpoint(7, iter([b"one", b"two"]))
    saved = journal.checkpoint()
    assert saved is not None
    assert (saved[0], list(saved[1])) == (7, [b"one", b"two"])
    assert list(journal.read(7)) == entries(8, 9)


def test_the_asked_for_tail_survives_compaction_for_followers(journal: Journal) -> None:
    journal.append(entries(1, 9), [], 0)
    journal.save_checkpoint(7, [b"state"], keep=3)
    assert list(journal.read(4)) == entries(5, 9)


def test_reading_what_was_compacted_away_is_an_error_not_a_gap(journal: Journal) -> None:
    journal.append(entries(1, 9), [], 0)
    journal.save_checkpoint(7, [b"state"], keep=3)
    with pytest.raises(Compacted):
        list(journal.read(3))


def test_whoever_saw_more_than_the_journal_has_is_told_so(journal: Journal) -> None:
    journal.append(entries(1, 3), [], 0)
    with pytest.raises(StorageError, match="older copy"):
        list(journal.read(4))


@pytest.mark.parametrize("sequence", [1, 3])
def test_a_checkpoint_as_old_as_the_stored_one_or_older_changes_nothing(journal: Journal, sequence: int) -> None:
    journal.append(entries(1, 6), [], 0)
    assert journal.save_checkpoint(3, [b"new"], keep=3) == 3
    assert journal.save_checkpoint(sequence, [b"old"], keep=0) == 3
    saved = journal.checkpoint()
    assert saved is not None
    assert (saved[0], list(saved[1])) == (3, [b"new"])
    assert list(journal.read(0)) == entries(1, 6)


def test_a_newer_checkpoint_replaces_the_older_one(journal: Journal) -> None:
    journal.append(entries(1, 4), [], 0)
    journal.save_checkpoint(2, [b"old", b"old"])
    journal.save_checkpoint(4, [b"new"])
    saved = journal.checkpoint()
    assert saved is not None
    assert (saved[0], list(saved[1])) == (4, [b"new"])


def test_a_checkpoint_of_an_empty_state_is_a_checkpoint(journal: Journal) -> None:
    journal.append(entries(1, 1), [], 0)
    journal.save_checkpoint(1, [])
    saved = journal.checkpoint()
    assert saved is not None
    assert (saved[0], list(saved[1])) == (1, [])
    assert list(journal.read(1)) == []


def test_sequence_numbers_go_on_after_everything_was_compacted(journal: Journal) -> None:
    journal.append(entries(1, 4), [], 0)
    journal.save_checkpoint(4, [b"state"])
    assert journal.last() == 4
    journal.append(entries(5, 5), [], 4)
    assert list(journal.read(4)) == entries(5, 5)


def test_history_is_told_newest_first_and_page_by_page(journal: Journal) -> None:
    journal.record([row(n) for n in range(1, 8)])
    first = journal.find(AuditQuery(limit=3))
    journal.record([row(8)])
    second = journal.find(AuditQuery(limit=3, before=first[-1].position))
    assert [data for _, data in first + second] == [b"record-%d" % n for n in (7, 6, 5, 4, 3, 2)]


def test_history_is_told_oldest_first_from_any_position_on(journal: Journal) -> None:
    journal.record([row(n) for n in range(1, 8)])
    assert [(position, data) for position, data in journal.scan(0, 3)] == [(n, b"record-%d" % n) for n in (1, 2, 3)]
    assert [position for position, _ in journal.scan(3, 100)] == [4, 5, 6, 7]
    assert journal.scan(7, 100) == []
    journal.append(entries(1, 1), [row(8)], 0)
    assert [position for position, _ in journal.scan(7, 100)] == [8]


def test_a_batch_that_is_handed_over_again_is_stored_once(journal: Journal) -> None:
    for _ in range(2):
        journal.append(entries(1, 2), [row(1)], 0, "batch-1")
    journal.append(entries(3, 3), [row(3)], 2, "batch-2")
    journal.append(entries(1, 2), [row(1)], 0, "batch-1")
    assert list(journal.read(0)) == entries(1, 3)
    assert found(journal, AuditQuery()) == [b"record-3", b"record-1"]
    assert [journal.settled(name) for name in ("batch-1", "batch-2", "batch-3", "")] == [1, 3, None, None]


@pytest.mark.parametrize("batch_id", ["", "batch-2"])
def test_a_batch_of_another_id_is_another_batch(journal: Journal, batch_id: str) -> None:
    journal.append(entries(1, 1), [], 0, "batch-1")
    journal.append(entries(2, 2), [], 1)
    for expected in (0, 1):
        with pytest.raises(SequenceConflict):
            journal.append(entries(expected + 1, expected + 1), [], expected, batch_id)


def test_a_call_with_an_id_is_stored_once(journal: Journal) -> None:
    journal.append([called(1, ""), called(2, "call"), called(3, "")], [], 0)
    assert journal.settled("call") == 2
    assert [entry.call_id for entry in journal.read(0)] == ["", "call", ""]
    with pytest.raises(SequenceConflict):
        journal.append([called(4, "other"), called(5, "call")], [row(1)], 3)
    with pytest.raises(SequenceConflict):
        journal.append([called(4, "twice"), called(5, "twice")], [row(1)], 3)
    assert [journal.settled(name) for name in ("other", "twice")] == [None, None]
    assert (journal.last(), journal.find(AuditQuery())) == (3, [])


def test_ids_are_kept_as_long_as_their_entries(journal: Journal) -> None:
    for n in range(1, 5):
        journal.append([called(n, f"call-{n}")], [], n - 1, f"batch-{n}")
    journal.save_checkpoint(4, [b"state"], keep=2)
    names = [f"{kind}-{n}" for kind in ("batch", "call") for n in range(1, 5)]
    assert [journal.settled(name) for name in names] == [None, None, 3, 4] * 2


def test_a_follower_that_has_seen_everything_gets_the_last_number_when_its_time_is_over(journal: Journal) -> None:
    with closing(journal.follow()) as follower:
        assert follower.wait(0, 0.0) == 0
        journal.append(entries(1, 3), [], 0)
        assert [follower.wait(after, 0.0) for after in (0, 2, 3)] == [3, 3, 3]


def test_a_follower_that_waits_ends_with_its_journal(journal: Journal) -> None:
    with ThreadPoolExecutor(1) as waiting:
        follower = journal.follow()
        woken = waiting.submit(follower.wait, 7, 3600.0)
        journal.close()
        assert woken.result(30) == 7
        assert follower.wait(7, 3600.0) == 7


def test_a_follower_is_woken_by_what_any_handle_appends(pair: Pair) -> None:
    here, there = pair
    with ThreadPoolExecutor(1) as waiting, closing(here.follow()) as follower:
        for last, writer in enumerate((there, here, there)):
            woken = waiting.submit(follower.wait, last, 3600.0)
            writer.append(entries(last + 1, last + 1), [], last)
            assert woken.result(30) == last + 1
    assert list(here.read(0)) == list(there.read(0)) == entries(1, 3)


def test_every_handle_writes_after_what_the_others_wrote(pair: Pair) -> None:
    here, there = pair
    assert not here.exclusive
    here.append(entries(1, 2), [row(1)], 0)
    assert there.last() == 2
    with pytest.raises(SequenceConflict):
        there.append(entries(1, 1), [row(9)], 0)
    there.append(entries(3, 3), [row(2)], 2)
    here.record([row(3)])
    there.record([row(4)])
    here.append(entries(4, 4), [row(5)], 3)
    for handle in pair:
        assert (handle.last(), list(handle.read(0))) == (4, entries(1, 4))
        assert handle.scan(0, 9) == [(n, b"record-%d" % n) for n in range(1, 6)]
        assert found(handle, AuditQuery()) == [b"record-%d" % n for n in range(5, 0, -1)]


def test_a_batch_whose_answer_was_lost_is_known_to_every_handle(pair: Pair) -> None:
    here, there = pair
    here.append([called(1, "call")], [row(1)], 0, "batch")
    there.append(entries(2, 2), [], 1)
    assert (there.settled("batch"), there.settled("call")) == (1, 1)
    there.append([called(1, "call")], [row(1)], 0, "batch")
    with pytest.raises(SequenceConflict):
        there.append([called(3, "call")], [], 2)
    assert (here.last(), here.scan(0, 9)) == (2, [(1, b"record-1")])


def test_no_handle_sets_the_checkpoint_of_another_back(pair: Pair) -> None:
    here, there = pair
    here.append(entries(1, 9), [], 0)
    assert there.save_checkpoint(7, [b"seven"], keep=2) == 7
    assert here.save_checkpoint(5, [b"five"], keep=0) == 7
    for handle in pair:
        saved = handle.checkpoint()
        assert saved is not None
        assert (saved[0], list(saved[1])) == (7, [b"seven"])
        assert list(handle.read(5)) == entries(6, 9)
        with pytest.raises(Compacted):
            list(handle.read(4))


def test_a_handle_goes_on_where_another_compacted_everything(pair: Pair) -> None:
    here, there = pair
    here.append(entries(1, 3), [], 0)
    there.save_checkpoint(3, [b"state"])
    here.append(entries(4, 4), [], 3)
    assert (here.last(), there.last(), list(there.read(3))) == (4, 4, entries(4, 4))


QUERIES = {
    "account": (AuditQuery(account="111111111111"), [5]),
    "event id": (AuditQuery(field=Field.EVENT_ID, value="event-2"), [2]),
    "request id": (AuditQuery(field=Field.REQUEST_ID, value="request-3"), [3]),
    "event name": (AuditQuery(field=Field.EVENT_NAME, value="PutUserPolicy"), [4]),
    "event source": (AuditQuery(field=Field.EVENT_SOURCE, value="sts.amazonaws.com"), []),
    "user name": (AuditQuery(field=Field.USERNAME, value="user-1"), [4, 1]),
    "access key": (AuditQuery(field=Field.ACCESS_KEY_ID, value="AKIA", limit=2), [6, 5]),
    "principal": (AuditQuery(field=Field.PRINCIPAL, value="arn:aws:iam::111111111111:user/user-2"), [5]),
    "resource name": (AuditQuery(field=Field.RESOURCE_NAME, value="anna"), [6, 2]),
    "part of a resource name": (AuditQuery(field=Field.RESOURCE_NAME, value="ann"), []),
    "resource type": (AuditQuery(field=Field.RESOURCE_TYPE, value="AWS::IAM::Role"), [6]),
    "read only": (AuditQuery(read_only=False), [4]),
    "denied": (AuditQuery(denied=True), [3]),
    "data events": (AuditQuery(management=False), [1]),
    "from an instant on": (AuditQuery(start=1005.0), [6, 5]),
    "up to an instant": (AuditQuery(end=1002.0), [2, 1]),
    "between two": (AuditQuery(start=1002.0, end=1003.0, account="000000000000"), [3, 2]),
}


@pytest.mark.parametrize("case", QUERIES)
def test_history_is_found_by_everything_that_lookup_knows(journal: Journal, case: str) -> None:
    journal.record(
        [
            row(1, management=False),
            row(2, resources=(("AWS::IAM::User", "anna"),)),
            row(3, denied=True),
            row(4, name="PutUserPolicy", read_only=False),
            row(5, account="111111111111"),
            row(6, resources=(("AWS::IAM::User", "anna"), ("AWS::IAM::Role", "Anna"))),
        ]
    )
    query, expected = QUERIES[case]
    assert found(journal, query) == [b"record-%d" % n for n in expected]


def used(n: int, action: str, principal: str = "AIDAANN", account: str = "000000000000") -> AuditRow:
    return row(n, account=account)._replace(use=Use(account, principal, "AKIA", action, "us-east-1"))


def last(journal: Journal, account: str = "000000000000", principal: str | None = None) -> dict[tuple[str, str], float]:
    return {(found.principal, found.action): found.at for found in journal.uses(account, principal)}


def test_the_last_uses_follow_from_the_calls_recorded(journal: Journal) -> None:
    journal.record([used(1, "s3:GetObject"), used(2, "s3:PutObject"), row(3), used(4, "s3:GetObject")])
    journal.append(entries(1, 1), [used(5, "s3:PutObject", principal="AROAAPP")], 0)
    journal.record([used(6, "iam:GetUser", account="111111111111")])
    assert last(journal) == {
        ("AIDAANN", "s3:GetObject"): 1004.0,
        ("AIDAANN", "s3:PutObject"): 1002.0,
        ("AROAAPP", "s3:PutObject"): 1005.0,
    }
    assert last(journal, principal="AROAAPP") == {("AROAAPP", "s3:PutObject"): 1005.0}
    assert last(journal, principal="AIDABOB") == {}
    assert last(journal, "111111111111") == {("AIDAANN", "iam:GetUser"): 1006.0}


def test_a_call_that_is_recorded_late_does_not_set_its_use_back(journal: Journal) -> None:
    journal.record([used(9, "s3:GetObject")])
    journal.record([used(3, "s3:GetObject")])
    assert last(journal) == {("AIDAANN", "s3:GetObject"): 1009.0}


def test_a_use_is_known_to_every_handle(pair: Pair) -> None:
    here, there = pair
    here.record([used(1, "s3:GetObject")])
    there.record([used(5, "s3:GetObject"), used(2, "s3:PutObject")])
    here.record([used(3, "s3:PutObject"), used(900, "s3:GetObject")])
    for handle in pair:
        known = last(handle)
        assert known.keys() == {("AIDAANN", "s3:GetObject"), ("AIDAANN", "s3:PutObject")}
        assert known["AIDAANN", "s3:GetObject"] == 1900.0
        assert 1003.0 - 60 <= known["AIDAANN", "s3:PutObject"] <= 1003.0


@pytest.mark.parametrize("name", _each(*DURABLE))
def test_last_uses_are_there_when_it_is_opened_again(name: str, tmp_path: Path) -> None:
    first = DURABLE[name](tmp_path)
    first.record([used(1, "s3:GetObject"), used(2, "s3:GetObject")])
    first.record([used(3, "s3:GetObject"), used(3, "s3:PutObject")])
    first.close()
    again = DURABLE[name](tmp_path)
    assert last(again) == {("AIDAANN", "s3:GetObject"): 1003.0, ("AIDAANN", "s3:PutObject"): 1003.0}
    again.close()


@pytest.mark.parametrize("name", _each(*DURABLE))
def test_everything_is_there_when_it_is_opened_again(name: str, tmp_path: Path) -> None:
    first = DURABLE[name](tmp_path)
    installation = first.installation
    first.append(entries(1, 3), [row(1)], 0)
    first.save_checkpoint(2, [b"state"])
    first.record([row(2)])
    first.close()
    again = DURABLE[name](tmp_path)
    saved = again.checkpoint()
    assert saved is not None
    assert (saved[0], list(saved[1])) == (2, [b"state"])
    assert (again.installation, again.last(), list(again.read(2))) == (installation, 3, entries(3, 3))
    assert found(again, AuditQuery()) == [b"record-2", b"record-1"]
    again.record([row(3)])
    assert found(again, AuditQuery(limit=1)) == [b"record-3"]
    again.close()


@pytest.mark.parametrize("name", _each(*JOURNALS))
def test_closing_twice_is_closing_once(name: str, tmp_path: Path) -> None:
    made = JOURNALS[name](tmp_path)
    made.close()
    made.close()


steps = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 3), st.booleans()),
    st.tuples(st.just("record"), st.integers(1, 3), st.just(True)),
    st.tuples(st.just("checkpoint"), st.integers(0, 12), st.booleans()),
)


class Model:
    """What every handle must find: one dense list of entries, one of rows, a checkpoint that never goes back."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.rows: list[AuditRow] = []
        self.checkpoint = self.kept_from = 0

    def step(self, handle: Journal, what: str, count: int, right: bool) -> None:
        last = len(self.entries)
        rows = [row(len(self.rows) + n) for n in range(1, count + 1)]
        if what == "record":
            handle.record(rows)
            self.rows += rows
        elif what == "checkpoint":
            sequence = min(count, last)
            if handle.save_checkpoint(sequence, [b"%d" % sequence], keep=2) == sequence != self.checkpoint:
                self.checkpoint, self.kept_from = sequence, max(self.kept_from, sequence - 2)
        elif right or not last:
            handle.append(entries(last + 1, last + count), rows, last)
            self.entries += entries(last + 1, last + count)
            self.rows += rows
        else:
            with pytest.raises(SequenceConflict):
                handle.append(entries(last, last + count - 1), rows, last - 1)

    def check(self, handle: Journal) -> None:
        assert handle.last() == len(self.entries)
        assert list(handle.read(self.kept_from)) == self.entries[self.kept_from :]
        assert handle.scan(0, 1000) == [(n, stored.data) for n, stored in enumerate(self.rows, 1)]
        saved = handle.checkpoint()
        assert (0 if saved is None else saved[0]) == self.checkpoint


@pytest.mark.parametrize("name", _each(*SHARED))
@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), steps), max_size=14))
def test_any_interleaving_of_two_handles_makes_one_dense_journal(
    name: str, story: list[tuple[int, tuple[str, int, bool]]]
) -> None:
    with TemporaryDirectory() as directory:
        handles = SHARED[name](Path(directory))
        model = Model()
        for writer, step in story:
            model.step(handles[writer], *step)
            model.check(handles[1 - writer])
        for handle in handles:
            model.check(handle)
            handle.close()


# -- 4. a base and layers ------------------------------------------------------------------------------------


def content(journal: Journal) -> tuple[int, list[bytes]]:
    saved = journal.checkpoint()
    assert saved is not None
    return saved[0], list(saved[1])


def test_a_layer_stands_upon_what_was_there(journal: Journal) -> None:
    journal.append(entries(1, 9), [], 0)
    assert journal.save_checkpoint(2, [b"base", b"base"]) == 2
    assert journal.save_checkpoint(5, [b"first"], upon=2) == 5
    assert journal.save_checkpoint(7, [], keep=1, upon=5) == 7
    assert journal.save_checkpoint(8, [b"third"], keep=2, upon=7) == 8
    assert content(journal) == (8, [b"base", b"base", b"first", b"third"])
    assert (journal.checkpointed(), list(journal.read(6))) == (8, entries(7, 9))
    assert journal.checkpoint_octets() == (8, 18)


def test_the_first_layer_stands_upon_nothing(journal: Journal) -> None:
    journal.append(entries(1, 3), [], 0)
    assert journal.checkpoint_octets() == (0, 0)
    assert journal.save_checkpoint(2, [b"all"], upon=0) == 2
    assert content(journal) == (2, [b"all"])


@pytest.mark.parametrize("upon", [0, 2, 4])
def test_a_layer_upon_another_checkpoint_than_there_is_changes_nothing(journal: Journal, upon: int) -> None:
    journal.append(entries(1, 6), [], 0)
    journal.save_checkpoint(3, [b"base"], keep=3)
    assert journal.save_checkpoint(5, [b"layer"], upon=upon) == 3
    assert content(journal) == (3, [b"base"])
    assert list(journal.read(0)) == entries(1, 6)


def test_a_new_base_takes_the_place_of_what_it_was_made_of_and_of_nothing_else(journal: Journal) -> None:
    journal.append(entries(1, 9), [], 0)
    journal.save_checkpoint(2, [b"base"])
    journal.save_checkpoint(4, [b"layer"], upon=2)
    assert journal.begin_base("claim", 4)
    assert journal.extend_base("claim", 0, [b"new 0", b"new 1"])
    assert journal.save_checkpoint(6, [b"later"], upon=4) == 6
    assert journal.extend_base("claim", 2, [b"new 2"])
    assert content(journal) == (6, [b"base", b"layer", b"new 0", b"new 1", b"new 2", b"later"])
    while journal.finish_base("claim"):
        pass
    assert content(journal) == (6, [b"new 0", b"new 1", b"new 2", b"later"])
    assert journal.checkpoint_octets() == (15, 20)


def test_a_base_of_another_state_than_the_checkpoints_is_not_begun(journal: Journal) -> None:
    journal.append(entries(1, 4), [], 0)
    assert not journal.begin_base("claim", 0)
    journal.save_checkpoint(2, [b"base"])
    assert not journal.begin_base("claim", 1)
    assert not journal.begin_base("claim", 3)
    assert not journal.extend_base("claim", 0, [b"new"])
    assert not journal.finish_base("claim")
    assert content(journal) == (2, [b"base"])


def test_attack_a_base_that_was_given_up_does_not_come_back(pair: Pair) -> None:
    """A handle that slept while others wrote would bring back what was deleted since."""
    here, there = pair
    here.append(entries(1, 4), [], 0)
    here.save_checkpoint(2, [b"base"])
    assert here.begin_base("slow", 2)
    assert here.extend_base("slow", 0, [b"stale"])
    assert there.begin_base("quick", 2)
    assert content(here) == (2, [b"base"])
    assert not here.extend_base("slow", 1, [b"stale"])
    assert there.extend_base("quick", 0, [b"new"])
    assert not here.finish_base("slow")
    assert content(there) == (2, [b"base", b"new"])
    assert there.save_checkpoint(4, [b"all"]) == 4
    assert not there.extend_base("quick", 1, [b"stale"])
    assert content(here) == (4, [b"all"])


def test_who_knows_a_state_gets_the_layers_upon_it_as_long_as_they_are_kept(journal: Journal) -> None:
    assert journal.layers(0) is None
    journal.append(entries(1, 9), [], 0)
    journal.save_checkpoint(2, [b"base"])
    journal.save_checkpoint(4, [b"to 4"], upon=2)
    journal.save_checkpoint(6, [b"to 6"], upon=4)
    journal.save_checkpoint(8, [], upon=6)

    def behind(after: int) -> tuple[int, list[bytes]] | None:
        found = journal.layers(after)
        return None if found is None else (found[0], list(found[1]))

    layers = (8, [b"to 4", b"to 6"])
    assert [behind(n) for n in range(1, 9)] == [None, layers, layers, *[(8, [b"to 6"])] * 2, (8, []), (8, []), None]
    assert journal.begin_base("claim", 8)
    assert journal.extend_base("claim", 0, [b"new"])
    assert behind(5) == (8, [b"to 6", b"new"])
    while journal.finish_base("claim"):
        pass
    assert behind(5) is None
    journal.save_checkpoint(9, [b"to 9"], upon=8)
    assert behind(8) == (9, [b"to 9"])


KEYS = "abc"
base_steps = st.one_of(
    st.tuples(st.just("set"), st.sampled_from(KEYS), st.integers(1, 9)),
    st.tuples(st.just("remove"), st.sampled_from(KEYS), st.none()),
    st.tuples(st.sampled_from(["layer", "all", "begin", "extend", "finish"]), st.none(), st.integers(0, 2)),
)


class Content:
    """A journal whose entries and parts set or remove keys, what they make, and who writes a base of which state."""

    def __init__(self) -> None:
        self.now: dict[str, int] = {}
        self.sequence = 0
        self.past = [dict[str, int]()]
        self.bases: list[dict[str, int]] = []
        self.written: list[int] = []

    def step(self, handle: Journal, what: str, key: str | None, value: int | None) -> None:
        if key is not None:
            data = b"%s%d" % (key.encode(), value or 0)
            handle.append([Entry(self.sequence + 1, 1000.0, data)], [], self.sequence)
            self.now, self.sequence = folded([data], self.now), self.sequence + 1
            self.past.append(self.now)
        elif what == "layer":
            upon = handle.checkpointed()
            handle.save_checkpoint(self.sequence, [it.events for it in handle.read(upon)], upon=upon)
        elif what == "all":
            handle.save_checkpoint(self.sequence, told(self.now))
        elif what == "begin":
            if handle.checkpointed() == self.sequence > 0 and handle.begin_base(str(len(self.bases)), self.sequence):
                self.bases.append(dict(self.now))
                self.written.append(0)
        else:
            self._of_base(handle, what, len(self.bases) - 1 - (value or 0))

    def _of_base(self, handle: Journal, what: str, number: int) -> None:
        if number < 0:
            return
        parts, written = told(self.bases[number]), self.written[number]
        if what == "extend" and handle.extend_base(str(number), written, parts[written : written + 1]):
            self.written[number] += 1
        elif what == "finish" and written >= len(parts):
            handle.finish_base(str(number))

    def check(self, handle: Journal) -> None:
        saved = handle.checkpoint()
        known = {} if saved is None else folded(saved[1], {})
        after = [it.events for it in handle.read(0 if saved is None else saved[0])]
        assert folded(after, known) == self.now
        for state, before in enumerate(self.past):
            layers = handle.layers(state)
            assert layers is None or folded([*layers[1], *after], before) == self.now


def told(state: dict[str, int]) -> list[bytes]:
    return [b"%s%d" % (key.encode(), value) for key, value in sorted(state.items())]


def folded(parts: Iterable[bytes], state: dict[str, int]) -> dict[str, int]:
    found = dict(state)
    for part in parts:
        found[chr(part[0])] = int(part[1:])
    return {key: value for key, value in found.items() if value}


@pytest.mark.parametrize("name", _each(*SHARED))
@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), base_steps), max_size=30))
def test_wherever_a_new_base_ends_the_journal_makes_the_same_state(
    name: str, story: list[tuple[int, tuple[str, str | None, int | None]]]
) -> None:
    with TemporaryDirectory() as directory:
        handles = SHARED[name](Path(directory))
        made = Content()
        for writer, step in story:
            made.step(handles[writer], *step)
            made.check(handles[1 - writer])
        for handle in handles:
            handle.close()


# -- 9. what takes entries back --------------------------------------------------------------------------


def taken_back(first: int, last: int) -> list[Entry]:
    return [entry._replace(former=b"[-%d]" % entry.sequence) for entry in entries(first, last)]


def former(journal: Journal, at: float) -> list[int]:
    return [found.sequence for found in journal.former(at)]


def test_what_takes_entries_back_is_answered_newest_first_down_to_a_time(journal: Journal) -> None:
    journal.append(taken_back(1, 4), [], expected=0)
    journal.append(entries(5, 5), [], expected=4)  # it changes nothing of which something is kept
    journal.append(taken_back(6, 6), [], expected=5)
    assert former(journal, 1002.0) == [6, 4, 3]
    assert former(journal, 1002.5) == [6, 4, 3]
    assert former(journal, 1006.0) == []
    assert former(journal, 0.0) == [6, 4, 3, 2, 1]
    assert next(journal.former(1005.0)).events == b"[-6]"
    assert journal.remembered() == 0.0


def test_what_takes_entries_back_outlasts_their_compaction(journal: Journal) -> None:
    journal.append(taken_back(1, 4), [], expected=0)
    journal.save_checkpoint(4, [b"state"])
    assert former(journal, 1001.0) == [4, 3, 2]


def test_what_takes_entries_back_is_forgotten_after_the_retention_and_nobody_is_told_less(journal: Journal) -> None:
    journal.append(taken_back(1, 4), [], expected=0)
    now = 1002.5 + Retention().days * 86_400
    while journal.maintain(now):
        pass
    assert journal.remembered() == 1002.5
    assert former(journal, 1002.5) == [4, 3]
    with pytest.raises(Forgotten, match="is not known any more") as refused:
        journal.former(1002.0)
    assert refused.value.since == 1002.5


def test_attack_a_clock_that_was_moved_back_leaves_no_state_that_never_was(journal: Journal) -> None:
    """What is taken back is taken back to its end: nothing is forgotten behind what is kept."""
    times = (1000.0, 9000.0, 1001.0, 9001.0)
    made = [entry._replace(at=at) for entry, at in zip(taken_back(1, 4), times, strict=True)]
    journal.append(made, [], expected=0)
    asked = (2000.0, 8999.0, 9000.5)
    before = [former(journal, at) for at in asked]
    now = 1500.0 + Retention().days * 86_400
    while journal.maintain(now):
        pass
    assert journal.remembered() == 1500.0
    assert [former(journal, at) for at in asked] == before == [[4], [4], [4]]
    while journal.maintain(now + 8000.0):
        pass
    assert former(journal, 9500.0) == []


def test_entries_are_read_without_what_takes_them_back(journal: Journal) -> None:
    journal.append(taken_back(1, 2), [], expected=0)
    assert list(journal.read(0)) == entries(1, 2)


def aged(journal: Journal) -> float:
    """Give a journal rows of two times: the earlier ones are past their retention at the time that it answers."""
    later = 1000.0 + 200 * 86_400
    for first in range(0, 16_500, 1_500):
        journal.record([row(n)._replace(at=1000.0) for n in range(first, first + 1_500)])
    journal.record([row(n)._replace(at=later) for n in range(16_500, 16_510)])
    return later


def maintained(journal: Journal, now: float) -> int:
    """The first position that is kept after all housekeeping."""
    while journal.maintain(now):
        pass
    return journal.scan(0, 1)[0].position


def test_rows_that_are_held_outlast_their_retention_until_they_are_let_go(journal: Journal) -> None:
    later = aged(journal)
    assert journal.held() is None
    journal.hold(0)
    assert maintained(journal, later) == 1
    journal.hold(16_400)
    assert (journal.held(), maintained(journal, later) <= 16_401) == (16_400, True)
    journal.hold(16_505)
    assert 1 < maintained(journal, later) <= 16_506
    journal.hold(None)
    assert journal.held() is None
    assert len(journal.scan(16_500, 100)) == 10


@pytest.mark.parametrize("durable", _each(*DURABLE))
def test_what_is_held_is_held_after_a_restart(durable: str, tmp_path: Path) -> None:
    with closing(DURABLE[durable](tmp_path)) as journal:
        journal.hold(7)
    with closing(DURABLE[durable](tmp_path)) as journal:
        assert journal.held() == 7
