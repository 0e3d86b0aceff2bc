"""The commands of the banner are those that another shell can type as they stand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from locum.cli.greeting import data_flag, farewell, greeting, locum_command
from locum.cli.home import Plane
from locum.cli.options import Options
from locum.core.clock import MovableClock, system_clock
from locum.core.instances import CONTAINER

PLANE = Plane("http://127.0.0.1:4566", 4566, "us-east-1", "000000000000", 1)


def program(folder: Path) -> Path:
    folder.mkdir(parents=True)
    file = folder / "locum"
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


@pytest.fixture
def banner(tmp_path: Path) -> str:
    return greeting(Options(data=tmp_path / "my data"), PLANE, MovableClock(system_clock, 0.0))


def test_a_program_called_by_a_relative_path_is_named_by_its_absolute_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = program(tmp_path / "my venv" / "bin")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["my venv/bin/locum", "up"])
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert locum_command() == f"'{file}'"


def test_a_program_that_every_shell_finds_is_named_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = program(tmp_path / "bin")
    monkeypatch.setattr(sys, "argv", [str(file), "up"])
    monkeypatch.setenv("PATH", f"{file.parent}:/usr/bin")
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    assert locum_command() == "locum"


def test_another_locum_on_the_path_is_not_the_one_that_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = program(tmp_path / "own"), program(tmp_path / "other")
    monkeypatch.setattr(sys, "argv", [str(own), "up"])
    monkeypatch.setenv("PATH", str(other.parent))
    assert locum_command() == str(own)


def test_an_environment_that_only_this_shell_has_activated_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = program(tmp_path / "venv" / "bin")
    monkeypatch.setattr(sys, "argv", [str(file), "up"])
    monkeypatch.setenv("PATH", f"{file.parent}:/usr/bin")
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "venv"))
    assert locum_command() == str(file)


def test_every_command_names_the_directory_that_is_not_the_users_own(banner: str, tmp_path: Path) -> None:
    flag = f" --data '{tmp_path / 'my data'}'"
    assert [line for line in banner.splitlines() if line.startswith("  ") and flag not in line] == []
    assert data_flag(tmp_path / "my data") == flag


def test_the_users_own_directory_is_not_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert data_flag(tmp_path / "locum") == ""


def test_root_is_said_to_be_awss(banner: str) -> None:
    assert "root user (AWS's, not the machine's)" in banner


def test_a_tour_is_only_named_where_its_program_is_seen(tmp_path: Path) -> None:
    clock = MovableClock(system_clock, 60.0)
    told = greeting(Options(data=tmp_path, driver=CONTAINER, mode="observe"), PLANE, clock)
    assert "locum tour" not in told
    assert "observe: what the policies deny" in told
    assert "the clock was moved" in told


def test_the_end_says_where_what_is_kept_is(tmp_path: Path) -> None:
    assert farewell(Options(data=tmp_path)) == f"Locum has stopped; everything is kept, in {tmp_path}"
    assert farewell(Options(data=tmp_path, ephemeral=True)) == (
        f"Locum has stopped; everything but the embedded backend's data is kept, in {tmp_path}"
    )


def test_a_node_says_that_what_is_shared_is_in_the_database(tmp_path: Path) -> None:
    options = Options(data=tmp_path, journal="postgresql:///locum", node="one")
    told = greeting(options, PLANE, MovableClock(system_clock, 0.0))
    assert f"data: {tmp_path}  (of this node one: the journal is in the database that it shares)" in told
    assert "postgresql" not in told
    assert farewell(options) == (
        f"Locum has stopped; everything is kept in the database, what is the node's own in {tmp_path}"
    )
