"""The plane's end of the process that writes a file of an archive. It blocks."""

from __future__ import annotations

import os
import subprocess
from importlib.util import find_spec
from typing import Final

import msgspec

from locum.audit.archive.place import Place
from locum.core.errors import ConfigurationError, LocumError
from locum.core.extras import adding
from locum.core.programs import program_with_packages

_PATIENCE: Final = 600.0
"""Seconds."""


class NotArchived(LocumError):
    """A file could not be stored. What it was to have is still in the journal."""


def check_installed() -> None:
    """Raises ConfigurationError where what writes and reads files is not installed."""
    missing = [package for package in ("duckdb", "fsspec") if find_spec(package) is None]
    if missing:
        raise ConfigurationError(f"an archive takes {' and '.join(missing)}: {adding('analyze')}")


class FileWriter:
    """Writes one file at a time, by a process for each."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def store(self, where: Place, key: str, rows: list[tuple[int, bytes]]) -> None:
        """Store a file, or find that it is there. Raises NotArchived."""
        given = msgspec.msgpack.encode({"place": tuple(where), "key": key, "rows": rows})
        words, pipe = program_with_packages("locum.audit.archive.writing"), subprocess.PIPE
        try:
            with subprocess.Popen(words, stdin=pipe, stdout=subprocess.DEVNULL, stderr=pipe, env=os.environ) as process:  # noqa: S603 - words of ours
                self._process = process
                if self._stopped:  # before there was a process to end
                    process.kill()
                said = _said(process, given)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotArchived(f"records could not be archived: {type(error).__name__}") from error
        if process.returncode:
            why = said[-1] if said else f"status {process.returncode}"
            raise NotArchived(f"records could not be archived: {why}")

    def stop(self) -> None:
        """End what is under way, and what is begun later: it is done again another time. For any thread."""
        self._stopped = True
        if self._process is not None:
            self._process.kill()


def _said(process: subprocess.Popen[bytes], given: bytes) -> list[str]:
    """The lines that a process says of an error, once it has ended."""
    try:
        _, errors = process.communicate(given, _PATIENCE)
    except BaseException:
        process.kill()
        raise
    return errors.decode(errors="replace").strip().splitlines()
