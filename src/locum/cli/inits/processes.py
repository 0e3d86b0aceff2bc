"""Scripts and Terraform, as processes with the environment of the plane."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from locum.cli.home import TERRAFORM, Plane, RootKey
from locum.cli.screen import printable
from locum.core.errors import LocumError

Tell = Callable[[str], object]

_LONGEST: Final = 4096
"""Octets of a line of output that are shown at once."""
_LAST_WORDS: Final = 1.0
"""Seconds in which what a process wrote is read after its end. What it has left running may write on for ever."""


def environment(plane: Plane, key: RootKey, data: Path) -> dict[str, str]:
    """The environment of this process with what `locum env` exports, and nothing else of AWS's and of the plane's.

    What is installed beside `locum` is found where nothing else of its name is.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LOCUM_"))}
    return kept | {
        "PATH": os.pathsep.join((kept.get("PATH", os.defpath), str(Path(sys.executable).parent))),
        "AWS_ENDPOINT_URL": plane.endpoint,
        "AWS_REGION": plane.region,
        "AWS_DEFAULT_REGION": plane.region,
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "LOCUM_DATA": str(data),
    }


def script(path: Path, environ: Mapping[str, str], tell: Tell) -> None:
    """Run a script, in its directory: by itself where it is executable, else by a shell. Raises LocumError."""
    line = [str(path.absolute())] if os.access(path, os.X_OK) else ["/bin/sh", str(path.absolute())]
    _run(line, path.parent, environ, tell)


def terraform(path: Path, kept: Path, environ: Mapping[str, str], tell: Tell) -> None:
    """Apply a configuration. Its state, and what it installs, are in the directory `kept`. Raises LocumError."""
    program = shutil.which("terraform", path=environ.get("PATH"))
    if program is None:
        raise LocumError("there is no terraform on the PATH: install it, or take the directory away")
    for folder in (kept.parent, kept):
        folder.mkdir(mode=0o700, exist_ok=True)
    own = {"TF_DATA_DIR": str(kept / TERRAFORM), "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    quiet = ["-input=false", "-no-color"]
    state = f"-state={kept / 'terraform.tfstate'}"
    _run([program, "init", *quiet], path, {**environ, **own}, tell)
    _run([program, "apply", "-auto-approve", *quiet, state], path, {**environ, **own}, tell)


def _run(line: Sequence[str], cwd: Path, environ: Mapping[str, str], tell: Tell) -> None:
    """Run a process to its end, and tell each line that it writes. Raises LocumError where it fails."""
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own script
            line, cwd=cwd, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except OSError as error:
        raise LocumError(f"it cannot be run: {error.strerror}") from error
    assert process.stdout is not None
    reader = threading.Thread(target=_read, args=(process.stdout, tell), daemon=True)
    reader.start()
    code = process.wait()
    reader.join(_LAST_WORDS)
    if code:
        raise LocumError(f"exit code {code}" if code > 0 else f"ended by signal {-code}")


def _read(output: IO[bytes], tell: Tell) -> None:
    while line := output.readline(_LONGEST):
        tell(printable(line.decode("utf-8", "replace").rstrip("\r\n").replace("\t", "    ")))
