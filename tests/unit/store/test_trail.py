"""The event history in parts answers what one plain list would, whichever of its parts are indexed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.store import AuditQuery, AuditRow, Field, Retention
from locum.store.memory import matches
from locum.store.sqlite_file import transaction
from locum.store.trail import Trail, _select

DAY = 86_400.0

rows = st.builds(
    AuditRow,
    at=st.floats(0, 100),
    account=st.sampled_from(["000000000000", "111111111111"]),
    event_id=st.sampled_from(["e1", "e2"]),
    request_id=st.sampled_from(["r1", "r2"]),
    event_name=st.sampled_from(["GetUser", "PutUser"]),
    event_source=st.sampled_from(["iam", "sts"]),
    username=st.sampled_from(["anna", ""]),
    access_key_id=st.sampled_from(["AKIA", ""]),
    principal=st.sampled_from(["arn:1", "arn:2"]),
    read_only=st.booleans(),
    denied=st.booleans(),
    management=st.booleans(),
    resources=st.lists(st.tuples(st.sampled_from(["T1", "T2"]), st.sampled_from(["n", "nn", "n\0n"])), max_size=2).map(
        tuple
    ),
    data=st.just(b"{}"),
    stranger=st.booleans(),
)
maybe = st.one_of(st.none(), st.booleans())
queries = st.builds(
    AuditQuery,
    account=st.sampled_from([None, "000000000000"]),
    field=st.sampled_from([None, *Field]),
    value=st.sampled_from(["e1", "r1", "PutUser", "iam", "anna", "AKIA", "arn:1", "n", "n\0n", "T1", ""]),
    start=st.one_of(st.none(), st.floats(0, 100)),
    end=st.one_of(st.none(), st.floats(0, 100)),
    read_only=maybe,
    denied=maybe,
    management=maybe,
    before=st.one_of(st.none(), st.integers(1, 40)),
    limit=st.integers(1, 5),
)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    made = sqlite3.connect(":memory:", isolation_level=None)
    yield made
    made.close()


def positions(everything: list[AuditRow]) -> list[int]:
    return list(range(1, len(everything) + 1))


def stored(connection: sqlite3.Connection, trail: Trail, batch: list[AuditRow]) -> None:
    trail.insert(connection, batch)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(rows, max_size=9), max_size=4), st.integers(0, 80), st.booleans(), queries)
def test_a_query_finds_what_it_means_however_far_the_indexes_are(
    batches: list[list[AuditRow]], steps: int, reopened: bool, query: AuditQuery
) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    trail = Trail(connection, Retention(), part_rows=7)
    for batch in batches:
        stored(connection, trail, batch)
    for _ in range(steps):
        trail.maintain(connection, 0.0)
    if reopened:
        trail = Trail(connection, Retention(), part_rows=7)
    everything = [row for batch in batches for row in batch]
    expected = [
        position
        for position, row in reversed(list(enumerate(everything, 1)))
        if (query.before is None or position < query.before) and matches(row, query)
    ]
    assert [position for position, _ in trail.find(connection, query)] == expected[: query.limit]
    after, limit = query.before or 0, query.limit
    assert [position for position, _ in trail.scan(connection, after, limit)] == positions(everything)[after:][:limit]
    connection.close()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9), st.booleans()), max_size=12))
def test_two_handles_of_one_file_fill_index_and_drop_the_same_parts(story: list[tuple[int, int, bool]]) -> None:
    with TemporaryDirectory() as directory:
        connections = [sqlite3.connect(f"{directory}/trail.db", isolation_level=None) for _ in range(2)]
        connections[0].execute("PRAGMA journal_mode = WAL")
        trails = [Trail(connection, Retention(rows=20), part_rows=5) for connection in connections]
        total = 0
        for writer, count, maintaining in story:
            connection, trail = connections[writer], trails[writer]
            with transaction(connection, "BEGIN IMMEDIATE"):
                trail.refresh(connection)
                if maintaining:
                    trail.maintain(connection, 0.0)
                trail.insert(connection, [row(float(total + n)) for n in range(1, count + 1)])
            total += count
            for other, seen in zip(connections, trails, strict=True):
                with transaction(other):
                    positions = [position for position, _ in seen.scan(other, 0, 1000)]
                    assert positions == list(range(total - len(positions) + 1, total + 1))
                    assert [int(data) for _, data in seen.find(other, AuditQuery(limit=1000))] == positions[::-1]
        for connection in connections:
            connection.close()


def row(at: float, *, stranger: bool = False) -> AuditRow:
    return AuditRow(at, "0", "e", "r", "N", "s", "", "", "", True, False, True, (), b"%d" % at, None, stranger)


def maintained(connection: sqlite3.Connection, trail: Trail, now: float) -> list[int]:
    while trail.maintain(connection, now):
        pass
    return [int(data) for _, data in trail.find(connection, AuditQuery(limit=1000))]


def test_what_is_beyond_the_number_of_rows_goes_a_part_at_a_time(connection: sqlite3.Connection) -> None:
    trail = Trail(connection, Retention(rows=10), part_rows=5)
    stored(connection, trail, [row(float(n)) for n in range(1, 24)])
    assert maintained(connection, trail, 30.0) == list(range(23, 10, -1))


def test_strangers_push_out_only_one_another(connection: sqlite3.Connection) -> None:
    trail = Trail(connection, Retention(rows=10, strangers=5), part_rows=5)
    stored(connection, trail, [row(float(n), stranger=n % 5 != 0) for n in range(1, 44)])
    assert maintained(connection, trail, 50.0) == [43, 42, 41, 40, 39, 38, 37, 36, *range(35, 0, -5)]
    stored(connection, trail, [row(float(n)) for n in range(44, 60)])
    assert maintained(connection, trail, 60.0)[-8:] == [46, 43, 42, 41, 39, 38, 37, 36]


def test_a_part_that_only_strangers_filled_is_searched_and_goes(connection: sqlite3.Connection) -> None:
    trail = Trail(connection, Retention(days=1, strangers=5), part_rows=5)
    stored(connection, trail, [row(float(n), stranger=n <= 10) for n in range(1, 13)])
    assert maintained(connection, trail, 12.0) == [12, 11, 10, 9, 8, 7, 6]
    assert [int(data) for _, data in trail.find(connection, AuditQuery(start=9.0))] == [12, 11, 10, 9]
    assert Trail(connection, Retention(), part_rows=5).scan(connection, 9, 2) == [(10, b"10"), (11, b"11")]


def test_what_is_older_than_its_days_goes_and_the_newest_part_stays(connection: sqlite3.Connection) -> None:
    trail = Trail(connection, Retention(days=1), part_rows=5)
    stored(connection, trail, [row(float(n)) for n in range(1, 13)])
    assert maintained(connection, trail, 8.0 + DAY) == [12, 11, 10, 9, 8, 7, 6]
    assert maintained(connection, trail, 1000.0 + DAY) == [12, 11]


def test_attack_rows_of_strangers_are_not_held_while_those_of_others_are(connection: sqlite3.Connection) -> None:
    trail = Trail(connection, Retention(days=1), part_rows=5)
    stored(connection, trail, [row(float(n))._replace(stranger=n % 2 == 0) for n in range(1, 23)])
    connection.execute("BEGIN")
    while trail.maintain(connection, 1000.0 + DAY, held=0):
        pass
    connection.execute("COMMIT")
    left = [position for position, _ in trail.find(connection, AuditQuery())]
    assert left == [22, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1]


def test_positions_go_on_after_a_restart_even_when_the_first_parts_are_gone(connection: sqlite3.Connection) -> None:
    trail = Trail(connection, Retention(rows=5), part_rows=5)
    stored(connection, trail, [row(float(n)) for n in range(1, 13)])
    maintained(connection, trail, 0.0)
    again = Trail(connection, Retention(rows=5), part_rows=5)
    stored(connection, again, [row(13.0)])
    assert [position for position, _ in again.find(connection, AuditQuery(limit=2))] == [13, 12]


def test_a_batch_that_was_rolled_back_leaves_no_trace(connection: sqlite3.Connection) -> None:
    trail = Trail(connection, Retention(), part_rows=5)
    connection.execute("BEGIN")
    trail.insert(connection, [row(1.0)])
    connection.execute("ROLLBACK")
    trail.refresh(connection)
    stored(connection, trail, [row(2.0)])
    assert trail.find(connection, AuditQuery()) == [(1, b"2")]


LOOKED_UP = [None, *(field for field in Field if field not in (Field.REQUEST_ID, Field.PRINCIPAL))]


@pytest.mark.parametrize("field", LOOKED_UP)
def test_what_a_full_part_has_not_is_known_without_reading_it(
    connection: sqlite3.Connection, field: Field | None
) -> None:
    """Ten million events are six hundred parts: a source or a resource that few events have is in few of them."""
    trail = filled(connection)
    looked_up = AuditQuery(account="999999999999", field=field, value="none", management=True)
    (part,) = trail._seen.parts(connection)
    sql, values = _select(part, looked_up, 50)
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert plan
    assert not any(step.startswith("SCAN") for step in plan), plan


def test_a_part_of_before_there_were_lists_of_resources_gets_them(connection: sqlite3.Connection) -> None:
    trail = Trail(connection, Retention(), part_rows=5)
    stored(connection, trail, [row(float(n))._replace(resources=(("T", f"name {n}"),)) for n in range(6)])
    connection.execute("CREATE INDEX trail_0_resources ON trail_0 (resources) WHERE resources <> ''")
    asked = AuditQuery(field=Field.RESOURCE_NAME, value="name 3")
    before = trail.find(connection, asked)
    while trail.maintain(connection, 0.0):
        pass
    assert len(before) == 1
    assert trail.find(connection, asked) == before
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    assert "trail_0_resource_name" in names
    assert "trail_0_resources" not in names


def test_attack_a_name_with_the_marks_between_resources_is_found_by_itself_alone(
    connection: sqlite3.Connection,
) -> None:
    trail = Trail(connection, Retention(), part_rows=2)
    hostile = "a\x1e\x1eAWS::IAM::Role\x1fadmin"
    stored(connection, trail, [row(1.0)._replace(resources=(("AWS::S3::Object", hostile),)), row(2.0), row(3.0)])
    for _ in range(2):
        found = {
            value: [it.position for it in trail.find(connection, AuditQuery(field=field, value=value))]
            for field, value in (
                (Field.RESOURCE_NAME, hostile),
                (Field.RESOURCE_NAME, "admin"),
                (Field.RESOURCE_TYPE, "AWS::IAM::Role"),
            )
        }
        assert found == {hostile: [1], "admin": [], "AWS::IAM::Role": []}
        while trail.maintain(connection, 0.0):
            pass


def test_attack_a_name_with_a_nul_hides_neither_itself_nor_what_is_named_after_it(
    connection: sqlite3.Connection,
) -> None:
    trail = Trail(connection, Retention(), part_rows=2)
    named = (("AWS::S3::Object", "a\0b"), ("AWS::IAM::Role", "admin"), ("AWS::S3::Object", "\u00e9"))
    stored(connection, trail, [row(1.0)._replace(resources=named), row(2.0), row(3.0)])
    for _ in range(2):
        found = {
            value: [it.position for it in trail.find(connection, AuditQuery(field=field, value=value))]
            for field, value in (
                *((Field.RESOURCE_NAME, name) for name in ("a\0b", "admin", "\u00e9", "a", "b")),
                *((Field.RESOURCE_TYPE, kind) for kind in ("AWS::S3::Object", "AWS::IAM::Role", "")),
            )
        }
        assert {value for value, positions in found.items() if not positions} == {"a", "b", ""}
        assert not any(positions not in ([], [1]) for positions in found.values())
        while trail.maintain(connection, 0.0):
            pass


def test_a_part_goes_with_its_lists(connection: sqlite3.Connection) -> None:
    trail = Trail(connection, Retention(rows=5), part_rows=5)
    stored(connection, trail, [row(float(n)) for n in range(20)])
    while trail.maintain(connection, 0.0):
        pass
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    assert not [name for name in names if name.startswith(("trail_0", "trail_1_"))]


def filled(connection: sqlite3.Connection) -> Trail:
    """The history of one full part, with all that it gets."""
    trail = Trail(connection, Retention(), part_rows=5)
    stored(connection, trail, [row(float(n)) for n in range(5)])
    while trail.maintain(connection, 0.0):
        pass
    return trail
