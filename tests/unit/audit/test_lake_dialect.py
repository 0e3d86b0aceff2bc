"""Statements of CloudTrail Lake: what is run, what is refused, and what DuckDB itself would refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest
from sqlglot import exp

from locum.audit import Identity, Record, Resource
from locum.audit.lake.database import Database, text
from locum.audit.lake.dialect import InvalidStatementError, parsed
from locum.audit.lake.messages import Check, Ingest, Progress, Query
from locum.audit.lake.selection import Selection, Span
from locum.audit.record import encode
from locum.core.lake_statements import quoted, stores_named

STORE: Final = "0a1b2c3d-1111-2222-3333-444455556666"
OTHER: Final = "9a1b2c3d-1111-2222-3333-444455556666"
ACCOUNT: Final = "111122223333"
NOW: Final = 1_790_000_000.0
ALL: Final = ({"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]},)
SELECTION: Final = Selection(STORE, (Span(0.0, 1e15, ((ACCOUNT, 0.0),), "", ALL),))


def record(number: int, **fields: Any) -> bytes:
    given: dict[str, Any] = {
        "event_id": f"event-{number}",
        "request_id": f"request-{number}",
        "at": NOW - 86_400 + number,
        "account": ACCOUNT,
        "region": "us-east-1",
        "event_source": "iam.amazonaws.com",
        "service": "iam",
        "operation": ("CreateRole", "GetRole", "PutRolePolicy")[number % 3],
        "identity": Identity("user", f"arn:aws:iam::{ACCOUNT}:user/ann", ACCOUNT, "AIDA", "ann", "AKIA"),
        "read_only": number % 3 == 1,
        "parameters": {"roleName": f"role-{number}", "tags": [{"key": "a", "value": str(number)}]},
        "error_code": "AccessDenied" if number == 5 else "",
        "resources": (Resource("AWS::IAM::Role", "r", f"arn:aws:iam::{ACCOUNT}:role/role-{number}", ACCOUNT),),
        **fields,
    }
    return encode(Record(**given))


@pytest.fixture(scope="module")
def database() -> Database:
    """Nine events of the store, and one of another account."""
    made = Database(":memory:")
    assert made.answer(Progress("here", 0)).error == ""
    rows = [(number, record(number)) for number in range(9)] + [(9, record(9, account="444455556666"))]
    reply = made.answer(Ingest(rows, 9, [SELECTION, Selection(OTHER, (SELECTION.spans[0],))]))
    assert (reply.error, reply.position) == ("", 9)
    return made


@pytest.fixture
def run(database: Database, tmp_path: Path) -> Any:
    def run(statement: str, octets: int = 1 << 20) -> list[list[str]]:
        path = tmp_path / "result"
        reply = database.answer(Query(statement, [SELECTION], NOW, str(path), octets))
        assert reply.error == ""
        assert path.stat().st_mode & 0o777 == 0o600
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert reply.rows == len(lines) - 1
        assert reply.scanned == 9
        return lines[1:]

    return run


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT count(*) FROM {s}", [["9"]]),
        ('SELECT count(*) FROM "{s}"', [["9"]]),
        ("select EVENTNAME, COUNT(*) from {s} group by eventname order by 1 limit 1", [["CreateRole", "3"]]),
        ("SELECT eventName FROM {s} WHERE errorCode IS NOT NULL", [["PutRolePolicy"]]),
        ("SELECT errorCode FROM {s} WHERE eventID = 'event-1'", [[""]]),
        ("SELECT userIdentity.arn FROM {s} LIMIT 1", [[f"arn:aws:iam::{ACCOUNT}:user/ann"]]),
        ("SELECT {s}.userIdentity.userName FROM {s} LIMIT 1", [["ann"]]),
        ("SELECT element_at(requestParameters, 'roleName') FROM {s} WHERE eventID='event-2'", [["role-2"]]),
        ("SELECT element_at(requestParameters, 'none') FROM {s} WHERE eventID='event-2'", [[""]]),
        (
            "SELECT json_extract_scalar(element_at(requestParameters, 'tags'), '$[0].value') FROM {s} LIMIT 1",
            [["0"]],
        ),
        ("SELECT readOnly, eventTime FROM {s} WHERE eventID='event-1'", [["true", "2026-09-20 14:13:21.000"]]),
        ("SELECT count(*) FROM {s} WHERE eventTime > '2026-09-20 14:13:24'", [["4"]]),
        ("SELECT count(*) FROM {s} WHERE eventTime >= timestamp '2026-09-20 14:13:24.000'", [["5"]]),
        ("SELECT count(*) FROM {s} WHERE eventTime > current_timestamp - interval '1' day", [["8"]]),
        (
            "SELECT count(*) FROM {s} WHERE eventTime > date_add('day', -1, now()) AND date(eventTime) < current_date",
            [["8"]],
        ),
        (
            "SELECT date_trunc('day', min(eventTime)), day_of_week(min(eventTime)) FROM {s}",
            [["2026-09-20 00:00:00.000", "7"]],
        ),
        (
            "SELECT cardinality(resources), resources[1].arn FROM {s} WHERE eventID='event-0'",
            [["1", f"arn:aws:iam::{ACCOUNT}:role/role-0"]],
        ),
        ("SELECT r.type FROM {s} CROSS JOIN UNNEST(resources) AS t(r) LIMIT 1", [["AWS::IAM::Role"]]),
        ("SELECT contains(map_keys(requestParameters), 'roleName') FROM {s} LIMIT 1", [["true"]]),
        ("SELECT json_extract_scalar(eventJson, '$.eventName') FROM {s} WHERE eventID='event-0'", [["CreateRole"]]),
        ("SELECT length(eventJsonChecksum) FROM {s} LIMIT 1", [["64"]]),
        (
            "SELECT millisecond(min(eventTime)), yow(min(eventTime)), is_json_scalar('1') FROM {s}",
            [["0", "2026", "true"]],
        ),
        (
            "SELECT json_array_contains('[1]', 1), json_array_get('[1]', 0), json_array_length('[]') FROM {s} LIMIT 1",
            [["true", "1", "0"]],
        ),
        ("WITH events AS (SELECT eventName AS n FROM {s}) SELECT count(DISTINCT events.n) FROM events", [["3"]]),
        ("SELECT count(*) FROM {s} a LEFT JOIN {s} b ON a.eventID = b.eventID WHERE b.readOnly", [["3"]]),
        (
            "SELECT eventID FROM {s} WHERE eventID LIKE '%-1' UNION ALL SELECT 'b' FROM {s} WHERE eventID = 'event-8'",
            [["event-1"], ["b"]],
        ),
        ("SELECT eventID FROM {s} EXCEPT SELECT eventID FROM {s} WHERE eventID <> 'event-3'", [["event-3"]]),
        (
            "SELECT CASE WHEN readOnly THEN 'r' ELSE 'w' END AS k, count(*) FROM {s} GROUP BY 1 HAVING count(*) > 3",
            [["w", "6"]],
        ),
        (
            "SELECT eventID FROM (SELECT eventID FROM {s}) ORDER BY eventID DESC NULLS LAST OFFSET 1 LIMIT 1",
            [["event-7"]],
        ),
        ("/* '{s} */ SELECT count(*) -- '\n FROM {s};", [["9"]]),
    ],
)
def test_a_statement_of_the_documentation(run: Any, statement: str, expected: list[list[str]]) -> None:
    assert run(statement.format(s=STORE)) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "SELECT * FROM events",
        "SELECT * FROM progress",
        "SELECT * FROM {s}, events",
        'SELECT * FROM {s}, "store {s}"',
        "SELECT * FROM (WITH events AS (SELECT * FROM {s}) SELECT 1) AS a, events",
        'WITH "{s}" AS (SELECT 1) SELECT * FROM {s}',
        "SELECT * FROM main.{s}",
        "SELECT * FROM memory.main.events, {s}",
        "SELECT * FROM information_schema.tables, {s}",
        "SELECT * FROM sqlite_master, {s}",
        "SELECT * FROM duckdb_tables(), {s}",
        "SELECT * FROM {s}, read_csv('/etc/passwd')",
        "SELECT * FROM {s}, '/etc/passwd'",
        'SELECT * FROM {s}, "/etc/passwd.csv"',
        "SELECT * FROM {s}, glob('/*')",
        "SELECT * FROM {s}, range(1000000000000)",
        "SELECT sequence(1, 1000000000) FROM {s}",
        "SELECT repeat('a', 1000000000) FROM {s}",
        "SELECT lpad('a', 1000000000, 'b') FROM {s}",
        "SELECT getenv('HOME') FROM {s}",
        "SELECT current_setting('memory_limit') FROM {s}",
        "SELECT query('SELECT 1') FROM {s}",
        "SELECT random(), uuid() FROM {s}",
        "SELECT current_user FROM {s}",
        "SELECT rowid FROM {s}",
        "SELECT place FROM {s}",
        "SELECT instant, octets FROM {s}",
        "SELECT nothing FROM {s}",
        "SELECT COLUMNS('.*') FROM {s}",
        "SELECT eventName FROM {s} FOR UPDATE",
        "SELECT eventName INTO t FROM {s}",
        "SELECT eventName FROM {s} TABLESAMPLE BERNOULLI (10)",
        "SELECT eventName FROM {s} FOR VERSION AS OF 1",
        "SELECT CAST(eventName AS BLOB) FROM {s}",
        "SELECT eventTime AT TIME ZONE 'UTC' FROM {s}",
        "WITH RECURSIVE t(n) AS (SELECT 1 FROM {s} UNION ALL SELECT n + 1 FROM t) SELECT * FROM t",
        "SELECT 1 FROM {s}; SELECT 2 FROM {s}",
        "SELECT 1 FROM {s}; DROP TABLE events",
        "INSERT INTO {s} SELECT * FROM {s}",
        "DELETE FROM {s}",
        "UPDATE {s} SET eventName = 'a'",
        "DROP TABLE {s}",
        "CREATE TABLE t AS SELECT * FROM {s}",
        "ALTER TABLE {s} ADD COLUMN a INT",
        "COPY (SELECT * FROM {s}) TO '/tmp/out'",
        "COPY {s} FROM '/etc/passwd'",
        "ATTACH '/tmp/x.db' AS x",
        "INSTALL httpfs",
        "LOAD httpfs",
        "PRAGMA version",
        "SET memory_limit = '100GB'",
        "EXPLAIN SELECT * FROM {s}",
        "EXPLAIN ANALYZE SELECT * FROM {s}",
        "DESCRIBE {s}",
        "SHOW TABLES",
        "CALL pragma_version()",
        "EXPORT DATABASE '/tmp'",
        "CHECKPOINT",
        "USE memory",
        "BEGIN",
        "PREPARE a AS SELECT 1",
        "SELECT",
        "SELECT ' FROM {s}",
        "",
        ";",
    ],
)
def test_attack_what_is_no_documented_query_is_refused(database: Database, statement: str) -> None:
    assert database.answer(Check(statement.format(s=STORE))).error != ""


@pytest.mark.parametrize(
    "text", ["(" * 4_000 + "1" + ")" * 4_000, "CASE WHEN " * 900, "NOT " * 2_000 + "true", "- " * 3_000 + "1"]
)
def test_attack_nesting_without_end_is_refused(database: Database, text: str) -> None:
    assert database.answer(Check(f"SELECT {text} FROM {STORE}"[:10_000])).error != ""


ALLOWED: Final = """
abs any_value approx_count_distinct arg_max arg_min array_agg array_contains array_length array_slice array_to_string
avg ceil contains count count_if date_trunc day dayofmonth dayofyear dense_rank filter floor greatest hour isodow
json_array_length least length lower ltrim map_keys map_values max millisecond min minute month nullif quarter rank
regexp_extract replace round row_number rtrim second split split_part starts_with strpos substring sum trim unnest upper
weekofyear year
"""
"""Names of DuckDB's functions that a statement may use as well: none of them reads anything but its arguments."""


