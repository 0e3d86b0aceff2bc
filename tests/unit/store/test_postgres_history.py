"""The event history in the database: its days, its strangers, its indexes, and what is no text to PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from locum.core.clock import DAY
from locum.core.errors import PassingStorageError
from locum.store.journal import AuditQuery, AuditRow, Field, Retention, Use
from locum.store.postgres import PostgresJournal, lookups
from support.journals import entries, found, row
from support.postgresql import ONE_SERVER, conninfo_of

pytestmark = ONE_SERVER


@pytest.fixture
def conninfo(tmp_path: Path) -> str:
    return conninfo_of(tmp_path)


@pytest.fixture
def journal(conninfo: str) -> Iterator[PostgresJournal]:
    made = PostgresJournal.open(conninfo, Retention(days=90, rows=10, strangers=3))
    yield made
    made.close()


def on(day: int, n: int, *, stranger: bool = False) -> AuditRow:
    return row(n)._replace(at=day * DAY + 5.0, stranger=stranger)


def positions(journal: PostgresJournal) -> list[int]:
    return [position for position, _ in journal.scan(0, 1000)]


def tables(conninfo: str) -> list[str]:
    with psycopg.connect(conninfo) as connection:
        sql = (
            "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid"
            " WHERE inhparent = 'locum.trail'::regclass ORDER BY 1"
        )
        return [name for (name,) in connection.execute(sql)]


def maintained(journal: PostgresJournal, now: float) -> None:
    while journal.maintain(now):
        pass


def test_a_day_has_a_partition_which_goes_when_it_is_too_old(journal: PostgresJournal, conninfo: str) -> None:
    journal.record([on(20_000, 1), on(20_001, 2), on(20_091, 3)])
    assert tables(conninfo) == ["trail_20241004", "trail_20241005", "trail_20250103"]
    maintained(journal, 20_091 * DAY)
    assert positions(journal) == [2, 3]
    maintained(journal, 20_092 * DAY)
    assert positions(journal) == [3]
    maintained(journal, 30_000 * DAY)
    assert positions(journal) == [3]
    journal.record([on(20_000, 4)])
    assert positions(journal) == [3, 4]


def test_the_oldest_days_go_where_there_are_rows_enough_without_them(journal: PostgresJournal) -> None:
    for day, count in ((1, 4), (2, 5), (3, 5)):
        journal.record([on(day, n) for n in range(count)])
    maintained(journal, 0.0)
    assert positions(journal) == list(range(5, 15))


def test_attack_strangers_push_out_only_one_another(journal: PostgresJournal) -> None:
    journal.record([on(1, 0), *(on(1, n, stranger=True) for n in range(1, 9)), on(2, 9)])
    maintained(journal, 0.0)
    assert positions(journal) == [1, 7, 8, 9, 10]
    maintained(journal, 100 * DAY)
    assert positions(journal) == [10]


def test_a_row_of_a_day_that_another_node_dropped_is_stored(journal: PostgresJournal, conninfo: str) -> None:
    journal.record([on(1, 1), on(95, 2)])
    with closing(PostgresJournal.open(conninfo)) as other:
        maintained(other, 95 * DAY)
    journal.append(entries(1, 1), [on(1, 3)], 0)
    assert (positions(journal), journal.last()) == ([2, 3], 1)


def test_attack_a_day_that_is_dropped_again_and_again_is_a_passing_fault(
    journal: PostgresJournal, conninfo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node whose clock is far behind is refused for a while, and does not fail for good."""
    journal.record([on(1, 1), on(95, 2)])

    def dropped(*_: object) -> None:
        with closing(PostgresJournal.open(conninfo)) as other:
            maintained(other, 95 * DAY)

    monkeypatch.setattr(journal._history, "prepare", dropped)
    with pytest.raises(PassingStorageError, match="a day of the record was dropped"):
        journal.append(entries(1, 1), [on(1, 3)], 0)
    monkeypatch.undo()
    journal.append(entries(1, 1), [on(1, 3)], 0)
    assert (positions(journal), journal.last()) == ([2, 3], 1)


