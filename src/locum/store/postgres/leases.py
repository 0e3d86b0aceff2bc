"""Leases in the database (`store.leases`): a row each, by the clock of the database's machine."""

from __future__ import annotations

from typing import Final

from locum.store.postgres.session import Session

_TAKE: Final = (
    "INSERT INTO locum.lease AS held (name, holder, until)"
    " VALUES (%(name)s, %(holder)s, clock_timestamp() + make_interval(secs => %(term)s))"
    " ON CONFLICT (name) DO UPDATE"
    " SET holder = excluded.holder, until = clock_timestamp() + make_interval(secs => %(term)s)"
    " WHERE held.holder = excluded.holder OR held.until <= clock_timestamp() RETURNING true"
)
_RELEASE: Final = "DELETE FROM locum.lease WHERE name = %s AND holder = %s"
_HOLDER: Final = "SELECT holder FROM locum.lease WHERE name = %s AND until > clock_timestamp()"


class PostgresLeases:
    """The leases of an installation (`Leases`)."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def take(self, name: str, holder: str, term: float) -> bool:
        with self._session.transaction() as connection:
            taken = connection.execute(_TAKE, {"name": name, "holder": holder, "term": term})
        return bool(taken.fetchall())

    def release(self, name: str, holder: str) -> None:
        with self._session.transaction() as connection:
            connection.execute(_RELEASE, (name, holder))

    def holder(self, name: str) -> str:
        found = self._session.rows(_HOLDER, (name,))
        return str(found[0][0]) if found else ""
