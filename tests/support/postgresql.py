"""A PostgreSQL server of the tests' own: a Unix socket in a directory of its own, and never as root.

One for each process that runs tests, started by the first test that wants it; tests marked by ONE_SERVER share it.
Each test gets a database with Locum's schema, and nothing else in it.
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest

from locum.store.postgres import PostgresJournal

ONE_SERVER = pytest.mark.xdist_group("postgresql")
_KEPT = 3
"""Databases that are there at once. One that has been used is emptied: making one takes longer by far."""
_CLEAN = """
DO $$
DECLARE name text;
BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
    PERFORM set_config('synchronous_commit', 'off', true);
    FOR name IN SELECT inhrelid::regclass::text FROM pg_inherits
        JOIN pg_class ON pg_class.oid = inhrelid WHERE relkind = 'r' LOOP
        EXECUTE 'DROP TABLE ' || name;
    END LOOP;
    FOR name IN SELECT oid::regclass::text FROM pg_class
        WHERE relnamespace = 'locum'::regnamespace AND relkind = 'r' AND relname NOT IN ('alembic_version', 'head') LOOP
        EXECUTE 'DELETE FROM ' || name;
    END LOOP;
    INSERT INTO locum.trail_head VALUES (0, 0);
    UPDATE locum.head SET installation = gen_random_uuid(), last = 0, remembered = 0;
END $$
"""
_SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "autovacuum": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "log_min_messages": "panic",
    "timezone": "UTC",
}


def binaries() -> Path | None:
    """Where the server's programs are: Debian does not have them on the PATH."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return versions[-1].parent if versions else None


def unprivileged() -> list[str]:
    """The beginning of a command that runs as somebody who may be the server, and ends with this process."""
    command = ["setpriv", "--pdeathsig", "KILL"]
    if os.geteuid():
        return command
    names = {user.pw_name for user in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return [*command, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def _give(path: Path) -> None:
    """Have `path` belong to whoever the server runs as."""
    if not os.geteuid():
        owner = int(next(part for part in unprivileged() if "reuid" in part).partition("=")[2])
        os.chown(path, owner, -1)


class Server:
    """A running server. `directory` has its socket and its data, where `files` are put."""

    def __init__(
        self, programs: Path, settings: Mapping[str, str] | None = None, files: Mapping[str, str] | None = None
    ) -> None:
        self.programs = programs
        self._settings = {**_SETTINGS, **(settings or {})}
        self._files = files or {}
        self.directory = Path(mkdtemp(prefix="locum-pg-", dir="/tmp"))
        atexit.register(self.close)
        _give(self.directory)
        self._given: dict[str, str] = {}
        self._made: set[str] = set()
        self._process = self._start()

    def conninfo(self, name: str) -> str:
        """The connection parameters of a database."""
        return f"host={self.directory} port={self._settings['port']} dbname={name} user=locum"

    def database(self, name: str) -> str:
        """The connection parameters of the journal that is called `name`, empty where it is a new one. Old ones go."""
        if name not in self._given:
            database = (
                f"locum_{len(self._given)}" if len(self._given) < _KEPT else self._given.pop(next(iter(self._given)))
            )
            if database not in self._made:
                PostgresJournal.open(self.empty(database)).close()
                self._made.add(database)
            with psycopg.connect(self.conninfo(database), autocommit=True) as connection:
                connection.execute(_CLEAN)
            self._given[name] = database
        return self.conninfo(self._given[name])

    def empty(self, name: str) -> str:
        """The connection parameters of a new database with nothing in it."""
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.conninfo(name)

    def close(self) -> None:
        """Stop the server, and remove what it had. Idempotent."""
        if hasattr(self, "_process"):
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _start(self) -> subprocess.Popen[bytes]:
        data = self.directory / "data"
        made = [self.programs / "initdb", "-D", data, "-U", "locum", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"]
        subprocess.run([*unprivileged(), *map(str, made)], check=True, capture_output=True, cwd="/")
        for name, text in self._files.items():
            (data / name).write_text(text)
            (data / name).chmod(0o600)
            _give(data / name)
        settings = {**self._settings, "unix_socket_directories": str(self.directory)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [*unprivileged(), str(self.programs / "postgres"), "-D", str(data), *options]
        process = subprocess.Popen(command, cwd="/", start_new_session=True)
        waiting = [
            str(self.programs / "pg_isready"),
            "-q",
            "-h",
            str(self.directory),
            "-U",
            "locum",
            "-p",
            settings["port"],
        ]
        while subprocess.run(waiting, check=False).returncode:
            if process.poll() is not None:
                raise RuntimeError(f"PostgreSQL ended with {process.returncode}")
        return process


@cache
def server() -> Server:
    """The server of this process. Skips the test where PostgreSQL is not installed."""
    return Server(installed())


def stop() -> None:
    """Stop the server of this process, where one was started."""
    if server.cache_info().currsize:
        server().close()


def installed() -> Path:
    """Where the server's programs are. Skips the test where they are not."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL's server is not installed (Debian: postgresql)")
    return programs


def conninfo_of(path: Path) -> str:
    """The connection parameters of the database that belongs to the directory `path` of a test."""
    return server().database("t" + sha256(str(path).encode()).hexdigest()[:16])
