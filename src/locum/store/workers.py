"""Threads for what blocks on storage, beside the event loop. A passing fault of storage is waited out there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from locum.core.errors import PassingStorageError
from locum.store.limits import Limits

R = TypeVar("R")


class Workers:
    """Some threads. What raises PassingStorageError is run again, up to `Limits.retries` times."""

    def __init__(self, threads: int, name: str, limits: Limits) -> None:
        self._pool = ThreadPoolExecutor(threads, name)
        self._limits = limits
        self._closed = False

    def run(self, work: Callable[[], R], then: Callable[[Future[R]], None], attempt: int = 0) -> None:
        """`work` in a thread, `then` back on the loop. Nothing is begun, and nothing comes back, once it is closed."""
        if self._closed:
            return
        loop = asyncio.get_running_loop()

        def back(done: Future[R]) -> None:
            if isinstance(done.exception(), PassingStorageError) and attempt < self._limits.retries:
                loop.call_later(self._pause(attempt), self.run, work, then, attempt + 1)
            elif not self._closed:
                then(done)

        self._pool.submit(work).add_done_callback(lambda done: loop.call_soon_threadsafe(back, done))

    async def ask(self, work: Callable[[], R]) -> R:
        """Run `work` in a thread, and wait for its answer."""
        loop = asyncio.get_running_loop()
        for attempt in range(self._limits.retries):
            try:
                return await loop.run_in_executor(self._pool, work)
            except PassingStorageError:
                await asyncio.sleep(self._pause(attempt))
        return await loop.run_in_executor(self._pool, work)

    def now(self, work: Callable[[], R]) -> R:
        """Run `work` in a thread, once. The loop waits for its answer."""
        return self._pool.submit(work).result()

    def close(self) -> None:
        """Wait for what is under way."""
        self._closed = True
        self._pool.shutdown()

    def _pause(self, attempt: int) -> float:
        return float(self._limits.backoff * 2**attempt)
