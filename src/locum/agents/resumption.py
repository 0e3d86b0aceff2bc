"""What was under way in the embedded backend when the plane ended goes on: schedules, mappings, rotations.

It is loaded for that, which takes a second: beside the first calls, and only where there is something.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Final

from locum.agents.waiting import cancelled
from locum.backends import Backend

_log: Final = logging.getLogger("locum.agents")


class Resumption:
    """Has `backends` resume what they kept."""

    def __init__(self, backends: Iterable[Backend]) -> None:
        self._backends = list(backends)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, if there is something."""
        if self._backends:
            self._task = asyncio.get_running_loop().create_task(self._resume())

    async def settled(self) -> None:
        """Wait until all of it goes on."""
        if self._task is not None:
            await self._task

    async def close(self) -> None:
        """End, wherever it is."""
        if self._task is not None:
            await cancelled(self._task)

    async def _resume(self) -> None:
        for backend in self._backends:
            try:
                await backend.resume()
            except Exception:  # a fault barrier: the others go on
                _log.exception("something that was under way does not go on")
