"""The partitions of the event history: two tables for each day, one of audit rows and one of their resources.

A table is made and filled with nothing before it is attached, which keeps neither readers nor writers waiting. One is
dropped when nobody reads: who has to wait for that for long keeps all others from reading, so it is tried later.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg

from locum.core.clock import DAY
from locum.store.postgres.locks import Turn
from locum.store.postgres.session import Connection, Session

_KINDS: Final = ("trail", "resource")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
DROP_PATIENCE: Final = 0.2
"""For how long, in seconds, the drop of a day waits for readers."""


class Days:
    """The days that have a partition, as far as the writing thread knows."""

    def __init__(self) -> None:
        self._known: set[int] = set()

    def ensure(self, session: Session, days: Iterable[int]) -> None:
        """Make what some of `days` lack."""
        missing = sorted(set(days) - self._known)
        if missing:
            with session.turn(Turn.RECORDS) as connection:
                self.make(connection, missing)
            self._known.update(missing)

    @staticmethod
    def make(connection: Connection, days: Iterable[int]) -> None:
        """Make what some of `days` lack, in a transaction that has the turn of audit rows."""
        for day in days:
            if not connection.execute(_is_there(day)).fetchall()[0][0]:
                for statement in _made(day):
                    connection.execute(statement.encode())

    def drop(self, session: Session, day: int) -> bool:
        """Drop a day. False where somebody reads: it is to be tried later."""
        self._known.discard(day)
        try:
            with session.turn(Turn.RECORDS, patience=DROP_PATIENCE, told=_in_use) as connection:
                for kind in _KINDS:
                    connection.execute(f"DROP TABLE IF EXISTS locum.{_table(kind, day)}".encode())
                connection.execute("DELETE FROM locum.trail_day WHERE day = %s", (day,))
        except _InUse:
            return False
        return True

    def forget(self) -> None:
        """Look anew: another node may have dropped some."""
        self._known.clear()


class _InUse(Exception):
    """Somebody reads, or writes, what was to be dropped."""


def _in_use(error: psycopg.Error) -> Exception | None:
    return _InUse() if isinstance(error, psycopg.errors.LockNotAvailable) else None


def day_of(at: float) -> int:
    """The day of an instant, counted from 1970-01-01 on."""
    return int(at // DAY)


def bounds(day: int) -> tuple[float, float]:
    """The instants of a day: from the first on, before the second."""
    return float(day * DAY), float((day + 1) * DAY)


def _table(kind: str, day: int) -> str:
    return f"{kind}_{(_EPOCH + timedelta(days=day)):%Y%m%d}"


def _is_there(day: int) -> bytes:
    return f"SELECT to_regclass('locum.{_table('trail', day)}') IS NOT NULL".encode()


def _made(day: int) -> list[str]:
    """The statements that make the tables of a day."""
    first, end = bounds(day)
    made: list[str] = []
    for kind in _KINDS:
        table = f"locum.{_table(kind, day)}"
        made += [
            f"CREATE TABLE {table} (LIKE locum.{kind} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)",
            f"ALTER TABLE locum.{kind} ATTACH PARTITION {table} FOR VALUES FROM ({first}) TO ({end})",
        ]
    return made
