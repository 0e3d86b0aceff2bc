"""What is relied on of uvicorn is there, and with a uvicorn without it nothing starts."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from locum.core.errors import ConfigurationError
from locum.core.reliance import Relied, installed, require
from locum.http.uvicorn_protocol import RELIED_ON, WANTED

PROJECT = tomllib.loads((Path(__file__).resolve().parents[3] / "pyproject.toml").read_text())["project"]
EVERY = [(module, relied) for module, all_ in RELIED_ON.items() for relied in all_]


@pytest.mark.parametrize(("module", "relied"), EVERY)
def test_a_uvicorn_without_any_of_it_is_refused(module: ModuleType, relied: Relied) -> None:
    require("uvicorn", WANTED, module, [relied])
    first = relied.name.partition(".")[0]
    without = {attribute: value for attribute, value in vars(module).items() if attribute != first}
    with pytest.raises(ConfigurationError) as refused:
        require("uvicorn", WANTED, SimpleNamespace(**without), [relied])
    told = str(refused.value)
    assert told.startswith(
        f"uvicorn {installed('uvicorn')} is not a version that Locum works with: in {module.__name__} "
    )
    assert told.endswith(f"no {relied.name}, needed {relied.reason}. Install {WANTED}")


def test_the_versions_that_are_wanted_are_those_of_the_project() -> None:
    assert WANTED in PROJECT["dependencies"]


def test_a_plane_does_not_start_with_a_uvicorn_of_another_version(tmp_path: Path) -> None:
    data = tmp_path / "data"
    code = (
        "from uvicorn.protocols.http import httptools_impl\n"
        "del httptools_impl.STATUS_LINE\n"
        f"import sys; sys.argv = ['locum', 'up', '--port', '0', '--data', {str(data)!r}]\n"
        "from locum.cli.main import main; main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("locum: uvicorn ")
    assert "there is no STATUS_LINE, needed to send an answer in one piece. Install uvicorn>=0.54" in done.stderr
    assert not data.exists()
