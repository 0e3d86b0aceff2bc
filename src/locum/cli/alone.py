"""There is one plane in a data directory, however many processes of it hold the directory together."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from locum.core.errors import StorageError

FILE: Final = "plane.lock"
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


def be_alone(directory: Path) -> int:
    """A descriptor that is held by the one plane in `directory`, by whichever name. Raises StorageError.

    The lock is flock(2)'s: it goes with the process, however that ends.
    """
    try:
        held = os.open(directory / FILE, _FLAGS, 0o600)
    except OSError as error:
        raise StorageError(f"{directory} cannot be used as a data directory: {error.strerror}") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        raise StorageError(f"{directory} is in use by another plane") from None
    return held
