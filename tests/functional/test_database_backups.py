"""PostgreSQL's own backups, with the commands of docs/operations.md, and Locum before and after."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import quote

import psycopg
import pytest

from support.inprocess import InProcess
from support.kept import keeping
from support.postgresql import binaries, unprivileged

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(300)]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
BLOCKS = dict(re.findall(r"^<!-- block: (\S+) -->\n```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL))
SETTINGS = "listen_addresses = ''\nunix_socket_directories = '{0}'\nlog_min_messages = panic\n"


class Cluster:
    """A server with a directory for its data, its socket and its backups, all of a user who is not root."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self.programs, self.moment = folder, programs, ""

    def run(self, script: str) -> None:
        """Run what an operator would, as the user of the server."""
        words = [*unprivileged(), "bash", "-eu", "-o", "pipefail", "-c", script]
        done = subprocess.run(
            words, env=self._environment(), cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def block(self, name: str) -> None:
        """Run a block of the page."""
        self.run(f"exec </dev/null >>log 2>&1\n{BLOCKS[name]}")

    def url(self, database: str = "locum") -> str:
        return f"postgresql://locum@/{database}?host={quote(str(self.folder), safe='')}"

    def now(self) -> str:
        """The time by the database's clock."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT clock_timestamp()::text").fetchone()
        assert found is not None
        return str(found[0])

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.pathsep.join([str(self.programs), os.environ["PATH"]]),
            "PGDATA": str(self.folder / "data"),
            "PGHOST": str(self.folder),
            "PGUSER": "locum",
            "PGDATABASE": "postgres",
            "BACKUPS": str(self.folder / "backups"),
            "MOMENT": self.moment,
            "BASE": max(map(str, (self.folder / "backups").glob("base-*")), default=""),
            "LC_ALL": "C.UTF-8",
        }


@contextmanager
def _cluster() -> Iterator[Cluster]:
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL's server is not installed (Debian: postgresql)")
    folder = Path(mkdtemp(prefix="locum-pgb-", dir="/tmp"))
    folder.chmod(0o755)
    if not os.geteuid():
        owner = int(next(part for part in unprivileged() if "reuid" in part).partition("=")[2])
        os.chown(folder, owner, -1)
    made = Cluster(folder, programs)
    try:
        made.run('mkdir backups; initdb -U locum -A trust -E UTF8 --no-locale -N "$PGDATA" >log')
        made.run(f"""printf '%s' "{SETTINGS.format(folder)}" >>"$PGDATA/postgresql.conf" """)
        made.run("pg_ctl --wait start >>log 2>&1 </dev/null; createdb locum")
        yield made
    finally:
        subprocess.run(
            [*unprivileged(), str(programs / "pg_ctl"), "-D", str(folder / "data"), "-m", "immediate", "stop"],
            capture_output=True,
            check=False,
            cwd="/",
        )
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with _cluster() as found:
        yield found


def users(node: InProcess) -> list[str]:
    return sorted(user["UserName"] for user in node.client("iam").list_users()["Users"])


def created(node: InProcess, name: str) -> None:
    node.client("iam").create_user(UserName=name)


def called(node: InProcess) -> set[str]:
    return {event["EventName"] for event in node.client("cloudtrail").lookup_events()["Events"]}


def test_a_moment_before_a_mistake_is_reached_from_a_base_backup_and_the_archive(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.block("archive")
    node = keeping(tmp_path / "node", journal=cluster.url())
    created(node, "before-the-base")
    cluster.block("base")
    created(node, "before-the-moment")
    cluster.moment = cluster.now()
    node.client("iam").delete_user(UserName="before-the-base")
    created(node, "attacker")
    last = node.node.ledger.state.sequence
    node.close()
    cluster.block("recover")
    node.start()
    assert users(node) == ["before-the-base", "before-the-moment"]
    assert node.node.ledger.state.sequence < last
    assert "DeleteUser" not in called(node)
    created(node, "after")
    node.close()
    node.start()
    assert users(node) == ["after", "before-the-base", "before-the-moment"]
    node.close()


def test_a_dump_of_a_running_installation_is_one_moment_of_it(cluster: Cluster, tmp_path: Path) -> None:
    node = keeping(tmp_path / "node", journal=cluster.url())
    created(node, "dumped")
    cluster.block("dump")
    created(node, "later")
    node.close()
    cluster.block("load")
    shutil.copytree(tmp_path / "node", tmp_path / "other")
    other = keeping(tmp_path / "other", journal=cluster.url("locum_restored"))
    assert users(other) == ["dumped"]
    created(other, "after")
    assert other.root == node.root
    assert "CreateUser" in called(other)
    other.close()
