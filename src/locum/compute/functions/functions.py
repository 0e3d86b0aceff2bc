"""Functions of Lambda made real: their invocations, so many at a time, each in an execution environment."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from locum.compute.functions.process import FunctionProcess, Invocation, InvocationResult, Launch, Told
from locum.compute.functions.runtimes import Runtimes, own
from locum.compute.functions.surroundings import App, Surroundings, Tls, can_close
from locum.compute.functions.warm import WarmFunctions
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
    """Runs functions. `hidden` are files and directories of the host that they do not see.

    Where there are any, and where that can be done, environments are closed: they see nothing of the host but what a
    runtime needs, and reach `apps`, `ports` and `tls` alone (`surroundings`). Interpreters are those on `search_path`,
    by default that of this process. Credentials expire by `expiring`, if that is another clock.
    """

    def __init__(
        self,
        clock: Clock,
        hidden: Sequence[Path] = (),
        at_once: int = AT_ONCE,
        apps: Callable[[], Mapping[int, App]] = dict,
        ports: Callable[[], Collection[int]] = tuple,
        tls: Callable[[], Tls | None] = lambda: None,
        search_path: str = "",
        expiring: Clock | None = None,
    ) -> None:
        self._clock = clock
        self._runtimes = Runtimes(search_path or os.environ.get("PATH", os.defpath))
        self._wanted = Surroundings(bool(hidden), tuple(map(str, hidden)), apps, ports, tls)
        self._around = None if hidden else self._wanted  # what can be had; not known yet
        self.at_once = at_once
        self._room = asyncio.Semaphore(at_once)
        self._running: dict[asyncio.Task[InvocationResult | None], FunctionProcess] = {}
        self._shares: Counter[str] = Counter()  # invocations by function
        self._warm = WarmFunctions(clock, expiring)

    async def invoke(
        self, launch: Launch, invocation: Invocation, *, patient: bool = False, told: Told | None = None
    ) -> InvocationResult:
        """Run a function on an event, in an environment that is warm or made now.

        Raises Busy, Throttled, PackageError, NoRuntime, CannotStart, Stopped. `patient`: wait for room where there is
        none. `told` is told of the log while it runs. Once this is cancelled the process does not go on.
        """
        with self._share(launch.function):
            if self._room.locked() and not patient:
                raise Busy("too many functions run at the same time")
            await self._room.acquire()
            return await self._run(launch, invocation, told)

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

    async def _run(self, launch: Launch, invocation: Invocation, told: Told | None) -> InvocationResult:
        process = self._warm.take(launch)
        process = process or FunctionProcess(launch, invocation.request_id, self._clock, self._runtimes)
        task = asyncio.get_running_loop().create_task(self._outcome(process, invocation, told))
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

    async def provision(self, launch: Launch, count: int, stream: str) -> int:
        """Have so many environments of `launch` be initialized, and stay so; how many there are, in use or not.

        Those that end by themselves meanwhile are not made again. Their log streams are named after `stream`. Raises
        PackageError, NoRuntime, CannotStart.
        """
        function, around = launch.function, await self._surroundings()
        for number in range(self.provisioned(launch), count):
            process = FunctionProcess(launch, f"{stream}{number:02d}", self._clock, self._runtimes)
            process.provisioned = True
            ready = False
            try:
                ready = await process.prepare(around)
            finally:
                if not ready:
                    await process.close()
            if not ready:
                break
            self._warm.keep(process)
        self._warm.release(function.arn, function.version, max(count - self._busy(function), 0))
        return self.provisioned(launch)

    def provisioned(self, launch: Launch, *, idle: bool = False) -> int:
        """The number of provisioned environments of `launch`; of those that are `idle` alone."""
        return len(self._warm.provisioned(launch)) + (0 if idle else self._busy(launch.function))

    def environments(self) -> dict[str, tuple[int, int]]:
        """The number of environments that run an invocation, and of those that wait for one, by the function's ARN."""
        running = Counter(it.launch.function.arn for it in self._running.values())
        waiting = Counter(it.launch.function.arn for it in self._warm.waiting())
        return {arn: (running[arn], waiting[arn]) for arn in running.keys() | waiting.keys()}

    def release(self, arn: str, version: str) -> None:
        """Provision nothing any more for a version of a function. What runs becomes one of the others."""
        self._warm.release(arn, version)
        for process in self._running.values():
            if process.of(arn, version):
                process.provisioned = False

    def _busy(self, function: Function) -> int:
        return sum(it.provisioned and it.of(function.arn, function.version) for it in self._running.values())

    async def close(self) -> None:
        """Stop what runs or is warm, and wait until nothing of it is left."""
        for process in self._running.values():
            process.stop()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._warm.close()

    async def _outcome(
        self, process: FunctionProcess, invocation: Invocation, told: Told | None
    ) -> InvocationResult | None:
        try:
            return await process.invoke(invocation, await self._surroundings(), told)
        finally:
            if process.reusable:
                self._warm.keep(process)
            else:
                await process.close()

    async def _surroundings(self) -> Surroundings:
        """The surroundings of environments on this machine."""
        if self._around is None:
            around = self._wanted
            if not await can_close(around, own().places):
                around = around._replace(closed=False)
                _log.warning("no namespaces on this machine: functions can read the files of this user")
            self._around = around
        return self._around

    def _ended(self, task: asyncio.Task[InvocationResult | None]) -> None:
        del self._running[task]
        self._room.release()
