"""What is told of the data of moto that is looked up: it may have been kept, and is to be there before (`keeping`).

One backend of a process keeps its data at a time, as moto's data is the process's.
"""

from __future__ import annotations

from typing import Protocol


class Watcher(Protocol):
    """Who has kept the data of parts of moto (`s3`), and keeps it."""

    def recall(self, part: str) -> None:
        """Have what was kept of a part be there."""

    def changing(self, part: str) -> None:
        """A part may be changed from now on."""


_watchers: list[Watcher] = []


def watch(watcher: Watcher) -> None:
    """Have `watcher` told from now on, and nobody else."""
    _watchers[:] = [watcher]


def unwatch(watcher: Watcher) -> None:
    """Have `watcher` told no more."""
    _watchers[:] = [other for other in _watchers if other is not watcher]


def here(part: str) -> None:
    """Have what was kept of a part of moto be there. Quick where it is."""
    for watcher in _watchers:
        watcher.recall(part)


def changing(part: str) -> None:
    """Note that a part of moto may be changed from now on."""
    for watcher in _watchers:
        watcher.changing(part)
