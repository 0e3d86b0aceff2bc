"""The key ring of several nodes: in their database, of no use to whoever has that alone."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from locum.cli.home import KEYRING_FILE
from locum.cli.wrapped_keyring import (
    WRAPPING_FILE,
    WRAPPING_VARIABLE,
    CommandWrapping,
    shared_keyring,
)
from locum.core.clock import system_entropy
from locum.core.errors import ConfigurationError
from locum.credentials import KeyRing
from support.installation import MemoryFiles


def ring_of(files: MemoryFiles, data: Path, command: str | None = None, **environ: str) -> KeyRing:
    data.mkdir(exist_ok=True)
    wrapping = None if command is None else CommandWrapping(command)
    return shared_keyring(files, wrapping, data, system_entropy, environ)


def test_every_node_with_the_wrapping_key_has_the_one_ring(tmp_path: Path) -> None:
    files = MemoryFiles()
    first = ring_of(files, tmp_path / "a")
    text = (tmp_path / "a" / WRAPPING_FILE).read_text()
    assert (tmp_path / "a" / WRAPPING_FILE).stat().st_mode & 0o777 == 0o600
    second = ring_of(files, tmp_path / "b", **{WRAPPING_VARIABLE: text})
    again = ring_of(files, tmp_path / "a")
    assert first.keys == second.keys == again.keys


def test_attack_whoever_reads_the_database_finds_no_key(tmp_path: Path) -> None:
    files = MemoryFiles()
    ring = ring_of(files, tmp_path)
    assert ring.keys[0].secret not in files[KEYRING_FILE]
    assert b"keys" not in files[KEYRING_FILE]


def test_a_node_without_the_wrapping_key_is_told_what_to_copy_and_makes_none(tmp_path: Path) -> None:
    files = MemoryFiles()
    ring_of(files, tmp_path / "a")
    with pytest.raises(ConfigurationError, match=f"copy {WRAPPING_FILE} from"):
        ring_of(files, tmp_path / "b")
    assert not (tmp_path / "b" / WRAPPING_FILE).exists()


def test_the_wrapping_key_of_another_installation_opens_nothing(tmp_path: Path) -> None:
    files = MemoryFiles()
    ring_of(files, tmp_path / "a")
    ring_of(MemoryFiles(), tmp_path / "other")
    text = (tmp_path / "other" / WRAPPING_FILE).read_text()
    with pytest.raises(ConfigurationError, match="does not open with"):
        ring_of(files, tmp_path / "b", **{WRAPPING_VARIABLE: text})


def test_nodes_that_start_at_once_on_a_new_database_end_up_with_one_ring(tmp_path: Path) -> None:
    class Raced(MemoryFiles):
        def create(self, name: str, content: Callable[[], bytes]) -> bytes:
            ring_of(self.of_other, tmp_path / "shared")
            return self.of_other.create(name, content)

        of_other = MemoryFiles()

    ring = ring_of(Raced(), tmp_path / "shared")
    assert ring.keys == ring_of(Raced.of_other, tmp_path / "shared").keys


KMS = """
import sys
data = sys.stdin.buffer.read()
sys.stdout.buffer.write(bytes(octet ^ 0x5A for octet in data))
"""


def kms(tmp_path: Path, text: str = KMS) -> str:
    program = tmp_path / "kms.py"
    program.write_text(text)
    return f"{sys.executable} {program}"


def test_a_command_wraps_the_ring_and_opens_it_on_each_node(tmp_path: Path) -> None:
    files = MemoryFiles()
    first = ring_of(files, tmp_path / "a", kms(tmp_path))
    assert ring_of(files, tmp_path / "b", kms(tmp_path)).keys == first.keys
    assert not (tmp_path / "a" / WRAPPING_FILE).exists()
    with pytest.raises(ConfigurationError, match="this node needs --key-command"):
        ring_of(files, tmp_path / "a", **{WRAPPING_VARIABLE: KeyRing.generate(system_entropy).dump().decode()})


@pytest.mark.parametrize(
    ("program", "told"),
    [("import sys; print('key material', file=sys.stderr); sys.exit(3)", "ended with status 3"), ("", "wrote nothing")],
)
def test_a_command_that_fails_makes_no_ring_and_its_output_is_not_told(tmp_path: Path, program: str, told: str) -> None:
    files = MemoryFiles()
    with pytest.raises(ConfigurationError, match=told) as refused:
        ring_of(files, tmp_path, kms(tmp_path, program))
    assert "key material" not in str(refused.value)
    assert files == {}


COPY = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
ONE_WAY = "import sys; sys.stdout.buffer.write(sys.argv[1].encode() + bytes(b ^ 1 for b in sys.stdin.buffer.read()))"


@pytest.mark.parametrize("program", [COPY, ONE_WAY], ids=["wraps nothing", "opens nothing"])
def test_attack_a_command_that_wraps_nothing_or_what_nobody_opens_puts_no_ring_into_the_database(
    tmp_path: Path, program: str
) -> None:
    files = MemoryFiles()
    with pytest.raises(ConfigurationError, match="is the key ring itself, or does not open again"):
        ring_of(files, tmp_path, kms(tmp_path, program))
    assert files == {}
