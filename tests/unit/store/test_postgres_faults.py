"""What becomes of a journal whose database, or the way to it, fails at any step."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from locum.core.errors import PassingStorageError, StorageError
from locum.store.journal import AuditQuery
from locum.store.postgres import PostgresJournal
from locum.store.postgres.entries import last
from locum.store.postgres.faults import reported
from locum.store.postgres.locks import Turn
from locum.store.postgres.session import Session
from locum.store.postgres.target import target
from support.journals import called, entries, row
from support.postgresql import ONE_SERVER, conninfo_of, server
from support.postgresql_attacks import await_waiters, kill, lossy, turn_held

pytestmark = ONE_SERVER


@pytest.fixture
def conninfo(tmp_path: Path) -> str:
    return conninfo_of(tmp_path)


@pytest.fixture
def journal(conninfo: str) -> Iterator[PostgresJournal]:
    made = PostgresJournal.open(conninfo)
    yield made
    made.close()


def told(conninfo: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


STEPS: dict[str, Callable[[PostgresJournal], object]] = {
    "append": lambda journal: journal.append(entries(2, 3), [row(2)], 1, "batch-2"),
    "record": lambda journal: journal.record([row(9)]),
    "last": lambda journal: journal.last(),
    "read": lambda journal: list(journal.read(0)),
    "checkpoint": lambda journal: journal.save_checkpoint(1, [b"state"], keep=9),
    "load": lambda journal: journal.checkpoint(),
    "find": lambda journal: journal.find(AuditQuery()),
    "settled": lambda journal: journal.settled("batch"),
    "maintain": lambda journal: journal.maintain(1000.0),
    "lease": lambda journal: journal.leases.take("duties", "one", 9.0),
    "file": lambda journal: journal.files.write("ring", b"x"),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_connection_that_ends_is_a_passing_fault_and_is_made_again(
    step: str, journal: PostgresJournal, conninfo: str
) -> None:
    journal.append(entries(1, 1), [row(1)], 0, "batch")
    for work in STEPS.values():
        if work is not STEPS["append"]:
            work(journal)
    assert kill(conninfo) == 3
    with pytest.raises(PassingStorageError, match="cannot be used at the moment"):
        STEPS[step](journal)
    STEPS[step](journal)
    with closing(PostgresJournal.open(conninfo)) as other:
        assert other.last() == (3 if step == "append" else 1)


@pytest.mark.parametrize("turn", [Turn.ENTRIES, Turn.RECORDS])
def test_attack_an_append_that_is_killed_in_the_middle_left_nothing(
    turn: Turn, journal: PostgresJournal, conninfo: str
) -> None:
    """The turn of records is waited for when the entries are there already."""
    journal.record([row(1)])
    with turn_held(conninfo, turn), ThreadPoolExecutor(1) as other:
        append = other.submit(journal.append, entries(1, 2), [row(2)], 0, "batch")
        await_waiters(conninfo, 1)
        assert kill(conninfo, waiting=True) == 1
        with pytest.raises(PassingStorageError):
            append.result(30)
    assert (journal.last(), list(journal.read(0)), journal.settled("batch")) == (0, [], None)
    journal.append(entries(1, 2), [row(2)], 0, "batch")
    assert list(journal.read(0)) == entries(1, 2)
    assert [position for position, _ in journal.scan(0, 9)] == [1, 2]


def test_a_turn_that_is_not_to_be_had_in_time_is_a_passing_fault(conninfo: str) -> None:
    with closing(PostgresJournal.open(conninfo, patience=0.05)) as journal, turn_held(conninfo, Turn.ENTRIES):
        with pytest.raises(PassingStorageError, match="lock timeout"):
            journal.append(entries(1, 1), [], 0)
        assert journal.last() == 0
    with closing(PostgresJournal.open(conninfo)) as journal:
        journal.append(entries(1, 1), [], 0)


def test_attack_a_commit_whose_answer_is_lost_is_there_once(conninfo: str) -> None:
    with lossy(server().directory) as proxy:
        through = conninfo.replace(str(server().directory), str(proxy.directory))
        with closing(PostgresJournal.open(through)) as journal:
            journal.record([row(1)])
            proxy.losing.set()
            with pytest.raises(PassingStorageError):
                journal.append([called(1, "call")], [row(2)], 0, "batch")
            assert proxy.lost.is_set()
            assert (journal.settled("batch"), journal.settled("call")) == (1, 1)
            journal.append([called(1, "call")], [row(2)], 0, "batch")
            assert (journal.last(), [position for position, _ in journal.scan(0, 9)]) == (1, [1, 2])


@pytest.fixture
def no_standby() -> Iterator[None]:
    """Replication is synchronous, and the standby is not there: no commit is confirmed."""
    everywhere = server().conninfo("postgres")
    told(everywhere, "ALTER SYSTEM SET synchronous_standby_names = 'away'")
    told(everywhere, "SELECT pg_reload_conf()")
    while told(everywhere, "SHOW synchronous_standby_names") != [("away",)]:
        pass
    yield
    told(everywhere, "ALTER SYSTEM RESET synchronous_standby_names")
    told(everywhere, "SELECT pg_reload_conf()")


UNCONFIRMED = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep'"


def _cancel_commit(conninfo: str) -> None:
    """Cancel the commit that waits for a standby, of which the server says that it happened."""
    while not (found := told(conninfo, UNCONFIRMED)):
        pass
    told(conninfo, f"SELECT pg_cancel_backend({found[0][0]})")


def test_attack_a_commit_that_no_standby_confirmed_is_never_a_success(
    journal: PostgresJournal, conninfo: str, request: pytest.FixtureRequest
) -> None:
    """Handed over again, it waits again, although the batch is there."""
    journal.record([row(1)])
    request.getfixturevalue("no_standby")
    with ThreadPoolExecutor(1) as other:
        for _ in range(2):
            append = other.submit(journal.append, entries(1, 1), [row(2)], 0, "batch")
            _cancel_commit(conninfo)
            with pytest.raises(PassingStorageError, match="did not confirm"):
                append.result(30)
        append = other.submit(journal.append, entries(1, 1), [row(2)], 0, "batch")
        told(server().conninfo("postgres"), "ALTER SYSTEM RESET synchronous_standby_names")
        told(server().conninfo("postgres"), "SELECT pg_reload_conf()")
        append.result(30)
    assert (list(journal.read(0)), len(journal.scan(0, 9))) == (entries(1, 1), 2)


def test_attack_what_may_still_be_committed_is_not_said_to_be_missing(
    conninfo: str, request: pytest.FixtureRequest
) -> None:
    """The server waits for its standby, whatever became of the node that asked it to commit."""
    with closing(PostgresJournal.open(conninfo, patience=0.2)) as journal, ThreadPoolExecutor(1) as other:
        request.getfixturevalue("no_standby")
        append = other.submit(journal.append, entries(1, 1), [], 0, "batch")
        while not told(conninfo, UNCONFIRMED):
            pass
        journal._writer.interrupt()
        with pytest.raises(PassingStorageError):
            append.result(30)
        with pytest.raises(PassingStorageError, match="lock timeout"):
            journal.settled("batch")
        told(server().conninfo("postgres"), "ALTER SYSTEM RESET synchronous_standby_names")
        told(server().conninfo("postgres"), "SELECT pg_reload_conf()")
        while told(conninfo, UNCONFIRMED):
            pass
        assert journal.settled("batch") == 1


def test_a_server_that_did_not_show_itself_has_as_long_as_ever_for_the_next_answer(
    conninfo: str, request: pytest.FixtureRequest
) -> None:
    session = Session(target(conninfo), 5.0, 600.0)
    with closing(PostgresJournal.open(conninfo)), closing(session), ThreadPoolExecutor(1) as other:
        request.getfixturevalue("no_standby")
        looking = other.submit(last, session)
        _cancel_commit(conninfo)
        with pytest.raises(PassingStorageError, match="did not confirm"):
            looking.result(30)
        assert session.current is not None
        assert session.current.patience == 600.0


def test_a_connection_on_which_nothing_would_be_heard_is_not_used(conninfo: str) -> None:
    """It would answer all the same, and be woken by nobody."""
    with closing(Session(target(conninfo), 5.0, 30.0, ("SELECT 1 / 0",))) as session:
        for _ in range(2):
            with pytest.raises(StorageError, match="division by zero"):
                session.rows("SELECT 1")


def test_of_several_hosts_the_one_that_is_there_is_used(conninfo: str) -> None:
    away = conninfo.replace("host=", "host=/nowhere,127.0.0.1,").replace("port=", "port=1,1,")
    with closing(PostgresJournal.open(away)) as journal:
        journal.append(entries(1, 1), [], 0)
        kill(conninfo)
        with pytest.raises(PassingStorageError):
            journal.last()
        assert journal.last() == 1


def test_attack_limits_of_a_role_do_not_reach_a_commit(journal: PostgresJournal, conninfo: str) -> None:
    for setting in ("statement_timeout = '900ms'", "synchronous_commit = 'off'"):
        told(conninfo, f"ALTER ROLE locum SET {setting}")
    try:
        with closing(PostgresJournal.open(conninfo)) as limited, limited._writer.transaction() as connection:
            names = ("statement_timeout", "synchronous_commit", "lock_timeout", "idle_in_transaction_session_timeout")
            found = [connection.execute(f"SHOW {name}".encode()) for name in names]
        assert [cursor.fetchall() for cursor in found] == [[("0",)], [("on",)], [("5s",)], [("3s",)]]
    finally:
        told(conninfo, "ALTER ROLE locum RESET ALL")


def test_attack_a_database_that_only_reads_is_no_journal(journal: PostgresJournal, conninfo: str) -> None:
    """Such is a standby, and one that was the primary."""
    journal.append(entries(1, 1), [], 0)
    name = told(conninfo, "SELECT current_database()")[0][0]
    told(conninfo, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    try:
        kill(conninfo)
        for _ in range(2):
            with pytest.raises(PassingStorageError):
                journal.last()
        with pytest.raises(PassingStorageError, match="read-only"):
            PostgresJournal.open(conninfo)
    finally:
        told(server().conninfo("postgres"), f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert journal.last() == 1


def test_a_connection_to_what_became_a_standby_is_given_up(journal: PostgresJournal) -> None:
    journal.append(entries(1, 1), [], 0)
    assert journal._writer.current is not None
    journal._writer.current.execute("SET default_transaction_read_only = on")
    with pytest.raises(PassingStorageError, match="read-only"):
        journal.append(entries(2, 2), [], 1)
    journal.append(entries(2, 2), [], 1)


def test_attack_a_server_that_answers_nothing_holds_nobody_for_long(conninfo: str) -> None:
    """Stopped as it is, its kernel keeps the connections alive."""
    journal = PostgresJournal.open(conninfo, answer=0.3)
    follower = journal.follow()
    assert follower.wait(0, 0.0) == 0
    others = "datname = current_database() AND usename = 'locum' AND pid <> pg_backend_pid()"
    stopped = [int(str(pid)) for (pid,) in told(conninfo, f"SELECT pid FROM pg_stat_activity WHERE {others}")]
    try:
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        with pytest.raises(PassingStorageError, match="no answer within"):
            journal.append(entries(1, 1), [], 0, "batch")
        with ThreadPoolExecutor(1) as waiting:
            woken = waiting.submit(follower.wait, 0, 3600.0)
            journal.close()
            assert woken.exception(30) is None or isinstance(woken.exception(), PassingStorageError)
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def test_a_follower_survives_its_connection(journal: PostgresJournal, conninfo: str) -> None:
    with ThreadPoolExecutor(1) as waiting, closing(journal.follow()) as follower:
        assert follower.wait(0, 0.0) == 0
        woken = waiting.submit(follower.wait, 0, 3600.0)
        kill(conninfo)
        with pytest.raises(PassingStorageError):
            woken.result(30)
        woken = waiting.submit(follower.wait, 0, 3600.0)
        with closing(PostgresJournal.open(conninfo)) as other:
            other.append(entries(1, 1), [], 0)
        assert woken.result(30) == 1


def test_those_who_wait_for_a_turn_have_it_in_the_order_in_which_they_came(conninfo: str) -> None:
    nodes = [PostgresJournal.open(conninfo, patience=30.0) for _ in range(4)]
    for node in nodes:
        node.record([row(0)])  # each knows that the day is there
    with ThreadPoolExecutor(4) as others:
        with turn_held(conninfo, Turn.RECORDS):
            records = []
            for number, node in enumerate(nodes, 1):
                records.append(others.submit(node.record, [row(number)]))
                await_waiters(conninfo, number)
        for record in records:
            record.result(30)
    assert [data for _, data in nodes[0].scan(4, 9)] == [b"record-%d" % n for n in range(1, 5)]
    for node in nodes:
        node.close()


@pytest.mark.parametrize(
    ("kind", "passing"),
    [
        (psycopg.errors.DiskFull, True),
        (psycopg.errors.TooManyConnections, True),
        (psycopg.errors.DeadlockDetected, True),
        (psycopg.errors.CannotConnectNow, True),
        (psycopg.errors.ReadOnlySqlTransaction, True),
        (psycopg.OperationalError, True),
        (psycopg.errors.DataCorrupted, False),
        (psycopg.errors.IndexCorrupted, False),
        (psycopg.errors.UndefinedTable, False),
        (psycopg.errors.InsufficientPrivilege, False),
        (psycopg.DataError, False),
    ],
)
def test_what_may_pass_is_waited_out_and_damage_is_not(kind: type[psycopg.Error], passing: bool) -> None:
    with pytest.raises(StorageError) as said, reported("the database"):
        raise kind("the disk")
    assert isinstance(said.value, PassingStorageError) is passing


def test_who_is_refused_is_told_what_a_node_needs() -> None:
    with pytest.raises(StorageError, match="CREATE SCHEMA locum AUTHORIZATION"), reported("the database"):
        raise psycopg.errors.InsufficientPrivilege("permission denied for database locum")
    with pytest.raises(PassingStorageError, match="PGPASSFILE"), reported("the database"):
        raise psycopg.OperationalError("fe_sendauth: no password supplied")
