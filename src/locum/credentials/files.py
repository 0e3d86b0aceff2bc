"""Where a key ring is kept: a file that only its owner can read, or the environment.

A new file appears under its name complete or not at all, and never in place of another: it is written beside
it, flushed to the disk, and linked. Two processes that start at once end up with one ring.
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

ENVIRONMENT_VARIABLE: Final = "LOCUM_KEYRING"
MAX_FILE: Final = 1 << 20

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def read_keyring(path: Path, environ: Mapping[str, str]) -> KeyRing | None:
    """The ring in the environment variable LOCUM_KEYRING (its JSON text), else in the file `path`, else None.

    Raises ConfigurationError where it cannot be read, is not a ring, or where others may read the file.
    """
    text = environ.get(ENVIRONMENT_VARIABLE)
    if text:
        return _load(text.encode(), f"environment variable {ENVIRONMENT_VARIABLE}")
    content = _read_private(path)
    return None if content is None else _load(content, str(path))


def create_keyring(path: Path, entropy: Entropy, environ: Mapping[str, str]) -> KeyRing:
    """What `read_keyring` finds; where there is none, a new ring, which is written to `path` first."""
    found = read_keyring(path, environ)
    if found is None:
        _place(path, KeyRing.generate(entropy).dump(), _link)
        found = read_keyring(path, {})  # another process may have been quicker
    if found is None:
        raise ConfigurationError(f"{path} vanished while the key ring was being created")
    return found


def write_keyring(path: Path, keyring: KeyRing) -> None:
    """Puts `keyring` (a rotated one) in place of the file at `path`, at once. Raises ConfigurationError."""
    _place(path, keyring.dump(), os.replace)


def _load(text: bytes, origin: str) -> KeyRing:
    try:
        return KeyRing.load(text)
    except ConfigurationError as error:
        raise ConfigurationError(f"{origin}: {error}") from None


def _read_private(path: Path) -> bytes | None:
    """The content of `path`, None where there is no such file. The file that is checked is the one that is read."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ConfigurationError(f"{path} is not a regular file")
            if status.st_mode & _OTHERS:
                mode = stat.S_IMODE(status.st_mode)
                raise ConfigurationError(f"{path} has mode {mode:04o}: others can use it; make it 0600 (chmod 600)")
            if status.st_uid not in (os.geteuid(), 0):
                raise ConfigurationError(f"{path} belongs to user {status.st_uid}, not to the one who runs this")
            return file.read(MAX_FILE)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error


def _place(path: Path, content: bytes, move: Callable[[Path, Path], None]) -> None:
    """Writes `content` beside `path`, with mode 0600 from the first (mkstemp), flushes it, and `move`s it there."""
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
    """Gives `draft` the name `path`, unless something has it."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return


def _flush_folder(folder: Path) -> None:
    """Makes a new name in `folder` last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
