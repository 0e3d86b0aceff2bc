"""Programs of Locum's own: what starts them, and what they do not see of this process."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from locum.core.programs import program


@pytest.mark.parametrize(
    "module",
    [
        "locum.compute.command_program",
        "locum.compute.functions.inside",
        "locum.compute.supervisor_program",
        "locum.compute.zygote",
    ],
)
def test_a_program_needs_the_standard_library_and_locum_alone(module: str, tmp_path: Path) -> None:
    """It is started where a directory of somebody else's has modules of the same names."""
    for name in ("locum", "json", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a module of somebody else')")
    *interpreter, code, source, named = program(module)
    loaded = code.replace(".main()", "; print(*sys.modules)")
    variables = {"PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": str(tmp_path / "json.py")}
    done = subprocess.run(
        [*interpreter, loaded, source, named], cwd=tmp_path, env=variables, capture_output=True, text=True, check=True
    )
    assert {"site", "msgspec", "click"} & set(done.stdout.split()) == set()
    assert module in done.stdout
