"""Python programs in processes of their own, for what cannot be undone in the tests' process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

SECONDS: Final = 60
_SOURCE: Final = Path(__file__).resolve().parents[2] / "src"


def _environment(more: dict[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(_SOURCE), **more}


def python(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `program`, wait for its end."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=_environment(environment),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def started(program: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """Start `program`; its output is a pipe."""
    line = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(line, env=_environment({}), stdout=subprocess.PIPE, text=True, **options)
