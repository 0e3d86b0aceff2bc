"""The data directory: ours alone, readable by nobody else, held by one process.

A directory is Locum's when it holds the file `lock`, made first of all; anything else that is not empty is
somebody else's and is left alone. The lock is flock(2)'s: it goes with the process, however that ends.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from locum.core.errors import StorageError

LOCK: Final = "lock"
_DIRECTORY_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_REPLACE: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW


class DataDirectory:
    """A claimed data directory. `path` is absolute."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def claim(cls, path: Path) -> DataDirectory:
        """Make `path` if need be and hold it until `release` or the end of the process.

        Raises StorageError where another process holds it, it is not Locum's or it cannot be used.
        """
        path = path.expanduser().absolute()
        try:
            return cls(path, _claim(path))
        except OSError as error:
            raise StorageError(f"{path} cannot be used as a data directory: {error.strerror}") from error

    def create(self, name: str) -> Path:
        """The path of the file `name`, made empty (mode 0600) where it is not there."""
        path = self.path / name
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _FILE_MODE))
            path.chmod(_FILE_MODE)
        except OSError as error:
            raise StorageError(f"{path} cannot be opened: {error.strerror}") from error
        return path

    def write(self, name: str, data: bytes) -> Path:
        """Put `data` into the file `name` (mode 0600): durable, and never seen half written."""
        path, draft = self.path / name, self.path / f".{name}.new"
        try:
            with os.fdopen(os.open(draft, _REPLACE, _FILE_MODE), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            _sync_directory(self.path)
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror}") from error
        return path

    def release(self) -> None:
        """Let another process claim the directory. Idempotent."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _claim(path: Path) -> int:
    path.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
    lock_path = path / LOCK
    if not lock_path.exists() and any(path.iterdir()):
        raise StorageError(f"{path} holds files that are not Locum's; name an empty or a new directory with --data")
    path.chmod(_DIRECTORY_MODE)
    lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _FILE_MODE)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(lock, 20, 0).decode(errors="replace").strip() or "unknown"
        os.close(lock)
        raise StorageError(
            f"{path} is in use by another Locum (process {holder}); stop it or use another --data"
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def _sync_directory(path: Path) -> None:
    """Make a rename durable: the directory is a file too (fsync(2))."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
