"""SQL on an archive, where it is. A statement is the operator's own, and runs in the operator's own process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import duckdb

from locum.audit.archive.files import PROTOCOL, ArchiveFiles
from locum.audit.archive.place import Place, client
from locum.core.errors import ConfigurationError

_FILES: Final = "installation=*/day=*/*.parquet"
_AT_ONCE: Final = 1_000
_VIEW: Final = (
    "CREATE VIEW records AS SELECT * FROM read_parquet('{}', hive_partitioning = true,"
    " hive_types = {{'installation': VARCHAR, 'day': DATE}})"
)


def query(where: Place, statement: str, environ: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The rows that `statement` answers, which selects from `records`.

    Raises ConfigurationError where the archive is empty or cannot be read, and for a statement that cannot be run.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    files = ArchiveFiles(client(where, environ), where)
    pattern = f"{where.prefix}/{_FILES}" if where.prefix else _FILES
    try:
        if not files.glob(pattern):
            raise ConfigurationError(
                f"there is no archive at s3://{where.bucket}/{where.prefix}, or none yet: the records of a day are "
                "written once it is over, or there are 20,000 of them"
            )
        with duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"}) as connection:
            connection.register_filesystem(files)
            connection.execute(_VIEW.format(f"{PROTOCOL}://{pattern}".replace("'", "''")))
            yield from _rows(connection.execute(statement))
    except (duckdb.Error, BotoCoreError, ClientError) as error:
        raise ConfigurationError(f"the archive cannot be queried: {error}") from error


def _rows(found: duckdb.DuckDBPyConnection) -> Iterator[dict[str, Any]]:
    names = [column[0] for column in found.description or ()]
    while rows := found.fetchmany(_AT_ONCE):
        yield from (dict(zip(names, row, strict=True)) for row in rows)
