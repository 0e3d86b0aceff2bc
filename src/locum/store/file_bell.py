"""A bell that is heard in other processes: a file that is opened and closed, watched with inotify(7)."""

from __future__ import annotations

import os
import select
from contextlib import suppress
from pathlib import Path
from typing import Final

_IN_CLOSE_WRITE: Final = 0x8
"""`sys/inotify.h`: a file that was open for writing was closed, whether or not it was written to."""


class FileBell:
    """A bell for the handles of all processes that have the file at `path`, which is there."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ring(self) -> None:
        """Wake all who wait. Where this process has too many files open, they find out by themselves."""
        with suppress(OSError):
            os.close(os.open(self._path, os.O_WRONLY | os.O_CLOEXEC))

    def listen(self) -> FileListener:
        """One more listener."""
        return FileListener(self._path)


class FileListener:
    """One who listens to a `FileBell`; deaf where the user has no watches left (inotify(7), "/proc interfaces")."""

    def __init__(self, path: Path) -> None:
        self._woken = os.eventfd(0, os.EFD_CLOEXEC)
        self._rings = _watch(path)
        self._poll = select.poll()
        for file in (self._woken, *self._rings):
            self._poll.register(file, select.POLLIN)

    def attend(self) -> None:
        """Be ready: `wait` ends with the first ring from now on."""
        for file in self._rings:
            with suppress(BlockingIOError):
                os.read(file, 4096)

    def wait(self, seconds: float) -> None:
        """Wait for a ring after `attend`, for at most so many seconds."""
        self._poll.poll(seconds * 1000)

    def wake(self) -> None:
        """End the `wait` that is under way, and every later one. For any thread."""
        os.eventfd_write(self._woken, 1)

    def close(self) -> None:
        """Listen no more."""
        for file in (self._woken, *self._rings):
            os.close(file)


def _watch(path: Path) -> tuple[int, ...]:
    """A descriptor to be read when the file at `path` is closed by somebody; none where it cannot be watched."""
    import ctypes  # noqa: PLC0415 - where a journal is shared, which few are

    libc = ctypes.CDLL(None)
    events = int(libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
    if events < 0:
        return ()
    if libc.inotify_add_watch(events, os.fsencode(path), _IN_CLOSE_WRITE) < 0:
        os.close(events)
        return ()
    return (events,)
