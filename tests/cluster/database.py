"""PostgreSQL that survives: three members under Patroni, and the three of etcd that they agree by."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from cluster.daemons import Daemon, free_ports, give_away, until
from cluster.settings import written

NAMES: Final = ("one", "two", "three")
FOLLOWERS: Final = len(NAMES) - 1
BINARIES: Final = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
START: Final = 120.0
"""Seconds in which a cluster is made, on a machine that has much else to do."""

_SAFE: Final = (3, 0, 3)
"""The version of Patroni since which it does not overwrite the leader's key in etcd's API version 3."""
_PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"
_SYNC: Final = frozenset({"sync_standby", "quorum_standby"})


def lacking() -> list[str]:
    """The programs that this machine does not have."""
    found = [name for name in ("etcd", "patroni", "haproxy") if shutil.which(name, path=_PATH) is None]
    return found if BINARIES else [*found, "postgresql"]


needs_cluster = pytest.mark.skipif(bool(lacking()), reason=f"not on this machine: {', '.join(lacking())}")


def asked(port: int, path: str) -> Any:
    """What a program of the cluster answers to GET, as JSON; None where it does not answer, or not with a success."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:
            return json.loads(answer.read())
    except (OSError, ValueError):
        return None


@cache
def _hosts_variable() -> str:
    """The API of etcd that Patroni is to use: an older one may take the place of another primary by version 3."""
    told = subprocess.run(["patroni", "--version"], env={"PATH": _PATH}, check=True, capture_output=True, text=True)
    version = tuple(int(part) for part in told.stdout.split()[-1].split(".")[:3])
    return "PATRONI_ETCD3_HOSTS" if version >= _SAFE else "PATRONI_ETCD_HOSTS"


class Etcd:
    """Three members of etcd."""

    def __init__(self, folder: Path) -> None:
        ports = free_ports(2 * len(NAMES))
        self.clients = dict(zip(NAMES, ports[: len(NAMES)], strict=True))
        self._peers = dict(zip(NAMES, ports[len(NAMES) :], strict=True))
        self.members = {name: self._member(name, folder) for name in NAMES}

    def _member(self, name: str, folder: Path) -> Daemon:
        client, peer = f"http://127.0.0.1:{self.clients[name]}", f"http://127.0.0.1:{self._peers[name]}"
        environment = {
            "PATH": _PATH,
            "ETCD_NAME": name,
            "ETCD_DATA_DIR": str(folder / f"etcd-{name}"),
            "ETCD_LISTEN_CLIENT_URLS": client,
            "ETCD_ADVERTISE_CLIENT_URLS": client,
            "ETCD_LISTEN_PEER_URLS": peer,
            "ETCD_INITIAL_ADVERTISE_PEER_URLS": peer,
            "ETCD_INITIAL_CLUSTER": ",".join(f"{one}=http://127.0.0.1:{port}" for one, port in self._peers.items()),
            "ETCD_INITIAL_CLUSTER_TOKEN": "locum",
            "ETCD_ENABLE_V2": "true",
        }
        return Daemon(f"etcd-{name}", ["etcd"], environment, folder)

    @property
    def leader(self) -> str:
        """The member that leads."""
        told = {name: self._status(name) for name in NAMES if self.members[name].running}
        leads = {name for name, (own, leader) in told.items() if own and own == leader}
        return leads.pop() if len(leads) == 1 else ""

    def _status(self, name: str) -> tuple[str, str]:
        request = f"http://127.0.0.1:{self.clients[name]}/v3/maintenance/status"
        with suppress(OSError, ValueError), urllib.request.urlopen(request, data=b"{}", timeout=2) as answer:
            told = json.loads(answer.read())
            return told["header"]["member_id"], told.get("leader", "")
        return "", ""


