"""The process that writes one file of an archive: rows at its standard input become Parquet, which goes to the store.

What is heavy (DuckDB, botocore's client) the plane does not have to carry. The credentials are in its environment.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final

import msgspec

from locum.audit.archive.place import Place, client
from locum.audit.cloudtrail import render
from locum.audit.record import Record, decode
from locum.core.clock import iso8601_ms

COLUMNS: Final = {
    "position": "BIGINT",
    "time": "TIMESTAMP",
    "account": "VARCHAR",
    "region": "VARCHAR",
    "event_source": "VARCHAR",
    "event_name": "VARCHAR",
    "event_id": "VARCHAR",
    "request_id": "VARCHAR",
    "principal": "VARCHAR",
    "username": "VARCHAR",
    "access_key_id": "VARCHAR",
    "source_ip": "VARCHAR",
    "user_agent": "VARCHAR",
    "status": "INTEGER",
    "error_code": "VARCHAR",
    "verdict": "VARCHAR",
    "denied": "BOOLEAN",
    "read_only": "BOOLEAN",
    "management": "BOOLEAN",
    "resources": "VARCHAR[]",
    "event": "VARCHAR",
    "record": "VARCHAR",
}
"""`event` is the event of CloudTrail, `record` what Locum itself has of it, with how it was decided; both are JSON."""

_ROWS: Final = "rows"
"""The name of the object's metadata with a digest of what it was made of."""


class Rows(msgspec.Struct, frozen=True):
    """What the process is given: a place and a key, and rows with their positions."""

    place: tuple[str, str, str]
    key: str
    rows: list[tuple[int, bytes]]


def main() -> None:
    """Write what is at the standard input. Where that cannot be done, the last line of what is said tells why."""
    os.umask(0o077)
    told = stored(msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Rows))
    if told:
        sys.exit(told)


def stored(given: Rows) -> str:
    """Store a file, unless it is there. What is wrong; empty where it is there then."""
    where, digest = Place(*given.place), _digest(given.rows)
    store = client(where, os.environ)
    present = _present(store, where.bucket, given.key)
    if present is not None:
        return "" if present == digest else f"{given.key} has other records: another plane archives at this place"
    with TemporaryDirectory(prefix="locum-archive-") as folder:
        path = Path(folder) / "rows.parquet"
        write(given.rows, path)
        content = path.read_bytes()
    md5 = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
    store.put_object(Bucket=where.bucket, Key=given.key, Body=content, ContentMD5=md5, Metadata={_ROWS: digest})
    return ""


def _present(store: Any, bucket: str, key: str) -> str | None:
    """The digest of what the file that is there was made of; None where there is none."""
    from botocore.exceptions import ClientError  # noqa: PLC0415

    try:
        return str(store.head_object(Bucket=bucket, Key=key)["Metadata"].get(_ROWS, ""))
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return None
        raise


def _digest(rows: Iterable[tuple[int, bytes]]) -> str:
    digest = hashlib.sha256()
    for position, data in rows:
        digest.update(b"%d %d " % (position, len(data)) + data)
    return digest.hexdigest()


def write(rows: Iterable[tuple[int, bytes]], path: Path) -> None:
    """Write rows as a Parquet file."""
    import duckdb  # noqa: PLC0415 - an extra

    lines = path.with_suffix(".json")
    with lines.open("wb") as file:
        _write_lines(file, rows)
    names = json.dumps(COLUMNS)
    reading = f"read_json(?, format = 'newline_delimited', columns = {names.replace(chr(34), chr(39))})"
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.execute(
            f"COPY (SELECT * FROM {reading} ORDER BY position) TO '{path}'"  # noqa: S608 - a path of ours
            " (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 10000)",
            [str(lines)],
        )


def _write_lines(file: IO[bytes], rows: Iterable[tuple[int, bytes]]) -> None:
    for position, data in rows:
        values = zip(COLUMNS, _values(position, decode(data), data), strict=True)
        file.write(msgspec.json.encode(dict(values)) + b"\n")


def _values(position: int, record: Record, data: bytes) -> Iterator[Any]:
    identity = record.identity
    yield from (position, iso8601_ms(record.at).removesuffix("Z"), record.account, record.region)
    yield from (record.event_source, record.operation)
    yield from (record.event_id, record.request_id, identity.principal_arn, identity.username, identity.access_key_id)
    yield from (record.source_ip, record.user_agent, record.status, record.error_code, record.verdict, record.denied)
    yield from (record.read_only, record.management, [it.arn or it.name for it in record.resources])
    yield from (render(record), data.decode())