def test_attack_no_function_of_the_database_is_let_through_unknown(database: Database) -> None:
    named = database._connection.execute("SELECT DISTINCT function_name FROM duckdb_functions()").fetchall()
    let_through = set()
    for (name,) in named:
        if not name.isidentifier():
            continue
        for arguments in ("", "eventName", "eventName, eventName"):
            try:
                tree = parsed(f"SELECT {name}({arguments}) FROM {STORE}")
            except InvalidStatementError:
                continue
            if tree.sql("duckdb").upper().count(f"{name.upper()}("):
                let_through.add(name)
        if name != "unnest":
            with pytest.raises(InvalidStatementError):
                parsed(f"SELECT * FROM {STORE}, {name}('a')")
    assert let_through == set(ALLOWED.split())


@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT 1) TO '/tmp/locum-lake-attack'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        "ATTACH '/tmp/locum-lake-attack.db' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SET memory_limit = '100GB'",
        "SET threads = 64",
        "EXPORT DATABASE '/tmp/locum-lake-attack'",
        "SELECT * FROM database",
    ],
)
def test_attack_past_the_dialect_the_database_is_closed(database: Database, statement: str) -> None:
    with pytest.raises(duckdb.Error):
        database._connection.execute(statement)
    assert not Path("/tmp/locum-lake-attack").exists()


