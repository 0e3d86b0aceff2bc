from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from locum.core.clock import system_entropy
from locum.core.errors import ConfigurationError
from locum.credentials import KeyRing, create_keyring, read_keyring, write_keyring


def test_a_new_ring_is_readable_by_its_owner_only_and_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "keyring"
    first = create_keyring(path, system_entropy, {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["keyring"]
    assert create_keyring(path, system_entropy, {}).keys == first.keys


def test_creating_never_replaces_a_ring_that_another_process_made(tmp_path: Path) -> None:
    path = tmp_path / "keyring"
    quicker = KeyRing.generate(system_entropy)

    def slow_entropy(count: int) -> bytes:
        if not path.exists():
            write_keyring(path, quicker)
        return system_entropy(count)

    assert create_keyring(path, slow_entropy, {}).keys == quicker.keys


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o610, 0o601])
def test_a_file_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keyring"
    create_keyring(path, system_entropy, {})
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match="0600"):
        read_keyring(path, {})


def test_a_file_kept_read_only_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "keyring"
    create_keyring(path, system_entropy, {})
    path.chmod(0o400)
    assert read_keyring(path, {}) is not None


def test_where_there_is_nothing_there_is_none(tmp_path: Path) -> None:
    assert read_keyring(tmp_path / "keyring", {}) is None


def test_something_other_than_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="directory"):
        read_keyring(tmp_path, {})
    with pytest.raises(ConfigurationError, match="regular"):
        read_keyring(Path(os.devnull), {})


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "keyring"
    path.touch(0o600)
    with pytest.raises(ConfigurationError, match="keyring"):
        read_keyring(path, {})


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be written"):
        create_keyring(tmp_path / "missing" / "keyring", system_entropy, {})


def test_the_environment_comes_before_the_file_and_leaves_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "keyring"
    given = KeyRing.generate(system_entropy)
    found = create_keyring(path, system_entropy, {"LOCUM_KEYRING": given.dump().decode()})
    assert found.keys == given.keys
    assert not path.exists()


def test_a_damaged_environment_variable_is_named_and_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="LOCUM_KEYRING") as caught:
        read_keyring(tmp_path / "keyring", {"LOCUM_KEYRING": "hush"})
    assert "hush" not in str(caught.value)


def test_a_rotated_ring_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "keyring"
    rotated = create_keyring(path, system_entropy, {}).rotated(system_entropy)
    write_keyring(path, rotated)
    found = read_keyring(path, {})
    assert found is not None
    assert found.keys == rotated.keys
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
