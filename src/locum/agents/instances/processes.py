"""The reconciler of the drivers `process` and `container`: every running instance has a launcher, whoever launched it.

1. What is to run is what the state says: the running instances, but those that `locum run` makes itself (ephemeral),
   those that a backend runs, those that are another machine (`locum agent`), and those of other nodes.
2. One that is to run and has no launcher is started. A launcher that lives (its lock is held) and is not attached yet
   comes back from before a restart: it is waited for.
3. A launcher of an instance that is not to run any more, or was started again, is told to end
   (`Attachments.review`). The next start waits until it is gone.
4. A launcher that vanishes was that of a host that failed: EC2 recovers such an instance, and so does rule 2.
5. What could not be started is tried again RETRY seconds later.
6. The files of an instance go with it, once it is terminated and its launcher gone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

from locum.agents.instances.changes import changed_instances
from locum.agents.reconciling import RETRY, Reconciler
from locum.compute.instance_files import InstanceFiles, known
from locum.compute.launcher import Launch
from locum.core.clock import Clock
from locum.state import Event, Instance, State
from locum.store import Ledger

_log: Final = logging.getLogger("locum.agents")


class Driver(Protocol):
    """`compute.process_driver.ProcessDriver`."""

    async def start(self, launch: Launch) -> None:
        """Start a launcher, and return when it is attached, or has ended. Raises OSError."""

    async def close(self) -> None:
        """Start nothing more."""


def to_start(state: State, has_launcher: Callable[[str], bool], node: str = "") -> Iterator[Instance]:
    """The instances that are to be started on the host of `node`: rules 1 and 2."""
    return (it for it in state.every(Instance) if _is_to_run(it) and it.is_on(node) and not has_launcher(it.id))


def to_forget(state: State, has_files: Collection[str], has_launcher: Callable[[str], bool]) -> Iterable[str]:
    """The instances whose files are to be removed: rule 6."""
    there = {it.id for it in state.every(Instance) if it.state != "terminated"}
    return [name for name in has_files if name not in there and not has_launcher(name)]


def _is_to_run(it: Instance) -> bool:
    return it.state in ("pending", "running") and not (it.ephemeral or it.at_backend or it.elsewhere)


class InstanceProcesses(Reconciler):
    """Keeps the launchers of a plane as its state says.

    `launch_of` gives what is inside an instance; `is_attached` whether a launcher of it is attached. `wake` is to be
    called when one is attached or detached.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        data: Path,
        driver: Driver,
        launch_of: Callable[[Instance], Launch],
        is_attached: Callable[[str], bool],
        node: str = "",
    ) -> None:
        super().__init__(ledger, clock, "the driver")
        self._data = data
        self._driver = driver
        self._launch_of = launch_of
        self._is_attached = is_attached
        self._node = node
        self._has_files = known(data)
        self._starting: set[str] = set()
        self._failed: dict[str, float] = {}
        self._waiting: set[asyncio.Future[None]] = set()
        self._starts: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Start nothing more; what runs goes on."""
        await super().close()
        for start in self._starts:
            start.cancel()
        await asyncio.gather(*self._starts, return_exceptions=True)
        await self._driver.close()

    def concerns(self, events: Sequence[Event] | None) -> bool:
        return bool(list(changed_instances(events)))

    async def ready(self, instance: str) -> None:
        """Wait until the launcher of `instance` is attached; not where none is to be, or it could not be started."""
        while self._is_coming(instance):
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.add(waiting)
            await waiting

    def _is_coming(self, instance: str) -> bool:
        if self._is_attached(instance) or instance in self._failed:
            return False
        return any(
            _is_to_run(it) and it.is_on(self._node) for it in self._ledger.state.every(Instance) if it.id == instance
        )

    async def reconcile(self) -> float | None:
        """Start and forget what is to be; when to look again (epoch seconds), None where at the next change."""
        try:
            return await self._reconcile()
        finally:
            for waiting in self._waiting:
                if not waiting.done():
                    waiting.set_result(None)
            self._waiting.clear()

    async def _reconcile(self) -> float | None:
        now = self._clock()
        for name in [name for name, until in self._failed.items() if until <= now]:
            del self._failed[name]
        returning = False
        for it in list(to_start(self._ledger.state, self._has_launcher, self._node)):
            if InstanceFiles(self._data, it.id).is_locked():
                returning = True
                continue
            self._starting.add(it.id)
            self._has_files.add(it.id)
            start = asyncio.get_running_loop().create_task(self._start(it))
            self._starts.add(start)
            start.add_done_callback(self._starts.discard)
        for name in to_forget(self._ledger.state, self._has_files, self._has_launcher):
            self._has_files.discard(name)
            await asyncio.to_thread(InstanceFiles(self._data, name).remove)
        return min((*self._failed.values(), *([now + RETRY] if returning else [])), default=None)

    def _has_launcher(self, instance: str) -> bool:
        return instance in self._starting or instance in self._failed or self._is_attached(instance)

    async def _start(self, it: Instance) -> None:
        try:
            await self._driver.start(self._launch_of(it))
        except OSError as error:
            _log.warning("%s cannot be started: %s", it.id, error)
        finally:
            self._starting.discard(it.id)
        if not self._is_attached(it.id):
            self._failed[it.id] = self._clock() + RETRY
        self.wake()
