"""What a node finds in a database where something is missing."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from locum.cli.home import KEYRING_FILE
from locum.cli.options import Options
from locum.cli.storage import open_storage
from locum.core.clock import system_entropy
from locum.core.errors import ConfigurationError
from support.journals import entries
from support.postgresql import ONE_SERVER, conninfo_of, server

pytestmark = ONE_SERVER


def test_attack_a_key_ring_that_was_deleted_from_the_database_is_not_made_anew(tmp_path: Path) -> None:
    """A new one would open nothing that was sealed, and what a backup has could not be put back beside it."""
    conninfo = conninfo_of(tmp_path)
    name = psycopg.conninfo.conninfo_to_dict(conninfo)["dbname"]
    options = Options(data=tmp_path / "data", journal=f"postgresql://locum@/{name}?host={server().directory}")
    first = open_storage(options, system_entropy)
    first.journal.append(entries(1, 1), [], 0)
    first.close()
    with psycopg.connect(conninfo) as connection:
        connection.execute("DELETE FROM locum.file WHERE name = %s", (KEYRING_FILE,))
    with pytest.raises(ConfigurationError, match="is missing from its database"):
        open_storage(options, system_entropy)
    with psycopg.connect(conninfo) as connection:
        assert connection.execute("SELECT name FROM locum.file").fetchall() == []
