"""Waiting for an event, but not for longer than it may take."""

from __future__ import annotations

import asyncio
from contextlib import suppress


async def rung(bell: asyncio.Event, patience: float | None) -> bool:
    """Wait until `bell` is set, for so many seconds (None: for ever); whether it is.

    Not `asyncio.wait_for`, which forgets that it was cancelled where the bell rings at the same time.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await bell.wait()
    return bell.is_set()
