"""What every import side of a journal promises (`locum.store.importing`): all of another journal, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from locum.audit.identity import Identity
from locum.audit.record import Record, Resource
from locum.cli.moving import content, move
from locum.core.errors import ConfigurationError, StorageError
from locum.core.principal import PrincipalKind
from locum.state import Account, Event, Role, State, apply, encode, put
from locum.state.former import former
from locum.store.checkpoint import load, parts
from locum.store.importing import Importer
from locum.store.journal import (
    AuditQuery,
    AuditRow,
    Entry,
    Field,
    Forgotten,
    Found,
    Journal,
    Retention,
    SequenceConflict,
    Use,
)
from locum.store.memory import MemoryJournal
from locum.store.postgres import PostgresJournal
from locum.store.postgres.importing import PostgresImporter
from locum.store.sqlite import SqliteJournal
from locum.store.sqlite_import import SqliteImporter
from locum.store.taking_back import as_of_entry
from support.postgresql import ONE_SERVER, conninfo_of

ACCOUNT = "111122223333"
DAY = 86_400.0


class Place(NamedTuple):
    """A place for a journal, and how it is opened."""

    importer: Importer
    opened: Callable[[], Journal]


@contextmanager
def _directory(path: Path) -> Iterator[Place]:
    yield Place(SqliteImporter(path / "copy"), lambda: SqliteJournal.open(path / "copy"))


@contextmanager
def _database(path: Path) -> Iterator[Place]:
    conninfo = conninfo_of(path)
    yield Place(PostgresImporter(conninfo), lambda: PostgresJournal.open(conninfo))


PLACES: dict[str, Callable[[Path], AbstractContextManager[Place]]] = {"sqlite": _directory, "postgresql": _database}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=ONE_SERVER)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with PLACES[request.param](tmp_path) as found:
        yield found


def row(n: int, *, stranger: bool = False) -> AuditRow:
    """A row; those of strangers are of nobody."""
    kind = PrincipalKind.ANONYMOUS if stranger else PrincipalKind.USER
    record = Record(
        event_id=f"event-{n}",
        request_id=f"request-{n}",
        at=1000.0 + n,
        account=ACCOUNT,
        region="us-east-1",
        event_source="iam.amazonaws.com",
        service="iam",
        operation="CreateRole",
        identity=Identity(kind, f"arn:aws:iam::{ACCOUNT}:user/user-{n % 3}", ACCOUNT, name=f"user-{n % 3}"),
        resources=(Resource("AWS::IAM::Role", f"r{n}\x00é"),),
    )
    return record.row(Use(ACCOUNT, f"AIDA{n % 3}", "", f"iam:Action{n % 5}", "us-east-1"))


class Writer:
    """Writes entries that make roles."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.state = State()
        self.write(put(Account(account=ACCOUNT, created=1)))

    def write(self, *events: Event) -> None:
        sequence = self.state.sequence + 1
        made = list(events)
        before = former(self.state, made)
        entry = Entry(
            sequence,
            1000.0 + sequence,
            encode(made),
            call_id=f"call-{sequence}",
            former=encode(before),
        )
        self.state = apply(self.state, made, sequence)
        self.journal.append([entry], [row(sequence), row(1000 + sequence, stranger=True)], sequence - 1)

    def roles(self, first: int, last: int) -> None:
        for n in range(first, last):
            self.write(put(Role(account=ACCOUNT, name=f"r{n % 7}", id=f"AROA{n}", created=n, trust="{}")))


def filled(journal: Journal, *, compacted: bool = True) -> Journal:
    """A journal with entries in a checkpoint and behind it, rows of both kinds, and last uses."""
    writer = Writer(journal)
    writer.roles(0, 30)
    if compacted:
        journal.save_checkpoint(25, list(parts(load_until(journal, 25))), keep=10)
    writer.roles(30, 40)
    journal.record([row(2000 + n, stranger=n % 2 == 0) for n in range(5)])
    return journal


def load_until(journal: Journal, sequence: int) -> State:
    return as_of_entry(journal, sequence).then


