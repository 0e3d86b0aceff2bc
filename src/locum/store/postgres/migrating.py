"""Migrations of the schema, by Alembic: loaded where the database's version is not the newest one.

All in one transaction, under a lock: of several nodes that start at once, one migrates, and the others find it done.
"""

from __future__ import annotations

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from locum.core.errors import StorageError
from locum.store.postgres.locks import HOLD, Turn
from locum.store.postgres.target import Target

_FOREIGN = (
    "SELECT to_regclass('locum.alembic_version') IS NULL AND EXISTS"
    " (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('locum'))"
)


def migrate(target: Target, revision: str, installation: str, store_format: int) -> None:
    """Bring the schema to `revision`; give a new one its identity.

    Raises StorageError, psycopg.Error.
    """
    engine = create_engine(
        "postgresql+psycopg://", poolclass=NullPool, creator=lambda: psycopg.connect(target.conninfo)
    )
    settings = Config()
    settings.set_main_option("script_location", "locum.store.postgres:migrations")
    settings.set_main_option("path_separator", "os")
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(HOLD, (Turn.SCHEMA,))
            if connection.exec_driver_sql(_FOREIGN).scalar_one():
                raise StorageError(
                    f"{target.name} has a schema `locum` that is another program's; use another database"
                )
            if connection.exec_driver_sql("SELECT to_regnamespace('locum') IS NULL").scalar_one():
                connection.exec_driver_sql("CREATE SCHEMA locum")
            settings.attributes["connection"] = connection
            command.upgrade(settings, revision)
            made = text("INSERT INTO locum.head VALUES (:installation, :format, 0, 0) ON CONFLICT DO NOTHING")
            connection.execute(made, {"installation": installation, "format": store_format})
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.Error):
            raise error.orig from None
        raise