def test_attack_a_day_that_somebody_reads_is_dropped_later(journal: PostgresJournal, conninfo: str) -> None:
    journal.record([on(1, 1), on(95, 2)])
    with psycopg.connect(conninfo) as reading:
        assert reading.execute("SELECT count(*) FROM locum.trail").fetchone() == (2,)
        assert not journal.maintain(95 * DAY)
        assert reading.execute("SELECT count(*) FROM locum.trail").fetchone() == (2,)
        journal.record([on(95, 3)])
    maintained(journal, 95 * DAY)
    assert positions(journal) == [2, 3]


NASTY = ["a\x00b", "\ud800", "x" * 9_000, "\x01" + "0" * 40, "ä", "a\x1fb", "'; DROP TABLE locum.trail; --", "%s"]


@pytest.mark.parametrize("stranger", [False, True])
def test_attack_what_is_no_text_to_the_database_is_stored_and_found(journal: PostgresJournal, stranger: bool) -> None:
    for number, text in enumerate(NASTY, 1):
        made = row(number, account=text, name=text, resources=((text, text), (text, text)))
        use = Use(text, text, text, text, text)
        journal.record([made._replace(access_key_id=text, username=text, principal=text, use=use, stranger=stranger)])
    for number, text in enumerate(NASTY, 1):
        for field in (Field.EVENT_NAME, Field.ACCESS_KEY_ID, Field.RESOURCE_NAME, Field.RESOURCE_TYPE):
            query = AuditQuery(account=text, field=field, value=text)
            assert found(journal, query) == [b"record-%d" % number]
        assert [used.region for used in journal.uses(text, text)] == [text]


def test_attack_ids_of_calls_and_batches_may_be_anything(journal: PostgresJournal) -> None:
    for number, text in enumerate(NASTY, 1):
        entry = entries(number, number)[0]._replace(call_id=f"call {text}")
        journal.append([entry], [], number - 1, f"batch {text}")
        assert list(journal.read(number - 1)) == [entry]
        assert journal.settled(f"call {text}") == journal.settled(f"batch {text}") == number


LOOKUPS = {
    "all": AuditQuery(account="000000000000"),
    "managed": AuditQuery(account="000000000000", management=True),
    "denials": AuditQuery(account="000000000000", denied=True),
    "denials anywhere": AuditQuery(denied=True),
    "newest": AuditQuery(limit=1),
    "frequent name": AuditQuery(account="000000000000", field=Field.EVENT_NAME, value="GetUser"),
    "rare name": AuditQuery(account="000000000000", field=Field.EVENT_NAME, value="PutUser", management=True),
    "event id": AuditQuery(field=Field.EVENT_ID, value="event-7"),
    "frequent type": AuditQuery(account="000000000000", field=Field.RESOURCE_TYPE, value="T"),
    "rare resource": AuditQuery(account="000000000000", field=Field.RESOURCE_NAME, value="r-7"),
}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A history of some thousand rows in two days."""
    conninfo = conninfo_of(tmp_path_factory.mktemp("full"))
    with closing(PostgresJournal.open(conninfo)) as journal:
        made = [row(n, denied=n % 50 == 0, resources=(("T", f"r-{n}"),)) for n in range(6_000)]
        journal.record([one._replace(at=one.at + n % 2 * DAY) for n, one in enumerate(made)])
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("ANALYZE")
        yield conninfo


@pytest.mark.parametrize("case", LOOKUPS)
def test_a_lookup_reads_no_more_than_it_answers(full: str, case: str) -> None:
    """Frequent or rare, of 6,000 rows it touches some dozens."""
    sql, values = lookups.statement(LOOKUPS[case])
    with psycopg.connect(full) as connection:
        explained = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS OFF, TIMING OFF) {sql}".encode(), values)
        lines = [line for (line,) in explained]
    removed = [int(line.rpartition(" ")[2]) for line in lines if "Removed by Filter" in line]
    assert sum(removed) < 1_500, lines
    assert not any("Seq Scan on trail" in line or "Seq Scan on resource" in line for line in lines), lines
