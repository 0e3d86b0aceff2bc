"""The column store: DuckDB, closed to everything but its own file. DuckDB is imported here alone.

DuckDB documentation, "Securing DuckDB". Nothing of a statement is trusted because of this, and nothing that a statement
could do past `dialect` is possible because of this: no other files, no network, no extensions, no settings.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec

from locum.audit.cloudtrail import cloudtrail_event
from locum.audit.lake.dialect import MACROS, STORE_PREFIX, InvalidStatementError, parsed, rewritten, stores_of
from locum.audit.lake.messages import Add, Check, Forget, Ingest, Progress, Query, Reply, Request
from locum.audit.lake.schema import ADD, CREATE, CREATE_ADDED, STAGED
from locum.audit.lake.selection import Selection, any_of
from locum.audit.record import Record, decode

MEMORY: Final = "1GB"
THREADS: Final = 2
_SETTINGS: Final[dict[str, Any]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "memory_limit": MEMORY,
    "threads": THREADS,
    "temp_directory": "",
    "storage_compatibility_version": "latest",  # strings compressed by zstd
}
_AT_ONCE: Final = 1_000
_encode: Final = msgspec.json.Encoder(enc_hook=str).encode


class Database:
    """The column store in the file `path`, or in memory (`:memory:`). Raises duckdb.Error where it cannot be opened."""

    def __init__(self, path: str) -> None:
        self._connection = duckdb.connect(path, config=_SETTINGS)
        if not self._has_tables():
            self._create()
        self._connection.execute(CREATE_ADDED)
        for macro in MACROS:
            self._connection.execute(macro)
        self._connection.execute("SET enable_progress_bar = false")
        self._connection.execute("SET lock_configuration = true")

    def close(self) -> None:
        """Write everything to the file, and let go of it."""
        self._connection.close()

    def answer(self, request: Request) -> Reply:
        """The reply to a request. Errors of the statement and limits that it meets are in the reply."""
        try:
            match request:
                case Check():
                    return self._check(request)
                case Progress():
                    return self._progress(request)
                case Ingest():
                    return self._ingest(request)
                case Add():
                    return self._add(request)
                case Forget():
                    return self._forget(request)
                case Query():
                    return self._query(request)
        except InvalidStatementError as error:
            return Reply(error=str(error))
        except (duckdb.OutOfMemoryException, MemoryError):
            return Reply(error="The query takes more memory than a query can have.", exhausted=True)
        except (duckdb.Error, RecursionError) as error:
            return Reply(error=(str(error).splitlines() or [type(error).__name__])[0][:500])

    def _has_tables(self) -> bool:
        found = self._connection.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'progress'"
        ).fetchone()
        return found is not None and found[0] > 0

    def _create(self) -> None:
        for statement in CREATE:
            self._connection.execute(statement)
        self._connection.execute("INSERT INTO progress VALUES (0, '')")

    def _check(self, request: Check) -> Reply:
        """Have DuckDB plan the statement as well: columns and types."""
        tree = parsed(request.statement)
        selections = [Selection(name, (), activity=name in request.activity) for name in stores_of(tree)]
        self._views(selections)
        self._connection.execute("EXPLAIN " + rewritten(tree, [it.id for it in selections], 0.0))
        return Reply(stores=[it.id for it in selections])

    def _progress(self, request: Progress) -> Reply:
        position, installation = self._connection.execute("SELECT position, installation FROM progress").fetchall()[0]
        if installation != request.installation or position > request.newest:
            for table in ("events", "progress"):
                self._connection.execute(f"DROP TABLE {table}")
            self._create()
            if installation != request.installation:
                self._connection.execute("DELETE FROM added")
            self._connection.execute("UPDATE progress SET installation = $1", [request.installation])
            position = 0
        return Reply(position=position)

    def _ingest(self, request: Ingest) -> Reply:
        records = [(position, decode(data)) for position, data in request.rows]
        records = [(position, record) for position, record in records if _is_event(record)]
        columns = (
            [position for position, _ in records],
            [record.at for _, record in records],
            [_encode(cloudtrail_event(record)).decode() for _, record in records],
        )
        self._connection.execute("BEGIN")
        try:
            condition = any_of([it.sql for it in request.selections])
            insert = f"INSERT INTO events SELECT * FROM ({STAGED}) WHERE {condition}"  # noqa: S608 - texts are quoted
            self._connection.execute(insert, columns)
            self._connection.execute("UPDATE progress SET position = $1", [request.position])
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        return Reply(position=request.position)

    def _add(self, request: Add) -> Reply:
        columns = [list(column) for column in zip(*request.rows, strict=True)]
        added = self._connection.execute(ADD, columns).fetchone() if columns else None
        return Reply(rows=added[0] if added else 0)

    def _forget(self, request: Forget) -> Reply:
        condition = any_of([it.sql for it in request.selections])
        self._connection.execute(f"DELETE FROM events WHERE NOT {condition}")  # noqa: S608 - texts are quoted
        given = any_of([it.added_sql for it in request.selections])
        self._connection.execute(f"DELETE FROM added WHERE NOT {given}")  # noqa: S608 - texts are quoted
        self._connection.execute("CHECKPOINT")
        return Reply()

    def _views(self, selections: Sequence[Selection]) -> None:
        for it in selections:
            view = f'CREATE OR REPLACE TEMP VIEW "{STORE_PREFIX}{it.id}" AS {it.relation}'
            self._connection.execute(view)

    def _totals(self, selection: Selection) -> Iterator[tuple[int, int]]:
        """How many events a store has, and their octets: of the history, and of what it was given."""
        for table, condition in (("events", selection.sql), ("added", selection.added_sql)):
            counted = f"SELECT count(*), coalesce(sum(octets), 0)::BIGINT FROM {table} WHERE {condition}"  # noqa: S608
            yield from self._connection.execute(counted).fetchall()

    def _query(self, request: Query) -> Reply:
        tree = parsed(request.statement)
        self._views(request.selections)
        sql = rewritten(tree, [it.id for it in request.selections], request.now)
        totals = [total for it in request.selections for total in self._totals(it)]
        cursor = self._connection.execute(sql)
        rows = _write(request, [column[0] for column in cursor.description or ()], _fetched(cursor))
        return Reply(rows=rows, scanned=sum(total[0] for total in totals), octets=sum(total[1] for total in totals))


def _is_event(record: Record) -> bool:
    """Whether CloudTrail has an event of a call: of one that nobody was authenticated for, if a service took it.

    Of all others anybody could cause as many as they like, to be kept for years.
    """
    return not record.stranger or record.verdict == "allow"


def _fetched(cursor: Any) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(_AT_ONCE):
        yield from rows


def _write(request: Query, names: list[str], rows: Iterator[tuple[Any, ...]]) -> int:
    """Write a result: a line of JSON for the names of the columns and for each row. The number of rows.

    Raises InvalidStatementError where it is longer than it may be; then there is no file.
    """
    count, octets = 0, 0
    descriptor = os.open(request.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        octets += file.write(json.dumps(names).encode() + b"\n")
        for row in rows:
            octets += file.write(_encode([text(value) for value in row]) + b"\n")
            count += 1
            if octets > request.octets:
                break
    if octets > request.octets:
        Path(request.path).unlink()
        raise InvalidStatementError(f"The result is larger than {request.octets >> 20} MiB. Add a LIMIT to the query.")
    return count


def text(value: Any) -> str:
    """A value of a result as text: times as Trino writes them, structures, maps and arrays as JSON, NULL as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat(" ", "milliseconds")
    return _encode(value).decode() if isinstance(value, (dict, list)) else str(value)
