"""The listener to what other nodes append hears whatever comes, also what comes together with an answer."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from locum.store.postgres.bell import Ear
from locum.store.postgres.target import target
from support.postgresql import ONE_SERVER, conninfo_of

pytestmark = ONE_SERVER
LONG = 60.0


def test_what_is_told_along_with_the_answer_to_a_look_is_heard(tmp_path: Path) -> None:
    """Both are read from the socket at once: it has nothing more to say, and libpq keeps what nobody asked for."""
    database = conninfo_of(tmp_path)
    ear = Ear(target(database), 5.0, 5.0)
    ear.last()
    ear.attend()
    with psycopg.connect(database, autocommit=True) as other:
        look_together_with(ear, lambda: other.execute("NOTIFY locum"))
    begun = time.monotonic()
    ear.wait(LONG)
    assert time.monotonic() - begun < LONG / 2
    ear.close()
    ear.release()


def look_together_with(ear: Ear, tell: Callable[[], object]) -> None:
    """A query whose answer is read when what is told after it is there as well."""
    assert ear._session.current is not None
    connection = ear._session.current.pgconn
    connection.send_query(b"SELECT 1")
    connection.flush()
    tell()
    with socket.socket(fileno=os.dup(connection.socket)) as same:
        same.settimeout(LONG)
        while b"locum" not in same.recv(65_536, socket.MSG_PEEK):
            pass
        same.setblocking(False)
    connection.consume_input()
    while connection.get_result() is not None:
        pass


@pytest.mark.parametrize("seconds", [0.0, 0.01])
def test_where_nothing_is_told_the_wait_ends_with_its_time(tmp_path: Path, seconds: float) -> None:
    ear = Ear(target(conninfo_of(tmp_path)), 5.0, 5.0)
    ear.last()
    ear.attend()
    ear.wait(seconds)
    assert ear.last() == 0
    ear.close()
    ear.release()
