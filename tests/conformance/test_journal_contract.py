"""What every journal promises (`locum.store.journal`). A new implementation joins by its factory in JOURNALS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from locum.core.errors import StorageError
from locum.store.journal import AuditQuery, AuditRow, Entry, Field, Journal, Retention, SequenceConflict, Use
from locum.store.memory import MemoryJournal
from locum.store.sqlite import SqliteJournal

Factory = Callable[[Path], Journal]

JOURNALS: dict[str, Factory] = {
    "memory": lambda _: MemoryJournal(),
    "sqlite": lambda path: SqliteJournal.open(path / "data", Retention()),
}
DURABLE: dict[str, Factory] = {"sqlite": JOURNALS["sqlite"]}


@pytest.fixture(params=JOURNALS)
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    made = JOURNALS[request.param](tmp_path)
    yield made
    made.close()


def entries(first: int, last: int) -> list[Entry]:
    return [Entry(n, 1000.0 + n, b"[%d]" % n) for n in range(first, last + 1)]


def row(
    n: int,
    *,
    account: str = "000000000000",
    name: str = "GetUser",
    read_only: bool = True,
    denied: bool = False,
    management: bool = True,
    resources: tuple[tuple[str, str], ...] = (),
) -> AuditRow:
    return AuditRow(
        at=1000.0 + n,
        account=account,
        event_id=f"event-{n}",
        request_id=f"request-{n}",
        event_name=name,
        event_source="iam.amazonaws.com",
        username=f"user-{n % 3}",
        access_key_id="AKIA",
        principal=f"arn:aws:iam::{account}:user/user-{n % 3}",
        read_only=read_only,
        denied=denied,
        management=management,
        resources=resources,
        data=b"record-%d" % n,
    )


def found(journal: Journal, query: AuditQuery) -> list[bytes]:
    return [data for _, data in journal.find(query)]


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
    with pytest.raises(StorageError):
        list(journal.read(3))


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


@pytest.mark.parametrize("name", DURABLE)
def test_last_uses_are_there_when_it_is_opened_again(name: str, tmp_path: Path) -> None:
    first = DURABLE[name](tmp_path)
    first.record([used(1, "s3:GetObject"), used(2, "s3:GetObject")])
    first.record([used(3, "s3:GetObject"), used(3, "s3:PutObject")])
    first.close()
    again = DURABLE[name](tmp_path)
    assert last(again) == {("AIDAANN", "s3:GetObject"): 1003.0, ("AIDAANN", "s3:PutObject"): 1003.0}
    again.close()


@pytest.mark.parametrize("name", DURABLE)
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


@pytest.mark.parametrize("name", JOURNALS)
def test_closing_twice_is_closing_once(name: str, tmp_path: Path) -> None:
    made = JOURNALS[name](tmp_path)
    made.close()
    made.close()
