"""A server that stood still takes itself for the primary that it was: nothing that it answers passes for current.

Such a server has been left by its standbys, so that it can commit nothing, and answers whatever only reads.
"""

from __future__ import annotations

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
"""Seconds that the server has for an answer: a commit of the former primary gets none."""


@pytest.fixture
def conninfo(tmp_path: Path) -> str:
    return conninfo_of(tmp_path)


class Uptime:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_new_connection_does_not_take_its_word(conninfo: str) -> None:
    journal = PostgresJournal.open(conninfo)
    with closing(journal), former_primary(conninfo):
        session = Session(target(conninfo), PATIENCE, ANSWER)
        with pytest.raises(PassingStorageError, match="no answer within"):
            last(session)
        session.close()


def test_a_connection_that_was_silent_for_a_while_does_not_either(conninfo: str) -> None:
    uptime = Uptime()
    with closing(PostgresJournal.open(conninfo)):
        session = Session(target(conninfo), PATIENCE, ANSWER, uptime=uptime)
        assert last(session) == 0
        with former_primary(conninfo):
            uptime.now += 60.0
            with pytest.raises(PassingStorageError, match="no answer within"):
                last(session)
        assert last(session) == 0
        session.close()


def test_a_standby_that_is_away_keeps_nobody_from_looking_who_looked_all_the_time(conninfo: str) -> None:
    uptime = Uptime()
    with closing(PostgresJournal.open(conninfo)):
        session = Session(target(conninfo), PATIENCE, ANSWER, uptime=uptime)
        assert last(session) == 0
        with former_primary(conninfo):
            for _ in range(20):
                uptime.now += 1.0
                assert last(session) == 0
        session.close()


def test_its_entries_are_not_read_and_a_journal_that_is_behind_is_not_taken_for_damaged(conninfo: str) -> None:
    with closing(PostgresJournal.open(conninfo)) as journal:
        journal.append(entries(1, 1), [], 0)
    journal = PostgresJournal.open(conninfo, answer=ANSWER)
    unanswered = pytest.raises(PassingStorageError, match="no answer within")
    with closing(journal), former_primary(conninfo), unanswered:
        list(journal.read(7))
