"""The number of files and sockets that this process may have open."""

from __future__ import annotations

import resource
from typing import Final

ENOUGH: Final = 1 << 16


def open_files() -> int:
    """The limit that is in force: getrlimit(2), RLIMIT_NOFILE."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return ENOUGH if limit == resource.RLIM_INFINITY else limit


def raise_open_files() -> None:
    """Raise the limit as far as this process may, to ENOUGH at most. Shells often leave it at 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft not in (resource.RLIM_INFINITY, wanted) and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
