from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.store.journal import AuditRow, Use
from locum.store.latest_uses import COARSE
from locum.store.usage import TRACKED_DAYS, UsageTable

DAY = 86_400
ACCOUNT = "111122223333"


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    made = sqlite3.connect(":memory:", isolation_level=None)
    yield made
    made.close()


def row(at: float, action: str = "s3:GetObject", principal: str = "AROAAPP", region: str = "us-east-1") -> AuditRow:
    use = Use(ACCOUNT, principal, "", action, region)
    return AuditRow(at, ACCOUNT, "e", "r", "N", "s", "", "", "", True, False, True, (), b"", use)


def stored(connection: sqlite3.Connection) -> list[float]:
    return [at for (at,) in connection.execute("SELECT at FROM usage ORDER BY at")]


def test_a_use_is_written_when_it_is_new_and_when_it_moved_on_by_a_while(connection: sqlite3.Connection) -> None:
    table = UsageTable(connection)
    for at, expected in ((10.0, 10.0), (11.0, 10.0), (9.0 + COARSE, 10.0), (11.0 + COARSE, 11.0 + COARSE)):
        table.note(connection, [row(at)])
        assert stored(connection) == [expected]
        (found,) = table.find(connection, ACCOUNT, "AROAAPP")
        assert found.at == at


def test_what_memory_does_not_keep_the_table_has(connection: sqlite3.Connection) -> None:
    table = UsageTable(connection, kept=3)
    for at in (1.0, 2.0):
        table.note(connection, [row(at, f"s3:Action{n}") for n in range(5)])
    assert {found.action: found.at for found in table.find(connection, ACCOUNT, None)} == {
        f"s3:Action{n}": 2.0 for n in range(5)
    }


def test_what_is_older_than_is_tracked_goes_once_a_day(connection: sqlite3.Connection) -> None:
    table = UsageTable(connection)
    now = (TRACKED_DAYS + 10.0) * DAY
    table.note(connection, [row(9.0 * DAY, "s3:Old"), row(11.0 * DAY, "s3:New")])
    table.forget(connection, now)
    assert stored(connection) == [11.0 * DAY]
    table.forget(connection, now + DAY - 1)
    assert stored(connection) == [11.0 * DAY]
    table.forget(connection, now + DAY + 1)
    assert stored(connection) == []


rows = st.builds(
    row,
    st.floats(1.0, 400.0),
    st.sampled_from(["s3:GetObject", "s3:PutObject"]),
    st.sampled_from(["AROAAPP", "AIDAANN"]),
    st.sampled_from(["us-east-1", "eu-west-1"]),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(rows, max_size=6), max_size=6), st.integers(0, 3), st.booleans())
def test_the_last_uses_are_the_latest_of_each(batches: list[list[AuditRow]], kept: int, settled: bool) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    table = UsageTable(connection, kept)
    latest: dict[Use | None, float] = {}
    for batch in batches:
        table.note(connection, batch)
        for noted in batch:
            latest[noted.use] = max(noted.at, latest.get(noted.use, 0.0))
    if settled:
        table.settle(connection)
        table = UsageTable(connection)
    assert {Use(*found[:5]): found.at for found in table.find(connection, ACCOUNT, None)} == latest
    connection.close()
