"""Functions of Lambda made real: their invocations, so many at a time, each in an execution environment."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from locum.compute.function_process import FunctionProcess, Invocation, InvocationResult, Launch, can_hide
from locum.compute.warm_functions import WarmFunctions
from locum.core.clock import Clock
from locum.core.errors import LocumError
from locum.core.functions import Function

__all__ = ["AT_ONCE", "Busy", "Functions", "Invocation", "InvocationResult", "Launch", "Stopped", "Throttled"]

AT_ONCE: Final = 16
"""Invocations that run at the same time."""

_log: Final = logging.getLogger("locum.compute")


class Busy(LocumError):
    """As many invocations run as may at the same time."""


class Throttled(LocumError):
    """As many invocations of the function run as its reserved concurrency is."""


class Stopped(LocumError):
    """The invocation was stopped before it had an outcome: the plane ends."""


class Functions:
    """Runs functions. `hidden` are files and directories of the host that they do not see, where that can be done."""

    def __init__(self, clock: Clock, hidden: Sequence[Path] = (), at_once: int = AT_ONCE) -> None:
        self._clock = clock
        self._to_hide = tuple(map(str, hidden))
        self._hidden: tuple[str, ...] | None = None if hidden else ()  # what can be hidden; not known yet
        self._room = asyncio.Semaphore(at_once)
        self._running: dict[asyncio.Task[InvocationResult | None], FunctionProcess] = {}
        self._shares: Counter[str] = Counter()  # invocations by function
        self._warm = WarmFunctions(clock)

    async def invoke(self, launch: Launch, invocation: Invocation, *, patient: bool = False) -> InvocationResult:
        """Run a function on an event, in an environment that is warm or made now.

        Raises Busy, Throttled, PackageError, Stopped. `patient`: wait for room where there is none. Once this is
        cancelled the process does not go on.
        """
        with self._share(launch.function):
            if self._room.locked() and not patient:
                raise Busy("too many functions run at the same time")
            await self._room.acquire()
            return await self._run(launch, invocation)

    @contextmanager
    def _share(self, function: Function) -> Iterator[None]:
        """Have the block count as an invocation of `function`. Raises Throttled."""
        if function.reserved is not None and self._shares[function.arn] >= function.reserved:
            raise Throttled("the reserved concurrency is used up")
        self._shares[function.arn] += 1
        try:
            yield
        finally:
            self._shares[function.arn] -= 1

    async def _run(self, launch: Launch, invocation: Invocation) -> InvocationResult:
        process = self._warm.take(launch) or FunctionProcess(launch, invocation.request_id, self._clock)
        task = asyncio.get_running_loop().create_task(self._outcome(process, invocation))
        self._running[task] = process
        task.add_done_callback(self._ended)
        try:
            outcome = await asyncio.shield(task)
        except asyncio.CancelledError:
            process.stop()
            raise
        if outcome is None:
            raise Stopped("the invocation was stopped")
        return outcome

    async def close(self) -> None:
        """Stop what runs or is warm, and wait until nothing of it is left."""
        for process in self._running.values():
            process.stop()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._warm.close()

    async def _outcome(self, process: FunctionProcess, invocation: Invocation) -> InvocationResult | None:
        try:
            if self._hidden is None:
                self._hidden = self._to_hide if await can_hide(self._to_hide) else ()
                if not self._hidden:
                    _log.warning("no namespaces on this machine: functions can read the files of this user")
            return await process.invoke(invocation, self._hidden)
        finally:
            if process.reusable:
                self._warm.keep(process)
            else:
                await process.close()

    def _ended(self, task: asyncio.Task[InvocationResult | None]) -> None:
        del self._running[task]
        self._room.release()
