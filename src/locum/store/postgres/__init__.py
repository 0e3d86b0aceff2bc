"""The journal on PostgreSQL, with the leases and the files of an installation: what several nodes share.

Nothing of it is loaded by a plane that keeps its journal in a data directory: psycopg is an extra.
"""

from locum.store.postgres.journal import PostgresJournal
from locum.store.postgres.target import check_conninfo

__all__ = ["PostgresJournal", "check_conninfo"]
