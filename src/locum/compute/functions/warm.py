"""Warm execution environments: kept after an invocation for the next one of the same function, for a while.

Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle": objects outside of the handler and
the content of /tmp stay between invocations, and a function may not rely on it.
"""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple

from locum.compute.functions.process import FunctionProcess, Launch
from locum.core.clock import Clock

IDLE_SECONDS: Final = 300.0
"""Seconds that an environment is kept without an invocation. [U] Lambda does not publish it."""

MOST_WARM: Final = 16
"""Environments that are kept; the one that is idle for longest is ended for another."""


class _Idle(NamedTuple):
    process: FunctionProcess
    since: float


class WarmFunctions:
    """The environments that wait for an invocation. Credentials expire by `expiring`, if that is another clock."""

    def __init__(self, clock: Clock, expiring: Clock | None = None) -> None:
        self._clock = clock
        self._expiring = expiring or clock
        self._idle: list[_Idle] = []  # the one that is idle for longest first
        self._ending: set[asyncio.Task[None]] = set()

    def take(self, wanted: Launch) -> FunctionProcess | None:
        """An environment for an invocation of `wanted`, a provisioned one if possible, None where there is none.

        Those of the same version of the function that cannot serve it are ended: something of it has changed.
        """
        self.expire()
        now, version = self._expiring(), (wanted.function.arn, wanted.function.version)
        found: FunctionProcess | None = None
        for idle in sorted(self._idle, key=lambda it: (not it.process.provisioned, -it.since)):
            launch = idle.process.launch
            if (launch.function.arn, launch.function.version) != version:
                continue
            if idle.process.ended or not idle.process.reusable or not launch.serves(wanted, now):
                self._end(idle)
            elif found is None:
                self._idle.remove(idle)
                found = idle.process
        return found

    def keep(self, process: FunctionProcess) -> None:
        """Keep `process` for the next invocation."""
        self._idle.append(_Idle(process, self._clock()))
        left = [idle for idle in self._idle if not idle.process.provisioned]
        if len(left) > MOST_WARM:
            self._end(left[0])
        asyncio.get_running_loop().call_later(IDLE_SECONDS + 1, self.expire)

    def expire(self) -> None:
        """End those that were idle for too long."""
        now = self._clock()
        for idle in self._idle.copy():
            if now - idle.since >= IDLE_SECONDS and not idle.process.provisioned:
                self._end(idle)

    def waiting(self) -> list[FunctionProcess]:
        """All that wait."""
        return [idle.process for idle in self._idle if not idle.process.ended]

    def provisioned(self, launch: Launch) -> list[FunctionProcess]:
        """The provisioned environments that can take an invocation of what `launch` is of."""
        now = self._expiring()
        found = (idle.process for idle in self._idle if idle.process.provisioned)
        return [it for it in found if not it.ended and it.reusable and it.launch.serves(launch, now)]

    def release(self, arn: str, version: str, kept: int = 0) -> None:
        """End provisioned environments of a version of a function, but for so many that can take an invocation."""
        found = [idle for idle in self._idle if idle.process.provisioned and idle.process.of(arn, version)]
        living = [idle for idle in found if not idle.process.ended and idle.process.reusable]
        for idle in found:
            if idle not in living[:kept]:
                self._end(idle)

    async def close(self) -> None:
        """End all, and wait until nothing of them is left."""
        for idle in self._idle.copy():
            self._end(idle)
        await asyncio.gather(*self._ending, return_exceptions=True)

    def _end(self, idle: _Idle) -> None:
        self._idle.remove(idle)
        task = asyncio.get_running_loop().create_task(idle.process.close())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
