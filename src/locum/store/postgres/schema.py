"""The schema `locum` of a database: whether it is there, is ours, and of a version that can be used."""

from __future__ import annotations

import uuid
from importlib import import_module
from typing import Final

from locum.core.clock import Entropy
from locum.core.errors import StorageError
from locum.store.postgres.faults import reported
from locum.store.postgres.session import Session
from locum.store.postgres.target import Target

STORE_FORMAT: Final = 1
"""The format of the schema: raised when an older Locum could no longer use it."""

REVISIONS: Final = ("0001",)
"""The versions of the schema, oldest first. One that is not among them is a newer Locum's, and of use where its format
is: nodes of two versions work side by side while they are replaced."""

_VERSION: Final = "SELECT version_num FROM locum.alembic_version"


def prepare(session: Session, target: Target, entropy: Entropy) -> str:
    """Make or migrate the schema where it is not the newest. Answers the installation's id."""
    if _revision(session) in (None, *REVISIONS[:-1]):
        installation = str(uuid.UUID(bytes=entropy(16), version=4))
        with reported(target.name):
            import_module("locum.store.postgres.migrating").migrate(target, REVISIONS[-1], installation, STORE_FORMAT)
    stored, installation = session.rows("SELECT format, installation FROM locum.head")[0]
    if stored > STORE_FORMAT:
        raise StorageError(
            f"{target.name} was written by a newer Locum (format {stored}, this one reads up to {STORE_FORMAT}); "
            "use that version or newer, or another database"
        )
    return str(installation)


def _revision(session: Session) -> str | None:
    """The version of the schema; None where there is none."""
    if session.rows("SELECT to_regclass('locum.alembic_version')")[0][0] is None:
        return None
    found = session.rows(_VERSION)
    return str(found[0][0]) if found else None
