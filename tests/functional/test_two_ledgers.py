"""Two processes on one journal file: each sees what the other writes, and neither loses by the other's death."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from locum.store import SqliteJournal
from locum.store.checkpoint import load
from support.ledgers import names
from support.processes import SECONDS, line_of, program, tell

PROGRAM = Path(__file__).with_name("ledger_program.py")


class Node:
    """A ledger in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, do: str, **more: Any) -> dict[str, Any]:
        """Have a command carried out."""
        self.begin(do, **more)
        return self.answer()

    def begin(self, do: str, **more: Any) -> None:
        """Send a command."""
        tell(self.process, json.dumps({"do": do, **more}))

    def answer(self) -> dict[str, Any]:
        """The next answer."""
        answer: dict[str, Any] = json.loads(line_of(self.process))
        return answer


@contextmanager
def node(directory: Path) -> Iterator[Node]:
    """A ledger that is asked to close at the end, unless it was killed before."""
    with program(PROGRAM, str(directory)) as process:
        started = Node(process)
        assert started.answer() == {"ready": True}
        yield started
        if process.poll() is None:
            process.communicate(timeout=SECONDS)
            assert process.returncode == 0


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[Node, Node]]:
    with ExitStack() as stack:
        yield stack.enter_context(node(tmp_path / "data")), stack.enter_context(node(tmp_path / "data"))


def test_each_sees_what_the_other_writes_without_writing(nodes: tuple[Node, Node]) -> None:
    here, there = nodes
    for n in range(1, 50, 2):
        written = here.ask("create", name=f"r{n:02}")
        assert there.ask("see", sequence=n) == written
        written = there.ask("create", name=f"r{n + 1:02}")
        assert here.ask("see", sequence=n + 1) == written
    assert written["names"] == [f"r{n:02}" for n in range(1, 51)]


def test_neither_refuses_what_the_other_just_made_possible(nodes: tuple[Node, Node]) -> None:
    here, there = nodes
    for _ in range(20):
        assert "refused" not in here.ask("create", name="app")
        assert there.ask("create", name="app") == {"refused": "EntityAlreadyExists"}
        assert "refused" not in there.ask("delete", name="app")
        assert here.ask("delete", name="app") == {"refused": "NoSuchEntity"}


def test_both_may_write_at_once(nodes: tuple[Node, Node], tmp_path: Path) -> None:
    for number, writer in enumerate(nodes):
        writer.begin("create all", names=[f"r{number}-{n}" for n in range(60)])
    for writer in nodes:
        writer.answer()
    assert nodes[0].ask("see", sequence=120) == nodes[1].ask("see", sequence=120)
    with closing(SqliteJournal.open(tmp_path / "data", shared=True)) as journal:
        assert (journal.last(), len(names(load(journal)))) == (120, 120)
        assert [position for position, _ in journal.scan(0, 1000)] == list(range(1, 121))


@pytest.mark.parametrize(("where", "there_already"), [("before", False), ("inside", False), ("after", True)])
def test_a_call_to_one_that_is_killed_in_its_commit_settles_with_the_other(
    tmp_path: Path, where: str, there_already: bool
) -> None:
    with node(tmp_path / "data") as survivor:
        with node(tmp_path / "data") as victim:
            victim.ask("create", name="first")
            victim.ask("stop", where=where)
            victim.begin("create", name="app", call="call-1")
            assert victim.answer() == {"stopped": True}
            victim.process.kill()
            victim.process.wait()
        again = survivor.ask("create", name="app", call="call-1")
        assert again == ({"already": 2} if there_already else {"names": ["app", "first"], "sequence": 2})
        assert survivor.ask("create", name="app", call="call-1") == {"already": 2}
        assert survivor.ask("create", name="app") == {"refused": "EntityAlreadyExists"}
        assert survivor.ask("create", name="web")["names"] == ["app", "first", "web"]
    with closing(SqliteJournal.open(tmp_path / "data")) as journal:
        assert [data for _, data in journal.scan(0, 9)] == [b"first", b"app", b"EntityAlreadyExists", b"web"]
        assert [entry.sequence for entry in journal.read(0)] == [1, 2, 3]
