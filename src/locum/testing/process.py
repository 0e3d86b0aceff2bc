"""The plane of a test run, in a process of its own.

It is not a thread: the embedded backend is moto, whose data and replaced functions are those of a whole process. There,
`mock_aws` beside it would empty the plane, and the plane change what `mock_aws` does. (docs/adr/0045)
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from shutil import rmtree
from typing import Final

from locum.core.errors import LocumError

_NOT_PASSED_ON: Final = ("AWS_", "LOCUM_", "MOTO_", "PYTEST_", "COV_CORE_", "COVERAGE_")
"""What a user or a test runner means for itself, or for AWS's clients."""

_PROGRAM: Final = """
import gc, runpy, sys
gc.disable()  # until it answers: nothing that is loaded is garbage
sys.path.insert(0, sys.argv.pop(1))
import locum  # the same as in the tests, by whatever means their runner found it
sys.path.append(sys.path.pop(0))
runpy.run_module("locum.testing.serving", run_name="__main__", alter_sys=True)
"""
_SOURCE: Final = Path(__file__).parents[2]
_LONGEST: Final = 80
"""Octets of the path of that directory: a socket's has 107 at most, unix(7)."""
_PATIENCE: Final = 10.0
"""Seconds until a plane that does not end is killed."""


class PlaneProcess:
    """A process with a plane on a new directory, which is removed with it. `ready` waits until it answers."""

    def __init__(self, region: str) -> None:
        self._owner = os.getpid()
        self.folder = _new_folder()
        self._endpoint = ""
        try:
            with (self.folder / "errors").open("wb") as errors:
                self._process = subprocess.Popen(  # noqa: S603 - this interpreter
                    self._command(region),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    cwd=self.folder,
                    env=_environment(),
                    start_new_session=True,  # Ctrl-C is for the tests
                )
        except BaseException:
            rmtree(self.folder, ignore_errors=True)
            raise
        atexit.register(self.close)

    def _command(self, region: str) -> list[str]:
        return [sys.executable, "-P", "-c", _PROGRAM, str(_SOURCE), str(self.folder), region]

    @property
    def plane_data(self) -> Path:
        """The data directory of the plane."""
        return self.folder / "data"

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def ready(self) -> str:
        """Wait until the plane answers, and return its endpoint. Raises LocumError, with what it said."""
        if not self._endpoint:
            assert self._process.stdout is not None
            self._endpoint = self._process.stdout.readline().decode().strip()
            if not self._endpoint:
                said = (self.folder / "errors").read_text(errors="replace").strip() or "it said nothing"
                self.close()
                raise LocumError(f"the plane did not start: {said}")
        return self._endpoint

    def close(self) -> None:
        """End the process and remove its directory. Idempotent; nothing in a process that was forked from this one."""
        if os.getpid() != self._owner:
            return
        atexit.unregister(self.close)
        process = self._process
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()  # by which it ends
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        rmtree(self.folder, ignore_errors=True)


def _new_folder() -> Path:
    """A new directory for temporary files; where that of the user is too deep for sockets, in the system's own."""
    folder = Path(tempfile.mkdtemp(prefix="locum-testing-"))
    if len(os.fsencode(folder)) <= _LONGEST:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix="locum-testing-", dir="/tmp"))


def _environment() -> dict[str, str]:
    found = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED_ON)}
    if path := found.get("PYTHONPATH"):
        found["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, path.split(os.pathsep)))
    return found
