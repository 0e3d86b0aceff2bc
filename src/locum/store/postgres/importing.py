"""An import into the database of a new journal, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Final

from locum.core.clock import Entropy, system_entropy
from locum.core.errors import ConfigurationError
from locum.store.importing import Beginning
from locum.store.journal import AuditRow, Entry, Former, Retention, Use, Used
from locum.store.postgres import entries as entry_rows
from locum.store.postgres import schema, uses
from locum.store.postgres.days import Days, day_of
from locum.store.postgres.history import History
from locum.store.postgres.locks import HOLD, Turn
from locum.store.postgres.session import Connection, Session
from locum.store.postgres.target import Target, target

_PATIENCE: Final = 5.0
_ANSWER: Final = 600.0
"""Seconds for an answer: the last one is that all of it is on the disk."""

_UNHURRIED: Final = "SELECT set_config('idle_in_transaction_session_timeout', '0', true)"
"""What is imported comes as fast as it is read."""

_EMPTY: Final = (
    "SELECT last = 0 AND NOT EXISTS (SELECT FROM locum.checkpoint) AND (SELECT position = 0 FROM locum.trail_head)"
    " FROM locum.head"
)
_BEGIN: Final = "UPDATE locum.head SET installation = %s, last = %s, remembered = %s"
_PART: Final = "COPY locum.checkpoint (sequence, part, data) FROM STDIN (FORMAT BINARY)"
_FORMER: Final = "COPY locum.former (sequence, at, events) FROM STDIN (FORMAT BINARY)"


class PostgresImporter:
    """A database for a journal (`Importer`), whose schema is made where there is none."""

    def __init__(self, conninfo: str, entropy: Entropy = system_entropy) -> None:
        self._target = target(conninfo)
        self._entropy = entropy

    @contextmanager
    def importing(self, beginning: Beginning) -> Iterator[PostgresImport]:
        """See the port. Nobody writes to the database meanwhile."""
        session = Session(self._target, _PATIENCE, _ANSWER)
        try:
            schema.prepare(session, self._target, self._entropy)
            with session.turn(Turn.ENTRIES) as connection:
                for turn in (Turn.RECORDS, Turn.CHECKPOINT):
                    connection.execute(HOLD, (turn,))
                connection.execute(_UNHURRIED)
                found = PostgresImport(connection)
                found.begin(beginning, self._target)
                yield found
        finally:
            session.close()


class PostgresImport:
    """An import (`Import`) by a connection with an open transaction, which has all turns."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._last = 0

    def begin(self, beginning: Beginning, place: Target) -> None:
        """Give the journal its identity. Raises ConfigurationError where there is something in it."""
        if not self._connection.execute(_EMPTY).fetchall()[0][0]:
            raise ConfigurationError(f"{place.name} has a journal with something in it: name a new database")
        self._connection.execute(_BEGIN, (beginning.installation, beginning.before, beginning.remembered))
        self._last = beginning.before

    def entries(self, entries: Sequence[Entry]) -> None:
        """See the port."""
        entry_rows.insert(self._connection, entries, self._last, "", first=True)
        self._last = entries[-1].sequence

    def checkpoint(self, sequence: int, parts: Iterable[bytes]) -> None:
        """See the port."""
        with self._connection.cursor() as cursor, cursor.copy(_PART) as copy:
            copy.set_types(["int8", "int4", "bytea"])
            copy.write_row((sequence, 0, b""))
            for number, data in enumerate(parts, 1):
                copy.write_row((sequence, number, data))

    def rows(self, rows: Sequence[tuple[int, AuditRow]]) -> None:
        """See the port."""
        Days.make(self._connection, sorted({day_of(row.at) for _, row in rows if not row.stranger}))
        for _, run in groupby(enumerate(rows), lambda pair: pair[1][0] - pair[0]):
            found = [numbered for _, numbered in run]
            self._connection.execute("UPDATE locum.trail_head SET position = %s", (found[0][0] - 1,))
            History(Retention()).insert(self._connection, [row for _, row in found])

    def uses(self, used: Sequence[Used]) -> None:
        """See the port."""
        uses.write(self._connection, {Use(*it[:5]): it.at for it in used})

    def former(self, former: Sequence[Former]) -> None:
        """See the port."""
        with self._connection.cursor() as cursor, cursor.copy(_FORMER) as copy:
            copy.set_types(["int8", "float8", "bytea"])
            for row in former:
                copy.write_row(row)
