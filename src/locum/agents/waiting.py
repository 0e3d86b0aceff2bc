"""Waiting: for an event, but not for longer than it may take, and for the end of tasks."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any


async def rung(bell: asyncio.Event, patience: float | None) -> bool:
    """Wait until `bell` is set, for so many seconds (None: for ever); whether it is.

    Not `asyncio.wait_for`, which forgets that it was cancelled where the bell rings at the same time.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await bell.wait()
    return bell.is_set()


async def cancelled(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks, and wait until they have ended, however they do."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
