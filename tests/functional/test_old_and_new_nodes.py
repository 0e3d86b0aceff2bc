"""An upgrade node by node: an older Locum and a newer one share a journal, and nothing of either is lost.

The newer one is this one with a further format, in which a role has a further field.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from locum.state import FORMAT
from support.processes import SECONDS, SOURCE, group, line_of, tell

PROGRAM = Path(__file__).with_name("version_program.py")
NEWER = FORMAT + 1


class Node:
    """A node of some version, in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.begun: dict[str, Any] = json.loads(line_of(process))

    def ask(self, do: str, **more: Any) -> dict[str, Any]:
        """Have a command carried out."""
        tell(self.process, json.dumps({"do": do, **more}))
        answer: dict[str, Any] = json.loads(line_of(self.process))
        return answer

    def put(self, name: str, **fields: str) -> dict[str, Any]:
        return self.ask("put", name=name, fields=fields)


def newer(folder: Path, *, told: bool = True) -> Path:
    """The code of a newer Locum. Where it was not `told`, its authors forgot to say that the field is new."""
    for package in ("core", "state", "store"):
        shutil.copytree(SOURCE / "locum" / package, folder / "locum" / package)
    shutil.copy(SOURCE / "locum" / "__init__.py", folder / "locum")
    changes = {
        "events.py": (f"FORMAT: Final = {FORMAT}", f"FORMAT: Final = {NEWER}"),
        "formats.py": ("MappingProxyType({})", f'MappingProxyType({{"role.fence": {NEWER}}})'),
        "entities.py": ("    trust: str\n", '    trust: str\n    fence: str = ""\n'),
    }
    for name, (before, after) in changes.items():
        if told or name == "entities.py":
            path = folder / "locum" / "state" / name
            assert before in path.read_text()
            path.write_text(path.read_text().replace(before, after, 1))
    return folder


@contextmanager
def node(directory: Path, source: Path = SOURCE) -> Iterator[Node]:
    path = os.pathsep.join([str(source), *filter(None, sys.path)])
    words, pipe = [sys.executable, str(PROGRAM), str(directory)], subprocess.PIPE
    with group(words, env={**os.environ, "PYTHONPATH": path}, stdin=pipe, stdout=pipe) as process:
        yield Node(process)
        process.communicate(timeout=SECONDS)


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Node, Node]]:
    """An old node and a new one."""
    with ExitStack() as stack:
        old = stack.enter_context(node(tmp_path / "data"))
        yield old, stack.enter_context(node(tmp_path / "data", newer(tmp_path / "newer")))


def test_each_reads_what_the_other_writes_while_nothing_new_is_used(both: tuple[Node, Node]) -> None:
    old, new = both
    new.ask("allow", format=FORMAT)
    written = new.put("a", description="of the new one")
    assert old.ask("see", sequence=1) == written
    written = old.put("a", description="of the old one")
    assert new.ask("see", sequence=2) == written
    assert written["roles"]["a"]["description"] == "of the old one"


def test_what_the_old_one_cannot_read_is_refused_while_it_is_there_and_no_node_fails(both: tuple[Node, Node]) -> None:
    old, new = both
    new.ask("allow", format=FORMAT)
    assert new.put("a", fence="closed") == {"refused": "ServiceUnavailable", "failure": ""}
    assert new.put("a")["sequence"] == 1
    assert old.put("b")["sequence"] == 2
    assert new.ask("see", sequence=2)["failure"] == ""


def test_attack_an_old_node_that_comes_back_too_late_fails_closed_and_loses_nothing(both: tuple[Node, Node]) -> None:
    old, new = both
    new.put("a", fence="closed")
    seen = old.ask("see", sequence=1)
    assert f"was written by a newer Locum (format {NEWER}, this one reads up to {FORMAT})" in seen["failure"]
    assert old.put("a", description="without the fence")["refused"] == "ServiceUnavailable"
    assert new.put("a", description="later")["roles"]["a"]["fence"] == "closed"


def test_attack_a_field_that_nobody_said_is_new_is_not_dropped_by_an_old_node(tmp_path: Path) -> None:
    careless = newer(tmp_path / "newer", told=False)
    with node(tmp_path / "data") as old, node(tmp_path / "data", careless) as new:
        new.put("a", fence="closed")
        assert "unknown field `fence`" in old.ask("see", sequence=1)["failure"]
        assert old.put("a", description="without the fence")["refused"] == "ServiceUnavailable"
        assert new.put("a", description="later")["roles"]["a"]["fence"] == "closed"


def test_an_old_one_does_not_start_on_what_a_newer_one_has_written(both: tuple[Node, Node], tmp_path: Path) -> None:
    _, new = both
    new.put("a", fence="closed")
    with node(tmp_path / "data") as late:
        assert "was written by a newer Locum" in late.begun["error"]
    assert new.put("a")["roles"]["a"]["fence"] == "closed"
