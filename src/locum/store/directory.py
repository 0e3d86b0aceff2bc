"""The data directory: ours alone, readable by nobody else, held by one process or shared on purpose.

A directory is Locum's when it holds the file `lock`, made first of all; anything else that is not empty is
somebody else's and is left alone. The lock is flock(2)'s: it goes with the process, however that ends. An exclusive
claim of it excludes every other claim, a shared one excludes exclusive ones. Those who share write in turns, which is
another lock (the file `turn`).
"""

from __future__ import annotations

import fcntl
import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Final

from locum.core.errors import PassingStorageError, StorageError

LOCK: Final = "lock"
TURN: Final = "turn"
_DIRECTORY_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_LOCK_FILE: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_REPLACE: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
GIVEN: Final = frozenset({"wrapping-keyring"})
"""What whoever sets a node up puts into its directory before its first start."""
_NAP: Final = 0.001
"""Seconds between two looks at whether the turn is free. (flock(2) has no timeout.)"""


class DataDirectory:
    """A claimed data directory. `path` is absolute; `shared` is whether others may hold it too.

    Where it is not `durable`, nothing in it has to outlast the machine's next failure: nobody waits for the disk.
    """

    def __init__(self, path: Path, lock: int, turn: int = -1, *, durable: bool = True) -> None:
        self.path = path
        self.shared = turn >= 0
        self.durable = durable
        self._lock = lock
        self._turn = turn

    @classmethod
    def claim(cls, path: Path, *, shared: bool = False, durable: bool = True) -> DataDirectory:
        """Make `path` if need be and hold it until `release` or the end of the process.

        Raises StorageError where another process holds it, it is not Locum's or it cannot be used. Processes that
        all ask for it `shared` hold it together.
        """
        path = path.expanduser().absolute()
        try:
            lock = _claim(path, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
            try:
                turn = os.open(path / TURN, _LOCK_FILE, _FILE_MODE) if shared else -1
                return cls(path, lock, turn, durable=durable)
            except OSError:
                os.close(lock)
                raise
        except OSError as error:
            raise StorageError(f"{path} cannot be used as a data directory: {error.strerror}") from error

    def create(self, name: str) -> Path:
        """The path of the file `name`, made empty (mode 0600) where it is not there.

        One that is there is not opened: closing it would end the locks that SQLite holds on it in this process
        (sqlite.org/howtocorrupt.html, "POSIX advisory locks canceled by a separate thread doing close()").
        """
        path = self.path / name
        try:
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE))
            if not stat.S_ISREG(path.lstat().st_mode):
                raise StorageError(f"{path} cannot be opened: it is not a file")
            path.chmod(_FILE_MODE)
        except OSError as error:
            raise StorageError(f"{path} cannot be opened: {error.strerror}") from error
        return path

    def write(self, name: str, data: bytes) -> Path:
        """Put `data` into the file `name` (mode 0600): durable, and never seen half written."""
        path, draft = self.path / name, self.path / f".{name}.{os.getpid()}.new"
        try:
            with os.fdopen(os.open(draft, _REPLACE, _FILE_MODE), "wb") as file:
                file.write(data)
                file.flush()
                if self.durable:
                    os.fsync(file.fileno())
            draft.replace(path)
            if self.durable:
                sync_directory(self.path)
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror}") from error
        return path

    @contextmanager
    def turn(self, patience: float) -> Iterator[None]:
        """Hold the right to write, which one of those who share the directory has at a time. For one thread.

        Raises PassingStorageError where it is not free within `patience` seconds. An exclusive claim has it always.
        """
        if not self.shared:
            yield
            return
        self._take_turn(math.ceil(patience / _NAP))
        try:
            yield
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)

    def release(self) -> None:
        """Let another process claim the directory. Idempotent."""
        if self._lock >= 0:
            if self.shared:
                os.close(self._turn)
            os.close(self._lock)
            self._lock = -1

    def _take_turn(self, naps: int) -> None:
        pause = Event()
        for left in range(naps, -1, -1):
            try:
                fcntl.flock(self._turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError as error:
                if not left:
                    raise PassingStorageError(f"{self.path} is being written to by another process") from error
            pause.wait(_NAP)


def _claim(path: Path, kind: int) -> int:
    path.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
    lock_path = path / LOCK
    if (
        any(it.name not in GIVEN for it in path.iterdir()) and not lock_path.exists()
    ):  # in this order: it may be made now
        raise StorageError(f"{path} holds files that are not Locum's; name an empty or a new directory with --data")
    path.chmod(_DIRECTORY_MODE)
    lock = os.open(lock_path, _LOCK_FILE, _FILE_MODE)
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise in_use(path) from error
    if kind == fcntl.LOCK_EX:
        _name(lock)
    return lock


def name_holder(path: Path) -> None:
    """Have the file `lock` of a directory that several processes share name this one: that which is to be stopped."""
    lock = os.open(path / LOCK, _LOCK_FILE, _FILE_MODE)
    try:
        _name(lock)
    finally:
        os.close(lock)  # flock(2)'s locks are of other descriptors


def in_use(path: Path) -> StorageError:
    """The error of a directory that others hold, which names the process."""
    try:
        holder = (path / LOCK).read_text(errors="replace").strip()
    except OSError:
        holder = ""
    return StorageError(
        f"{path} is in use by another Locum (process {holder or 'unknown'}); stop it or use another --data"
    )


def _name(lock: int) -> None:
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)


def sync_directory(path: Path) -> None:
    """Make a rename durable: the directory is a file too (fsync(2))."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
