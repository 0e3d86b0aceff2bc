"""The schema of the database: made once, whoever comes, and left alone where it is another's or a newer Locum's."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.resources import files
from threading import Barrier

import psycopg
import pytest

from locum.core.errors import StorageError
from locum.store.postgres import PostgresJournal
from locum.store.postgres.locks import KEY, Turn
from locum.store.postgres.schema import REVISIONS
from support.journals import entries, row
from support.postgresql import ONE_SERVER, server
from support.postgresql_attacks import turn_held

pytestmark = ONE_SERVER

TABLES = "SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('locum')"


@pytest.fixture
def empty() -> str:
    """A database with nothing in it."""
    return server().empty("locum_empty")


@pytest.fixture
def connection(empty: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(empty, autocommit=True) as made:
        yield made


def test_nodes_that_start_at_once_make_one_installation(empty: str) -> None:
    together = Barrier(3)

    def start(_: int) -> PostgresJournal:
        together.wait(30)
        return PostgresJournal.open(empty)

    with ThreadPoolExecutor(3) as nodes:
        made = list(nodes.map(start, range(3)))
    assert len({journal.installation for journal in made}) == 1
    for number, journal in enumerate(made):
        journal.append(entries(number + 1, number + 1), [row(number)], number)
    assert list(made[0].read(0)) == entries(1, 3)
    for journal in made:
        journal.close()


def test_every_version_is_a_module_that_says_so() -> None:
    """The newest is the one that a database is held against."""
    folder = files("locum.store.postgres").joinpath("migrations", "versions")
    modules = sorted(path.name for path in folder.iterdir() if path.name.startswith("v"))
    assert [name.removeprefix("v").partition("_")[0] for name in modules] == list(REVISIONS)


def test_a_migration_that_fails_leaves_nothing(empty: str, connection: psycopg.Connection[tuple[object, ...]]) -> None:
    connection.execute("CREATE DOMAIN public.bystander AS text")
    connection.execute(
        "CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF to_regclass('locum.lease') IS NOT NULL THEN RAISE EXCEPTION 'refused'; END IF; END $$"
    )
    connection.execute("CREATE EVENT TRIGGER refusing ON ddl_command_end EXECUTE FUNCTION public.refuse()")
    with pytest.raises(StorageError, match="refused"):
        PostgresJournal.open(empty)
    assert connection.execute(TABLES).fetchone() == (0,)
    connection.execute("DROP EVENT TRIGGER refusing")
    PostgresJournal.open(empty).close()


def test_the_schema_of_another_program_is_left_alone(
    empty: str, connection: psycopg.Connection[tuple[object, ...]]
) -> None:
    connection.execute("CREATE SCHEMA locum")
    connection.execute("CREATE TABLE locum.entry (theirs text)")
    with pytest.raises(StorageError, match="another program's"):
        PostgresJournal.open(empty)
    assert connection.execute(TABLES).fetchone() == (1,)


def test_a_database_of_a_newer_format_is_refused(
    empty: str, connection: psycopg.Connection[tuple[object, ...]]
) -> None:
    PostgresJournal.open(empty).close()
    connection.execute("UPDATE locum.head SET format = 2")
    with pytest.raises(StorageError, match="written by a newer Locum"):
        PostgresJournal.open(empty)


def test_a_newer_version_of_the_same_format_is_worked_with_and_not_migrated_back(
    empty: str, connection: psycopg.Connection[tuple[object, ...]]
) -> None:
    PostgresJournal.open(empty).close()
    connection.execute("UPDATE locum.alembic_version SET version_num = '9999'")
    with closing(PostgresJournal.open(empty)) as journal:
        journal.append(entries(1, 1), [row(1)], 0)
    assert connection.execute("SELECT version_num FROM locum.alembic_version").fetchone() == ("9999",)


def test_a_role_that_owns_its_schema_needs_no_other_right(
    empty: str, connection: psycopg.Connection[tuple[object, ...]]
) -> None:
    connection.execute("DROP ROLE IF EXISTS little")
    connection.execute("CREATE ROLE little LOGIN")
    connection.execute("CREATE SCHEMA locum AUTHORIZATION little")
    with closing(PostgresJournal.open(empty.replace("user=locum", "user=little"))) as journal:
        journal.append(entries(1, 1), [row(1), row(2)._replace(stranger=True)], 0)
        journal.record([row(3)._replace(at=90_000.0)])
        journal.save_checkpoint(1, [b"state"])
        while journal.maintain(1e9):
            pass
        assert journal.leases.take("duties", "one", 9.0)
        assert [position for position, _ in journal.scan(0, 9)] == [3]
        with closing(journal.follow()) as follower:
            assert follower.wait(0, 0.0) == 1
    connection.execute("DROP SCHEMA locum CASCADE")
    connection.execute("DROP ROLE little")


def test_the_locks_of_the_functions_are_those_of_the_code(empty: str) -> None:
    with closing(PostgresJournal.open(empty, patience=0.05)) as journal:
        for turn in (Turn.ENTRIES, Turn.RECORDS):
            with turn_held(empty, turn), pytest.raises(StorageError, match="lock timeout"):
                journal.append(entries(1, 1), [row(1)], 0)
    assert KEY < 2**31
