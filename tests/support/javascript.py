"""The AWS SDK for JavaScript v3, as locked in tests/functional/js."""

from __future__ import annotations

import fcntl
import io
import shutil
import subprocess
import zipfile
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from support.plane import SECONDS

PROGRAMS: Final = Path(__file__).resolve().parents[1] / "functional" / "js"
NODE, NPM = shutil.which("node"), shutil.which("npm")
LACKING: Final = "the AWS SDK for JavaScript needs node, npm (apt-get install nodejs npm) and npm's registry"


@cache
def installed() -> bool:
    """Whether the SDK is there, installed as locked where it was not and the registry can be reached."""
    if NODE is None or NPM is None:
        return False
    with (PROGRAMS / "package-lock.json").open("rb") as lock:
        # Test workers are processes of their own: one of them installs, the others wait for it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _install(lock.read(), PROGRAMS / "node_modules" / ".locked", NPM)


def _install(locked: bytes, mark: Path, npm: str) -> bool:
    if mark.exists() and mark.read_bytes() == locked:
        return True
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0", "--prefix", str(PROGRAMS)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return False
    mark.write_bytes(locked)
    return True


def line(program: str) -> list[str]:
    """The command line that runs one of the programs there; skips the test where it cannot."""
    if not installed():
        pytest.skip(LACKING)
    return [str(NODE), str(PROGRAMS / program)]


def package(**modules: str) -> bytes:
    """A deployment package with the programs there, the SDK, and CommonJS modules: package(app="exports.a = 1").

    The SDK is not part of Node.js, as it is of AWS's runtimes.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in modules.items():
            archive.writestr(f"{name}.js", text)
        for program in PROGRAMS.glob("*.mjs"):
            archive.write(program, program.name)
        folder = (PROGRAMS / "node_modules").resolve()
        for file in folder.rglob("*"):
            if file.suffix in (".js", ".mjs", ".cjs", ".json") and "dist-types" not in file.parts:
                archive.write(file, Path("node_modules") / file.relative_to(folder))
    return packed.getvalue()
