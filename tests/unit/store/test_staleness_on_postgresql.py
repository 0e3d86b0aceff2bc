"""Nodes over PostgreSQL whose server is stopped: it answers nothing, and its connections stay."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from locum.core.errors import Fault
from locum.store import Ledger
from locum.store.postgres import PostgresJournal
from support.ledgers import NOW, QUICK, creates, names, opened, reached, run, silent
from support.postgresql import ONE_SERVER, conninfo_of
from support.silent_journals import Uptime

pytestmark = ONE_SERVER


@contextmanager
def stopped(conninfo: str) -> Iterator[None]:
    """The processes that serve the connections of a database, stopped for as long as the block runs."""
    others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with psycopg.connect(conninfo) as connection:
        processes = [int(pid) for (pid,) in connection.execute(others)]
    assert processes
    try:
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


def test_a_node_whose_database_hangs_serves_nothing_and_recovers_by_itself(tmp_path: Path) -> None:
    conninfo, uptime = conninfo_of(tmp_path), Uptime()

    async def story() -> None:
        here = opened(PostgresJournal.open(conninfo))
        hasty, patient = (replace(QUICK, ask=seconds) for seconds in (0.0, 30.0))
        there, later = (
            Ledger.open(PostgresJournal.open(conninfo), lambda: NOW, limits, uptime=uptime)
            for limits in (hasty, patient)
        )
        there.follow()
        later.follow()
        await here.transact(creates("app"), silent)
        await reached(there, 1)
        assert names(await later.reached(1)) == {"app"}
        with stopped(conninfo):
            uptime.now += 2.1
            assert there.stale
            with pytest.raises(Fault, match="ServiceUnavailable"):
                await there.fresh()
            assert there.failure == ""
        assert names(await later.fresh()) == {"app"}
        await here.transact(creates("web"), silent)
        assert names(await later.reached(2)) == {"app", "web"}
        for ledger in (here, there, later):
            await ledger.close()

    run(story())
