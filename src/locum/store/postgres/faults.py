"""PostgreSQL's errors as ours.

postgresql.org/docs/current/errcodes-appendix.html: the first two characters are the class. No code at all is libpq's:
the connection could not be made, or was lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

from locum.core.errors import PassingStorageError, StorageError

_PASSING_CLASSES: Final = (
    "08",  # the connection
    "25",  # a transaction that cannot go on here: a database that only reads (25006), one that was idle (25P03)
    "28",  # who may connect: mended by whoever keeps the database
    "3D",  # the database is not there (yet)
    "40",  # serialization, deadlock
    "53",  # disk full, out of memory, too many connections
    "55",  # a lock that was not to be had in time
    "57",  # cancelled, shut down, starting
    "58",  # the system around it
)
_PASSWORDS: Final = "; a password is in a file of mode 0600 that PGPASSFILE names, or in PGPASSWORD"
_NO_RIGHT: Final = "42501"
_SCHEMA: Final = "; the role needs a schema of its own: CREATE SCHEMA locum AUTHORIZATION its name"
READ_ONLY: Final = "25006"
CONFLICT: Final = "LC001"
STORED: Final = "LC002"
"""Codes that the functions of the schema raise: another entry came first; the batch is there already."""


@contextmanager
def reported(name: str) -> Iterator[None]:
    """psycopg's errors as ours, about the database `name`.

    Of a server's message only the first line is passed on: its details quote what was written.
    """
    try:
        yield
    except psycopg.Error as error:
        said = error.diag.message_primary or str(error).partition("\n")[0]
        if is_passing(error):
            said += _PASSWORDS if "password" in said else ""
            raise PassingStorageError(f"{name} cannot be used at the moment: {said}") from error
        said += _SCHEMA if error.sqlstate == _NO_RIGHT else ""
        raise StorageError(f"{name} cannot be used: {said} ({error.sqlstate})") from error


def is_passing(error: psycopg.Error) -> bool:
    """Whether the same may succeed the next time, on this connection or on a new one."""
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return error.sqlstate.startswith(_PASSING_CLASSES)
