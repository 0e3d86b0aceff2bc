"""The files of an instance that a driver makes real, in the data directory: `instances/ID/`, mode 0700.

lock       held (flock(2)) by its launcher, as long as that lives: one instance has one launcher
console    the end of its output
begun      there once its first start has begun: user data runs once, whatever becomes of it
"""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

FOLDER: Final = "instances"
CONSOLE_OCTETS: Final = 64 << 10
"""The output that is kept. EC2 API, GetConsoleOutput: "the most recent 64 KB"."""

_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class InstanceFiles:
    """The files of the instance `instance`, in the data directory `data`."""

    def __init__(self, data: Path, instance: str) -> None:
        self.folder = data / FOLDER / instance
        self._console = self.folder / "console"

    def lock(self) -> int | None:
        """Make the folder, and hold the lock: its descriptor; None where another launcher has it. Raises OSError."""
        self.folder.parent.mkdir(mode=0o700, exist_ok=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(self.folder / "lock", _NEW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    def is_locked(self) -> bool:
        """Whether a launcher lives."""
        if not self.folder.is_dir():
            return False
        lock = self.lock()
        if lock is not None:
            os.close(lock)
        return lock is None

    @property
    def begun(self) -> bool:
        """Whether a first start has begun."""
        return (self.folder / "begun").exists()

    def begin(self) -> None:
        """Have it begun. Raises OSError."""
        os.close(os.open(self.folder / "begun", _NEW, 0o600))

    def remove(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):  # there are others
            self.folder.parent.rmdir()

    def output(self) -> tuple[bytes, float] | None:
        """The end of what the instance has written, and when (epoch seconds); None where it wrote nothing."""
        try:
            with self._console.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - CONSOLE_OCTETS))
                return file.read(CONSOLE_OCTETS), os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            return None

    def copy_output(self, source: int) -> None:
        """Write what comes from the descriptor `source` to the console, to its end; twice CONSOLE_OCTETS at most.

        What cannot be written, as the disk is full, is dropped: whoever writes it goes on.
        """
        console = os.open(self._console, _NEW | os.O_APPEND, 0o600)
        try:
            while octets := os.read(source, CONSOLE_OCTETS):
                with suppress(OSError):
                    console = self._append(console, octets)
        finally:
            os.close(console)

    def _append(self, console: int, octets: bytes) -> int:
        """Write to the console; its descriptor from now on. Where it is long, a new one with its end takes its place.

        So whoever reads meanwhile finds the one or the other.
        """
        size = os.fstat(console).st_size
        if size + len(octets) > 2 * CONSOLE_OCTETS:
            kept = os.pread(console, CONSOLE_OCTETS, max(0, size - CONSOLE_OCTETS))
            next_one = self._console.with_suffix(".next")
            fresh = os.open(next_one, _NEW | os.O_APPEND | os.O_TRUNC, 0o600)
            try:
                os.write(fresh, kept)
                next_one.replace(self._console)
            except OSError:
                os.close(fresh)
                raise
            os.close(console)
            console = fresh
        os.write(console, octets)
        return console


def known(data: Path) -> set[str]:
    """The ids of the instances that have files in the data directory `data`."""
    folder = data / FOLDER
    return {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