class Database:
    """Three members of PostgreSQL under Patroni, in `folder`; the data of those in `elsewhere` in another directory."""

    def __init__(self, folder: Path, elsewhere: Mapping[str, Path] | None = None) -> None:
        self.folder = folder
        self.etcd = Etcd(folder)
        ports = free_ports(2 * len(NAMES))
        self.ports = dict(zip(NAMES, ports[: len(NAMES)], strict=True))
        self._apis = dict(zip(NAMES, ports[len(NAMES) :], strict=True))
        self._data = {name: (elsewhere or {}).get(name, folder) / f"pg-{name}" for name in NAMES}
        self._passwords = {name: secrets.token_hex(16) for name in ("superuser", "replication", "locum")}
        self._settings = written("patroni.yml", folder)
        self.members = {name: self._member(name) for name in NAMES}

    def _member(self, name: str) -> Daemon:
        listen, api = f"127.0.0.1:{self.ports[name]}", f"127.0.0.1:{self._apis[name]}"
        environment = {
            "PATH": _PATH,
            "LANG": "C.UTF-8",
            "PATRONI_NAME": name,
            _hosts_variable(): ",".join(f"127.0.0.1:{port}" for port in self.etcd.clients.values()),
            "PATRONI_RESTAPI_LISTEN": api,
            "PATRONI_RESTAPI_CONNECT_ADDRESS": api,
            "PATRONI_POSTGRESQL_LISTEN": listen,
            "PATRONI_POSTGRESQL_CONNECT_ADDRESS": listen,
            "PATRONI_POSTGRESQL_DATA_DIR": str(self._data[name]),
            "PATRONI_POSTGRESQL_BIN_DIR": str(BINARIES[-1].parent),
            "PATRONI_POSTGRESQL_PGPASS": str(self.folder / f"{name}.pgpass"),
            "PATRONI_SUPERUSER_USERNAME": "postgres",
            "PATRONI_SUPERUSER_PASSWORD": self._passwords["superuser"],
            "PATRONI_REPLICATION_USERNAME": "replicator",
            "PATRONI_REPLICATION_PASSWORD": self._passwords["replication"],
        }
        command = ["patroni", str(self._settings)]
        return Daemon(f"patroni-{name}", command, environment, self.folder, also=lambda: self._postmaster(name))

    def _postmaster(self, name: str) -> Sequence[int]:
        """PostgreSQL of a member: Patroni starts it in a session of its own, which outlives Patroni."""
        try:
            pid = int((self._data[name] / "postmaster.pid").read_text().split()[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            return []
        return [pid] if os.fsencode(self._data[name]) in command else []

    def start(self) -> None:
        """Make the cluster: returns when writes are synchronous, and every member follows."""
        for etcd in self.etcd.members.values():
            etcd.start()
        until(lambda: self.etcd.leader, "etcd has a leader", START)
        for member in self.members.values():
            member.start()
        self.wait_whole()
        self._make_database()

    def wait_whole(self, seconds: float = START) -> None:
        """Wait until there is a primary that all others follow, one of them synchronously."""
        until(self.whole, f"the cluster is whole\n{self.told()}", seconds)

    def whole(self) -> bool:
        """Whether there is a primary, and all others follow, one of them synchronously."""
        members = self.told()
        leaders = [one["name"] for one in members if one["role"] == "leader" and one["state"] == "running"]
        following = [one for one in members if one["role"] != "leader" and one["state"] in {"running", "streaming"}]
        if len(leaders) != 1 or len(following) != FOLLOWERS or not any(one["role"] in _SYNC for one in following):
            return False
        told = asked(self._apis[leaders[0]], "/patroni") or {}
        return len([one for one in told.get("replication", ()) if one["state"] == "streaming"]) == FOLLOWERS

    def told(self) -> list[dict[str, Any]]:
        """The members as a Patroni that answers knows them."""
        answers = (asked(self._apis[name], "/cluster") for name in NAMES if self.members[name].running)
        members: list[dict[str, Any]] = next((found["members"] for found in answers if found), [])
        return members

    @property
    def primary(self) -> str:
        """The member that is the primary by its own word; empty where there is none."""
        return next((name for name in NAMES if asked(self._apis[name], "/primary") is not None), "")

    def switch(self) -> None:
        """Have another member become the primary, as an operator does."""
        body = json.dumps({"leader": self.primary}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self._apis[self.primary]}/switchover", body, method="POST")
        with urllib.request.urlopen(request, timeout=START) as answer:
            answer.read()

    def kill_backend(self, pid: int) -> None:
        """Kill one process of PostgreSQL of a member: only one that belongs to this cluster."""
        assert any(pid in member.pids for member in self.members.values())
        os.kill(pid, signal.SIGKILL)

    # -- clients -----------------------------------------------------------------------------------------

    def superuser(self, name: str, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """A connection to a member as its superuser."""
        return psycopg.connect(
            host="127.0.0.1", port=self.ports[name], dbname=database, user="postgres",
            password=self._passwords["superuser"], autocommit=True, connect_timeout=5,
        )  # fmt: skip

    def _make_database(self) -> None:
        primary = self.primary
        with self.superuser(primary) as connection:
            for statement in written("locum.sql", self.folder).read_text().split(";"):
                if statement.strip():
                    connection.execute(statement.encode())
            connection.execute(f"ALTER ROLE locum PASSWORD '{self._passwords['locum']}'".encode())

    def conninfo(self, ports: Sequence[int], passwords: Path) -> str:
        """The URL of the database at these ports of this machine; its password is put into the file `passwords`."""
        passwords.touch(0o600)
        passwords.write_text("".join(f"127.0.0.1:{port}:locum:locum:{self._passwords['locum']}\n" for port in ports))
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        return f"postgresql://locum@{hosts}/locum?target_session_attrs=read-write&passfile={passwords}"


@contextmanager
def database(folder: Path, elsewhere: Mapping[str, Path] | None = None) -> Iterator[Database]:
    """A cluster in `folder`, for as long as the block runs."""
    give_away(folder)
    made = Database(folder, elsewhere)
    try:
        made.start()
        yield made
    finally:
        for member in (*made.members.values(), *made.etcd.members.values()):
            member.go_on()
            member.kill()
