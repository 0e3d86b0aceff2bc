"""A watch over the memory of a runtime and of what it started: one that has more than its function may is ended.

On Lambda the kernel ends it (`Runtime.ExitError`, `signal: killed`). Here no control group is needed for it; what a
process asks for at once is limited besides (`inside`).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

EVERY: Final = 0.1
"""Seconds between two looks."""

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class MemoryWatch:
    """Looks at the process that `pid` tells (0: none yet) while it is begun, and calls `over` beyond `limit` octets."""

    def __init__(self, pid: Callable[[], int], limit: int, over: Callable[[], None]) -> None:
        self._pid = pid
        self._limit = limit
        self._over = over
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Begin to look."""
        self._timer = asyncio.get_running_loop().call_later(EVERY, self._look)

    def end(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self.begin()
        pid = self._pid()
        if pid and sum(map(private_memory, _with_descendants(pid))) > self._limit:
            self._over()


def private_memory(pid: int) -> int:
    """Octets of memory that are of no file and no other process; 0 where the process is gone. proc_pid_statm(5)."""
    with suppress(OSError):
        _, resident, shared, *_ = map(int, Path(f"/proc/{pid}/statm").read_text().split())
        return (resident - shared) * _PAGE
    return 0


def _with_descendants(pid: int) -> Iterator[int]:
    """The process and those that it and its children started. proc_tid_children(5)."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in children.read_text().split():
                yield from _with_descendants(int(child))
