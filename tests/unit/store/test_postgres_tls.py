"""The way to a database that is not on this machine: who proves what to whom."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from locum.core.errors import PassingStorageError
from locum.store.postgres import PostgresJournal, check_conninfo
from support.certificates import certified
from support.postgresql import ONE_SERVER, Server, installed

pytestmark = [ONE_SERVER, pytest.mark.nightly]

SERVER, NODE, STRANGER = (certified(name, time.time()) for name in ("db.example", "locum", "locum"))
HBA = """
local all all trust
hostssl all all 127.0.0.1/32 cert
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a server that takes certificates of nodes."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        found = int(free.getsockname()[1])
    settings = {"listen_addresses": "127.0.0.1", "port": str(found), "ssl": "on", "ssl_ca_file": "nodes.crt"}
    files = {"server.crt": SERVER.body, "server.key": SERVER.key, "nodes.crt": NODE.body, "pg_hba.conf": HBA}
    made = Server(installed(), settings, files)
    made.empty("locum_tls")
    yield found
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, what in (("server", SERVER), ("node", NODE), ("stranger", STRANGER)):
        (tmp_path / f"{name}.crt").write_text(what.body)
        (tmp_path / f"{name}.key").write_text(what.key)
        (tmp_path / f"{name}.key").chmod(0o600)
    return tmp_path


def url(
    port: int, folder: Path, node: str = "node", *, host: str = "db.example", root: str = "server", more: str = ""
) -> str:
    mine = f"sslcert={folder}/{node}.crt&sslkey={folder}/{node}.key&sslrootcert={folder}/{root}.crt"
    return check_conninfo(
        f"postgresql://locum@{host}:{port}/locum_tls?hostaddr=127.0.0.1&{mine}&sslmode=verify-full{more}"
    )


def test_a_node_and_its_database_prove_themselves_by_certificates(port: int, folder: Path) -> None:
    with closing(PostgresJournal.open(url(port, folder))) as journal:
        assert journal.last() == 0
        assert journal._writer.rows("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == [(True,)]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"host": "other.example"}, "does not match host name"),
        ({"root": "stranger"}, "certificate verify failed"),
        ({"node": "stranger"}, "(unknown ca|certificate|connection)"),
    ],
)
def test_attack_who_cannot_prove_it_is_not_spoken_with(
    port: int, folder: Path, other: dict[str, str], said: str
) -> None:
    with pytest.raises(PassingStorageError, match=said):
        PostgresJournal.open(url(port, folder, **other))


def test_attack_without_tls_there_is_no_way_in(port: int) -> None:
    with pytest.raises(PassingStorageError, match="no encryption"):
        PostgresJournal.open(f"postgresql://locum@127.0.0.1:{port}/locum_tls?sslmode=disable")
