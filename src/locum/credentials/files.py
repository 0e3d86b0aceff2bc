"""Storage of the key ring (a file that only its owner can read, or an environment variable) and of other private files.

A new file is created atomically, and never replaces another: it is written under a temporary name, flushed to the
disk, and linked. Two processes that start at once end up with one ring.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from locum.core.clock import Entropy
from locum.core.errors import ConfigurationError
from locum.credentials.keyring import KeyRing

CreateFile = Callable[[str, Callable[[], bytes]], bytes]
"""Gives the content of a private file of the installation, by its name; where there is none, what the second makes."""

ENVIRONMENT_VARIABLE: Final = "LOCUM_KEYRING"
MAX_FILE: Final = 1 << 20

_GROUP_AND_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def read_keyring(path: Path, environ: Mapping[str, str]) -> KeyRing | None:
    """Read the ring from the environment variable LOCUM_KEYRING (its JSON text), else from the file `path`, else None.

    Raises ConfigurationError where it cannot be read, is not a ring, or where other users may read the file.
    """
    text = environ.get(ENVIRONMENT_VARIABLE)
    if text:
        return _load(text.encode(), f"environment variable {ENVIRONMENT_VARIABLE}")
    content = _read_private(path)
    return None if content is None else _load(content, str(path))


def create_keyring(path: Path, entropy: Entropy, environ: Mapping[str, str]) -> KeyRing:
    """Read the ring as `read_keyring` does; where there is none, create one and write it to `path`."""
    found = read_keyring(path, environ)
    if found is None:
        found = _load(create_private(path, lambda: KeyRing.generate(entropy).dump()), str(path))
    return found


def write_keyring(path: Path, keyring: KeyRing) -> None:
    """Replace the file at `path` by `keyring` (a rotated one), atomically. Raises ConfigurationError."""
    write_private(path, keyring.dump())


def create_private(path: Path, content: Callable[[], bytes]) -> bytes:
    """Read the private file `path`; where there is none, create it with what `content` gives.

    Processes that do so at once end up with one file. Raises ConfigurationError as `read_keyring` does.
    """
    found = _read_private(path)
    if found is None:
        _write_atomically(path, content(), _link)
        found = _read_private(path)
    if found is None:
        raise ConfigurationError(f"{path} vanished while it was being created")
    return found


def write_private(path: Path, content: bytes) -> None:
    """Write or replace the file `path`, with mode 0600, atomically. Raises ConfigurationError."""
    _write_atomically(path, content, os.replace)


def _load(text: bytes, origin: str) -> KeyRing:
    try:
        return KeyRing.load(text)
    except ConfigurationError as error:
        raise ConfigurationError(f"{origin}: {error}") from None


def _read_private(path: Path) -> bytes | None:
    """The content of `path`, None where it does not exist. The mode is checked on the open file that is read."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ConfigurationError(f"{path} is not a regular file")
            if status.st_mode & _GROUP_AND_OTHERS:
                mode = stat.S_IMODE(status.st_mode)
                raise ConfigurationError(f"{path} has mode {mode:04o}: others can use it; make it 0600 (chmod 600)")
            if status.st_uid not in (os.geteuid(), 0):
                raise ConfigurationError(f"{path} belongs to user {status.st_uid}, not to the one who runs this")
            return file.read(MAX_FILE)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error


def _write_atomically(path: Path, content: bytes, move: Callable[[Path, Path], None]) -> None:
    """Write `content` to a new file of mode 0600 (mkstemp) in the same folder, flush it, and `move` it to `path`."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        draft = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            move(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        _flush_folder(path.parent)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error


def _link(draft: Path, path: Path) -> None:
    """Link `draft` as `path`, unless that exists."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return


def _flush_folder(folder: Path) -> None:
    """Flush `folder` to the disk, so that a new name in it survives a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
