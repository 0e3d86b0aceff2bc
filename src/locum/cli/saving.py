"""Saving the state of a plane that runs: its journal at one moment, and what the embedded backend holds."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from locum.backends import Backend
from locum.backends.kept_files import KeptFiles
from locum.backends.lazy import LazyBackend
from locum.cli.saved import write
from locum.core.clock import Clock


async def save_running(data: Path, name: str, wall: Clock, kept: KeptFiles | None, backend: Backend) -> list[str]:
    """Save the state of the plane on `data` under a name; the services of which the backend holds something.

    `kept` are the backend's files, where it has some. Raises ConfigurationError.
    """

    def copied(folder: Path) -> list[str]:
        return [] if kept is None else kept.copied_to(folder)

    work = partial(write, data, name, wall, copied)
    await (backend.save(work) if isinstance(backend, LazyBackend) else asyncio.to_thread(work))
    return [] if kept is None else kept.services()
