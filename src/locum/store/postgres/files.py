"""The files of an installation in the database (`store.installation_files`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from locum.core.errors import StorageError
from locum.store.postgres.session import Session

_READ: Final = "SELECT content FROM locum.file WHERE name = %s"
_CREATE: Final = "INSERT INTO locum.file (name, content) VALUES (%s, %b) ON CONFLICT (name) DO NOTHING"
_WRITE: Final = (
    "INSERT INTO locum.file (name, content) VALUES (%s, %b) ON CONFLICT (name) DO UPDATE SET content = excluded.content"
)


class PostgresFiles:
    """The files of an installation (`InstallationFiles`)."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def read(self, name: str) -> bytes | None:
        found = self._session.rows(_READ, (name,))
        return bytes(found[0][0]) if found else None

    def create(self, name: str, content: Callable[[], bytes]) -> bytes:
        known = self.read(name)
        if known is not None:
            return known
        made = content()
        with self._session.transaction() as connection:
            connection.execute(_CREATE, (name, made))
        known = self.read(name)
        if known is None:
            raise StorageError(f"the file {name} is not where it was put")
        return known

    def write(self, name: str, data: bytes) -> None:
        with self._session.transaction() as connection:
            connection.execute(_WRITE, (name, data))
