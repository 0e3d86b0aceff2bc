"""The directory of a node, and that of a plane with a journal of its own: the one is never taken for the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from locum.cli import saved
from locum.cli.main import cli
from locum.cli.node_directory import NODE_FILE
from locum.cli.wrapped_keyring import WRAPPING_FILE
from locum.core.clock import system_clock
from locum.core.errors import ConfigurationError
from locum.store import DataDirectory
from locum.store.sqlite import FILE as JOURNAL


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """The directory of a node that does not run, with the only copy of what opens the key ring of all."""
    DataDirectory.claim(tmp_path / "data").release()
    (tmp_path / "data" / NODE_FILE).write_text("a")
    (tmp_path / "data" / WRAPPING_FILE).write_text("the only copy")
    return tmp_path / "data"


@pytest.mark.parametrize(
    "arguments",
    [
        ["reset", "--yes"],
        ["reset", "--yes", "--account", "000000000000"],
        ["reset", "--yes", "--service", "s3"],
        ["snapshot", "save", "now"],
        ["snapshot", "load", "then"],
        ["up", "--port", "0"],
    ],
    ids=" ".join,
)
def test_attack_a_command_for_a_plane_of_its_own_changes_nothing_of_a_node(node: Path, arguments: list[str]) -> None:
    before = {path.name for path in node.iterdir()}
    result = CliRunner().invoke(cli, [*arguments, "--data", str(node)])
    assert isinstance(result.exception, ConfigurationError)
    assert "is the directory of a node" in str(result.exception)
    assert {path.name for path in node.iterdir()} == before
    assert (node / WRAPPING_FILE).read_text() == "the only copy"


def _load(data: Path) -> None:
    saved.load(data, "then")


@pytest.mark.parametrize("begin_anew", [saved.remove_everything, _load])
def test_attack_the_key_that_opens_the_ring_of_all_nodes_outlives_what_is_put_in_its_place(
    node: Path, begin_anew: Callable[[Path], None]
) -> None:
    """As where a directory became a plane's again: what it was given is not the plane's to remove, nor to save."""
    (node / JOURNAL).write_bytes(b"")
    then = node / "snapshots" / "then"
    saved.write(node, "then", system_clock, lambda _: [])
    assert not (then / WRAPPING_FILE).exists()
    begin_anew(node)
    assert (node / WRAPPING_FILE).read_text() == "the only copy"


def test_attack_a_plane_with_a_journal_of_its_own_is_not_made_a_node(tmp_path: Path) -> None:
    """Whose identities would seem to be gone, and whose root key would be another one's."""
    DataDirectory.claim(tmp_path).release()
    (tmp_path / JOURNAL).write_bytes(b"")
    arguments = ["up", "--port", "0", "--data", str(tmp_path), "--journal", "postgresql:///locum?host=/nowhere"]
    result = CliRunner().invoke(cli, arguments)
    assert "has a plane with a journal of its own" in str(result.exception)
    assert not (tmp_path / NODE_FILE).exists()
