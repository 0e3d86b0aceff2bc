"""What a closed environment may be shown of the host."""

from __future__ import annotations

from pathlib import Path

from locum.compute.functions.surroundings import Surroundings


def test_an_interpreter_below_the_home_directory_is_shown_and_nothing_that_holds_home_or_a_secret(
    tmp_path: Path,
) -> None:
    home = Path.home()
    around = Surroundings(closed=True, hidden=(str(tmp_path / "venv" / "data"),))
    shown = [str(home / ".pyenv" / "versions" / "3.11"), str(tmp_path / "other")]
    assert around.shown([*shown, str(home), str(home.parent), "/", str(tmp_path), str(tmp_path / "venv")]) == shown


def test_the_runtime_api_has_a_port_that_is_nobody_elses() -> None:
    assert Surroundings().api_port == 9001
    assert Surroundings(apps=lambda: {9001: None}, ports=lambda: (9002, 9001)).api_port == 9003
