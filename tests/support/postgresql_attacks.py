"""Ways to disturb a journal's connections to its database: a proxy that loses answers, and looks at the server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from locum.store.postgres.locks import KEY, Turn

WAITERS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = %s"
"""How many wait for a turn."""


class LossyProxy:
    """A proxy in front of a server's socket. What it is told to lose is an answer, with its connection."""

    def __init__(self, server: Path, directory: Path) -> None:
        self.directory = directory
        self.losing = threading.Event()
        self.lost = threading.Event()
        self._server = str(server / ".s.PGSQL.5432")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(directory / ".s.PGSQL.5432"))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                upstream = socket.socket(socket.AF_UNIX)
                upstream.connect(self._server)
                threading.Thread(target=self._requests, args=(client, upstream), daemon=True).start()
                threading.Thread(target=self._answers, args=(client, upstream), daemon=True).start()

    def _requests(self, client: socket.socket, upstream: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                upstream.sendall(data)
        with suppress(OSError):
            upstream.shutdown(socket.SHUT_WR)

    def _answers(self, client: socket.socket, upstream: socket.socket) -> None:
        """The answer that is lost is the one that tells of a COMMIT."""
        with suppress(OSError), client, upstream:
            while data := upstream.recv(65536):
                if self.losing.is_set() and b"COMMIT\x00" in data:
                    self.losing.clear()
                    self.lost.set()
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(data)


@contextmanager
def lossy(server: Path) -> Iterator[LossyProxy]:
    """A proxy in front of the server whose socket is in the directory `server`."""
    with TemporaryDirectory(prefix="locum-px-", dir="/tmp") as directory:
        proxy = LossyProxy(server, Path(directory))
        yield proxy
        proxy.close()


@contextmanager
def turn_held(conninfo: str, turn: Turn) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Somebody else has `turn`, until the block or its transaction ends."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (KEY, turn))
        yield connection
        connection.rollback()


def await_waiters(conninfo: str, count: int) -> None:
    """Return once so many wait for a turn."""
    with psycopg.connect(conninfo, autocommit=True) as looking:
        while looking.execute(WAITERS, (KEY,)).fetchall() != [(count,)]:
            pass


def kill(conninfo: str, waiting: bool = False) -> int:
    """End every other connection to the database, or those that wait for a turn. How many there were."""
    chosen = "pid IN (SELECT pid FROM pg_locks WHERE NOT granted)" if waiting else "true"
    with psycopg.connect(conninfo, autocommit=True) as connection:
        gone = connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            f" WHERE datname = current_database() AND pid <> pg_backend_pid() AND {chosen}".encode()
        )
        return len(gone.fetchall())


@contextmanager
def former_primary(conninfo: str) -> Iterator[None]:
    """A server that was left by its standbys, for as long as the block runs: it answers, and commits nothing."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = local")
        _wait_for(connection, "gone")
        try:
            yield
        finally:
            _wait_for(connection, "")


def _wait_for(connection: psycopg.Connection[tuple[object, ...]], standbys: str) -> None:
    connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{standbys}'".encode())
    connection.execute("SELECT pg_reload_conf()")
    while connection.execute("SHOW synchronous_standby_names").fetchone() != (standbys,):
        pass