@pytest.fixture(params=["compacted", "whole", "memory"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    journal: Journal = (
        MemoryJournal("its-identity") if request.param == "memory" else SqliteJournal.open(tmp_path / "source")
    )
    yield filled(journal, compacted=request.param != "whole")
    journal.close()


def test_everything_that_a_journal_has_is_moved(source: Journal, place: Place) -> None:
    source.hold(12)
    told = move(source, place.importer, place.opened)
    assert (told.rows, told.uses, told.last) == (87, 15, 41)
    with closing(place.opened()) as copy:
        assert copy.installation == source.installation
        assert load(copy) == load(source)
        assert copy.held() == 12
        assert list(copy.former(copy.remembered())) == list(source.former(source.remembered()))
        assert sorted(copy.uses(ACCOUNT)) == sorted(source.uses(ACCOUNT))
        for query in (
            AuditQuery(),
            AuditQuery(field=Field.USERNAME, value="user-1", limit=7),
            AuditQuery(field=Field.RESOURCE_NAME, value="r9\x00é", account=ACCOUNT),
            AuditQuery(read_only=False, before=40),
        ):
            assert copy.find(query) == source.find(query)


def test_a_moved_journal_goes_on_where_it_was(source: Journal, place: Place) -> None:
    move(source, place.importer, place.opened)
    with closing(place.opened()) as copy:
        for journal in (source, copy):
            with pytest.raises(SequenceConflict):
                journal.append([Entry(42, 5.0, b"[]", call_id="call-41")], [], 41)
            journal.append([Entry(42, 5.0, b"[]", call_id="call-42")], [row(42)], 41)
            assert journal.settled("call-42") == 42
        assert [it.position for it in copy.scan(80, 100)] == [it.position for it in source.scan(80, 100)]
        assert copy.settled("call-20") == source.settled("call-20")


def test_what_retention_has_taken_stays_away_and_positions_are_kept(tmp_path: Path, place: Place) -> None:
    with closing(MemoryJournal("one", Retention(days=1, rows=20, strangers=3))) as source:
        filled(source)
        source.maintain(1030.0 + DAY)
        kept = [it.position for it in source.scan(0, 1000)]
        assert kept != list(range(kept[0], kept[0] + len(kept)))
        move(source, place.importer, place.opened)
        with closing(place.opened()) as copy:
            assert [it.position for it in copy.scan(0, 1000)] == kept
            assert copy.remembered() == source.remembered() > 0
            with pytest.raises(Forgotten):
                copy.former(source.remembered() - 1)
            copy.record([row(9)])
            assert copy.scan(kept[-1], 10)[0].position == kept[-1] + 1


def test_a_moved_journal_is_compacted_and_maintained_as_any(source: Journal, place: Place) -> None:
    move(source, place.importer, place.opened)
    with closing(place.opened()) as copy:
        state = load(copy)
        assert copy.save_checkpoint(41, list(parts(state)), keep=2) == 41
        while copy.maintain(2000.0):
            pass
        assert load(copy) == state
        assert content(copy, {ACCOUNT}).entries == 2


def test_a_place_with_a_journal_is_left_as_it_is(source: Journal, place: Place) -> None:
    move(source, place.importer, place.opened)
    with closing(place.opened()) as copy:
        before = content(copy, {ACCOUNT})
    with pytest.raises(ConfigurationError):
        move(source, place.importer, place.opened)
    with closing(place.opened()) as copy:
        assert content(copy, {ACCOUNT}) == before


class Failing(MemoryJournal):
    """A journal whose rows cannot all be read."""

    def scan(self, after: int, limit: int) -> list[Found]:
        if after:
            raise StorageError("the disk is broken")
        return super().scan(after, 10)


def test_attack_a_move_that_is_interrupted_leaves_nothing(place: Place, source: Journal) -> None:
    failing = Failing("other")
    filled(failing)
    with pytest.raises(StorageError, match="broken"):
        move(failing, place.importer, place.opened)
    move(source, place.importer, place.opened)
    with closing(place.opened()) as copy:
        assert copy.installation == source.installation


def test_what_is_written_while_a_journal_is_moved_is_noticed(place: Place) -> None:
    first = MemoryJournal("one", shared=True)
    filled(first)
    other = first.another()

    def opened() -> Journal:
        other.record([row(7)])
        return place.opened()

    with pytest.raises(StorageError, match="the copy is not what it is a copy of"):
        move(first, place.importer, opened)