def test_attack_a_store_that_is_only_in_a_text_or_a_comment_is_not_read() -> None:
    assert stores_named(f"SELECT '{OTHER}', \"{STORE}\" -- {OTHER}\n /* {OTHER} */ FROM x") == (STORE,)
    assert stores_named(f"SELECT 'it''s {OTHER}' FROM {STORE.upper()}") == (STORE,)
    assert quoted(f"SELECT * FROM {STORE} -- x\n") == f'SELECT * FROM "{STORE}"  \n'


@pytest.mark.parametrize("text", [f"'{OTHER}", f"\\'{OTHER} FROM {STORE}", f'"a""{OTHER}', f"/* {OTHER}"])
def test_attack_an_open_quotation_hides_no_store(text: str) -> None:
    """What authorization does not see, the parser refuses."""
    statement = f"SELECT * FROM {text}"
    try:
        tables = {table.name for table in parsed(statement).find_all(exp.Table)}
    except InvalidStatementError:
        return
    assert tables <= set(stores_named(statement))


def test_attack_a_result_without_end_is_refused_and_leaves_no_file(database: Database, tmp_path: Path) -> None:
    statement = f"SELECT a.eventJson FROM {STORE} a CROSS JOIN {STORE} b CROSS JOIN {STORE} c"
    path = tmp_path / "result"
    reply = database.answer(Query(statement, [SELECTION], NOW, str(path), 1 << 18))
    assert "larger than" in reply.error
    assert not path.exists()


def test_attack_a_column_store_of_another_installation_is_emptied() -> None:
    made = Database(":memory:")
    made.answer(Progress("here", 0))
    made.answer(Ingest([(1, record(1))], 1, [SELECTION]))
    assert made.answer(Progress("here", 1)).position == 1
    assert made.answer(Progress("here", 0)).position == 0  # an older copy of the journal
    made.answer(Ingest([(1, record(1))], 1, [SELECTION]))
    assert made.answer(Progress("there", 5)).position == 0
    assert made._connection.execute("SELECT count(*) FROM events").fetchone() == (0,)


def test_values_of_a_result_are_texts() -> None:
    assert [text(None), text(True), text({"a": None}), text([1, "b"]), text(1.5)] == [
        "",
        "true",
        '{"a":null}',
        '[1,"b"]',
        "1.5",
    ]
