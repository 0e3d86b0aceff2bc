"""The whole: a database that survives, three nodes over it, each by wires of its own, and HAProxy in front of them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cluster.daemons import until
from cluster.database import NAMES, Database, database
from cluster.disks import small_disk
from cluster.nodes import Front, Node, nodes
from cluster.wires import Wire, wires
from locum.store.journal import Journal
from support.plane import Key, allow, boto3_client, document

_SHOWN: Final = 2_000
"""The characters of a log that are told."""


@dataclass(frozen=True)
class Cluster:
    """What runs. `disks` are small ones of the database, `wires` those between a node and each member of it."""

    folder: Path
    database: Database
    disks: Mapping[str, Path]
    wires: Mapping[str, Sequence[Wire]]
    nodes: Mapping[str, Node]
    front: Front
    admin: Key

    @property
    def endpoints(self) -> dict[str, str]:
        """Those of the nodes, by their names."""
        return {name: node.endpoint for name, node in self.nodes.items()}

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        """The journal, as another reader of the database has it."""
        from locum.store.postgres import PostgresJournal  # noqa: PLC0415 - psycopg is loaded late

        conninfo = self.database.conninfo(list(self.database.ports.values()), self.folder / "reader.pgpass")
        journal = PostgresJournal.open(conninfo)
        try:
            yield journal
        finally:
            journal.close()

    def wait_whole(self) -> None:
        """Wait until nothing is broken any more: the database, and every node."""
        self.database.wait_whole()
        until(lambda: all(node.ready for node in self.nodes.values()), "every node is ready again")


@contextmanager
def _logs_told(folder: Path) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        for log in sorted(folder.glob("*/*.log")):
            error.add_note(f"-- {log.name}: {log.read_text()[-_SHOWN:]}")
        raise


@contextmanager
def cluster(*, small_disks: bool = False) -> Iterator[Cluster]:
    """A cluster, for as long as the block runs; the members of the database may have small disks of their own.

    What its programs wrote is told where the block fails.
    """
    with ExitStack() as left:
        folder = Path(left.enter_context(tempfile.TemporaryDirectory(prefix="locum-cluster-")))
        folder.chmod(0o755)
        below = {name: folder / name for name in ("database", "nodes")}
        for path in below.values():
            path.mkdir(0o755)
        left.enter_context(_logs_told(folder))
        disks = {name: left.enter_context(small_disk(folder, name)) for name in NAMES if small_disks}
        made = left.enter_context(database(below["database"], disks))
        lines = left.enter_context(wires())
        apart = {name: [lines.to(port) for port in made.ports.values()] for name in NAMES}
        flags = {name: _flags(made, below["nodes"], name, apart[name]) for name in NAMES}
        up, front = left.enter_context(nodes(below["nodes"], flags))
        yield Cluster(folder, made, disks, apart, up, front, _administrator(up["one"]))


def _flags(made: Database, folder: Path, name: str, lines: Sequence[Wire]) -> list[str]:
    conninfo = made.conninfo([line.port for line in lines], folder / f"{name}.pgpass")
    return ["--journal", conninfo]


def _administrator(node: Node) -> Key:
    """The key of a user who may do everything: root may not assume roles."""
    iam = boto3_client("iam", node.endpoint, node.root)
    iam.create_user(UserName="admin")
    iam.put_user_policy(UserName="admin", PolicyName="all", PolicyDocument=document(allow("*")))
    return Key.of(iam.create_access_key(UserName="admin")["AccessKey"])
