"""There is one plane in a data directory, however many processes of it hold the directory together."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from locum.core.errors import StorageError
from locum.store.directory import in_use, name_holder

FILE: Final = "plane.lock"
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


def be_alone(directory: Path) -> int:
    """A descriptor that is held by the one plane in `directory`, by whichever name. Raises StorageError.

    The lock is flock(2)'s: it goes with the process, however that ends. Whoever has it is named in the file `lock`,
    which workers, and planes that are refused, hold as well.
    """
    try:
        held = os.open(directory / FILE, _FLAGS, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            name_holder(directory)
        except OSError:
            os.close(held)
            raise
    except BlockingIOError:
        raise in_use(directory) from None
    except OSError as error:
        raise StorageError(f"{directory} cannot be used as a data directory: {error.strerror}") from error
    return held
