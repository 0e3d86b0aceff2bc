"""The column store of CloudTrail Lake takes in the event history in steps, and loses nothing."""

from __future__ import annotations

import asyncio
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from locum.agents.lake import upkeep
from locum.audit.lake import process
from locum.core.errors import LocumError, StorageError
from locum.store.journal import AuditRow
from support.inprocess import InProcess, refusal
from support.lake import Lake


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[InProcess]:
    running = InProcess(tmp_path / "data")
    yield running
    running.close()


@pytest.fixture
def lake(plane: InProcess) -> Lake:
    return Lake(plane)


def rows(plane: InProcess, count: int) -> list[AuditRow]:
    """Rows of as many calls of ListUsers as of now."""
    plane.client("iam").list_users()
    record, now = plane.records(1)[0], plane.node.runtime.clock()
    made = (msgspec.structs.replace(record, event_id=f"event-{n}", at=now + n / 1_000) for n in range(count))
    return [it.row() for it in made]


def counted(lake: Lake, store: str) -> int:
    statement = f"SELECT count(*), count(DISTINCT eventID) FROM {store} WHERE eventID LIKE 'event-%'"
    ((whole, distinct),) = lake.rows(statement)
    assert whole == distinct
    return int(whole)


def test_what_comes_is_taken_in_once(plane: InProcess, lake: Lake) -> None:
    store = lake.store("once")
    found = rows(plane, 5_000)
    for start, end in ((0, 10), (10, 2_100), (2_100, 5_000)):
        plane.node.journal.record(found[start:end])
        assert counted(lake, store) == end


def test_attack_a_process_that_is_killed_while_it_takes_in_events(plane: InProcess, lake: Lake) -> None:
    store = lake.store("killed")
    found = rows(plane, 6_000)
    plane.node.journal.record(found)
    worker = plane.node.lake.store._worker

    log = plane.node.options.data / "lake" / "events.duckdb.wal"

    async def killed(when: Callable[[], bool]) -> None:
        taken = asyncio.ensure_future(plane.node.lake.store.catch_up())
        while not when():  # noqa: ASYNC110 - what is waited for is of another process
            await asyncio.sleep(0)
        worker.kill()
        await taken

    for when in (lambda: worker.running, lambda: log.exists() and log.stat().st_size > 100_000):
        with pytest.raises(StorageError):
            plane.run(killed(when))
    assert counted(lake, store) == 6_000


def test_events_are_taken_in_before_the_history_drops_them(
    plane: InProcess, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, keeper, most = lake.store("lagging"), plane.node.lake, 1_000
    monkeypatch.setattr(upkeep, "MOST_LAG", most)
    found = rows(plane, most)
    plane.node.journal.record(found[: most // 2])
    plane.run(keeper.upkeep.once())
    assert plane.run(keeper.store.lag()) >= most // 2
    plane.node.journal.record(found[most // 2 :])
    plane.run(keeper.upkeep.once())
    assert plane.run(keeper.store.lag()) == 0
    assert counted(lake, store) == most


def test_a_store_keeps_events_for_its_retention_alone(plane: InProcess, lake: Lake) -> None:
    short, long = lake.store("short", RetentionPeriod=7), lake.store("long", RetentionPeriod=30)
    plane.node.journal.record(rows(plane, 10))
    assert (counted(lake, short), counted(lake, long)) == (10, 10)
    plane.node.runtime.clock.move(8 * 86_400)
    assert (counted(lake, short), counted(lake, long)) == (0, 10)
    plane.run(plane.node.lake.upkeep.once())
    assert counted(lake, long) == 10
    plane.node.runtime.clock.move(31 * 86_400)
    assert counted(lake, long) == 0


def test_nothing_runs_where_no_store_is(plane: InProcess) -> None:
    plane.run(plane.node.lake.upkeep.once())
    assert not plane.node.lake.store._worker.running
    assert not (plane.node.options.data / "lake").exists()


def test_processes_end_when_nobody_uses_them(plane: InProcess, lake: Lake) -> None:
    store = lake.store("resting")
    plane.node.journal.record(rows(plane, 10))
    assert counted(lake, store) == 10
    plane.run(plane.node.lake.store.rest())
    assert not plane.node.lake.store._worker.running
    assert counted(lake, store) == 10


def test_without_its_extra_a_query_is_refused_and_the_plane_goes_on(
    plane: InProcess, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = lake.store("missing")
    monkeypatch.setattr(process, "PACKAGES", ("no_such_package",))
    code, _, message = refusal(lake.client.start_query, QueryStatement=f"SELECT 1 FROM {store}")
    assert (code, "extra analyze" in message) == ("UnsupportedOperationException", True)
    assert lake.client.get_event_data_store(EventDataStore=store)["Status"] == "ENABLED"
    with pytest.raises(LocumError, match="extra analyze"):
        plane.run(plane.node.lake.store.catch_up())


def test_attack_the_process_has_nothing_of_the_environment(
    plane: InProcess, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCUM_SECRET", "keyring")
    lake.rows(f"SELECT count(*) FROM {lake.store('environment')}")
    worker = plane.node.lake.store._worker._process
    assert worker is not None
    assert b"LOCUM" not in Path(f"/proc/{worker.pid}/environ").read_bytes()
    opened = {str(path.readlink()) for path in Path(f"/proc/{worker.pid}/fd").iterdir()}
    assert not any("locum.db" in path or "keyring" in path for path in opened)


_PLANE = """
import sys
from pathlib import Path
from threading import Thread
from locum.audit.lake.messages import Progress, Query
from locum.audit.lake.process import Worker
from locum.audit.lake.selection import Selection
worker = Worker(Path(sys.argv[1]))
worker.ask(Progress("here", 0), 60)
store = "0a1b2c3d-1111-2222-3333-444455556666"
many = "SELECT x FROM UNNEST(split('" + "a," * 700 + "', ',')) AS t(x)"
tables, texts = ", ".join(f"m AS t{n}" for n in range(6)), " || ".join(f"t{n}.x" for n in range(6))
one = f"(SELECT count(*) FROM {store}) s"
statement = f"WITH m AS ({many}) SELECT count(*) FROM {one}, {tables} WHERE length({texts}) < 0"
query = Query(statement, [Selection(store, ())], 0.0, sys.argv[1] + ".out", 1000)
Thread(target=worker.ask, args=(query, 600), daemon=True).start()
print(worker._process.pid, flush=True)
sys.stdin.read()
"""


def test_attack_the_process_of_a_plane_that_was_killed_ends_with_it(tmp_path: Path) -> None:
    words = [sys.executable, "-c", _PLANE, str(tmp_path / "events.duckdb")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None
        ended = os.pidfd_open(int(killed.stdout.readline()))
        killed.kill()
    waiting = select.poll()
    waiting.register(ended, select.POLLIN)
    try:
        assert waiting.poll(20_000)
    finally:
        os.close(ended)
