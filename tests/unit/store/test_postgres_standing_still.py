"""A server that stands still is found out by whoever looks, and by nobody else anew."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from locum.core.errors import PassingStorageError
from locum.store.postgres import PostgresJournal
from locum.store.postgres.entries import last
from locum.store.postgres.session import Session
from locum.store.postgres.target import target
from support.journals import entries
from support.postgresql import ONE_SERVER, conninfo_of
from support.postgresql_attacks import former_primary

pytestmark = ONE_SERVER
PATIENCE = 5.0
ANSWER = 0.5
STILL = "SELECT pg_sleep(60)"


@pytest.fixture
def conninfo(tmp_path: Path) -> str:
    return conninfo_of(tmp_path)


def test_a_look_without_an_answer_is_told(conninfo: str) -> None:
    told: list[str] = []
    session = Session(target(conninfo), PATIENCE, ANSWER, unanswered=lambda: told.append("unanswered"))
    with closing(session), pytest.raises(PassingStorageError, match="no answer within"):
        session.rows(STILL)
    assert told == ["unanswered"]


def test_a_server_that_waits_for_its_standbys_does_not_stand_still(conninfo: str) -> None:
    told: list[str] = []
    with closing(PostgresJournal.open(conninfo)), former_primary(conninfo):
        session = Session(target(conninfo), PATIENCE, ANSWER, unanswered=lambda: told.append("unanswered"))
        with closing(session), pytest.raises(PassingStorageError, match="no answer within"):
            last(session)
    assert told == []


def test_who_waits_meanwhile_is_refused_at_once_and_the_next_call_connects_anew(conninfo: str) -> None:
    with closing(PostgresJournal.open(conninfo)) as journal, ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(session.rows, STILL) for session in (journal._writer, journal._reader)]
        while not all(work.running() for work in waiting):
            pass
        while any(not work.done() for work in waiting):
            journal._interrupt()
        assert all(isinstance(work.exception(), PassingStorageError) for work in waiting)
        journal.append(entries(1, 1), [], 0, "batch")
        assert (journal.last(), journal.settled("batch")) == (1, 1)
