"""The SSM Agent of instances: in each whose inside is known here, as long as it runs.

What it does is in `agents.run_command`, which is loaded once there is such an instance, or a command that is not over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Final, Protocol

from locum.calls import Calls, Runtime
from locum.compute.handover import Entrance
from locum.core.errors import LocumError, PassingStorageError
from locum.state import (
    Account,
    Command,
    CommandInvocation,
    Entity,
    Event,
    Instance,
    InstanceProfile,
    ManagedInstance,
    Member,
    Organization,
    OrganizationPolicy,
    Policy,
    ProfileAssociation,
    Removed,
    Role,
    Unit,
    kind_of,
)
from locum.store import Reloaded

Place = tuple[str, str]
"""An account and the id of an instance in it."""

RETRY: Final = 5.0
"""Seconds after which it is tried again what could not be done: the storage did not work."""

_WATCHED: Final[tuple[type[Entity], ...]] = (
    *(Account, Role, Policy, InstanceProfile, ProfileAssociation, Instance),
    *(Organization, Unit, Member, OrganizationPolicy),
    *(ManagedInstance, Command, CommandInvocation),
)
"""What an instance's role may do follows from the first lines, and what agents have to do from the last."""

_WATCHED_KINDS: Final = frozenset(map(kind_of, _WATCHED))
_log: Final = logging.getLogger("locum.agents")


class Agents(Protocol):
    """`agents.run_command.RunCommand`."""

    async def reconcile(self, inside: Mapping[Place, Entrance]) -> float | None:
        """Do what is to be done now; when there is something next (epoch seconds), None where there is not."""

    async def settled(self) -> None:
        """Wait until no command runs."""

    async def close(self) -> None:
        """End the commands that run."""


class ManagedInstances:
    """Has agents act: when something is attached or gone, when the state has changed, and when they are due."""

    def __init__(self, runtime: Runtime, calls: Calls) -> None:
        self._runtime = runtime
        self._calls = calls
        self._inside: dict[Place, list[Entrance]] = {}
        self._changed = asyncio.Event()
        self._agents: Agents | None = None
        self._turn = asyncio.Lock()
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    def attached(self, account: str, instance: str, entrance: Entrance) -> None:
        """Commands come into the instance by `entrance`; by none whose process is 0: that is on the host's network."""
        if entrance.pid:
            self._inside.setdefault((account, instance), []).append(entrance)
            self._changed.set()

    def detached(self, account: str, instance: str, entrance: Entrance) -> None:
        """They do not come in by `entrance` any more."""
        entrances = self._inside.get((account, instance), [])
        if entrance in entrances:
            entrances.remove(entrance)
            if not entrances:
                del self._inside[account, instance]
            self._changed.set()

    def start(self) -> None:
        """Begin; what was under way before a restart is said to have ended."""
        loop = asyncio.get_running_loop()
        self._tasks = (loop.create_task(self._watch()), loop.create_task(self._run()))

    def wake(self) -> None:
        """Look again at what is due: the clock was moved."""
        self._changed.set()

    async def close(self) -> None:
        """End, with the commands that run."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._agents is not None:
            await self._agents.close()

    async def reconcile(self) -> float | None:
        """Have agents do what they have to do now; when there is something next, None where there is not."""
        if self._agents is None:
            if not self._inside and not any(map(_is_unfinished, self._runtime.ledger.state.every(CommandInvocation))):
                return None
            made: Callable[..., Agents] = import_module("locum.agents.run_command").RunCommand
            self._agents = made(self._runtime, self._calls, self._changed)
        async with self._turn:
            return await self._agents.reconcile({place: entrances[-1] for place, entrances in self._inside.items()})

    async def settled(self) -> None:
        """Wait until no command runs."""
        if self._agents is not None:
            await self._agents.settled()

    async def _watch(self) -> None:
        while True:
            try:
                with self._runtime.ledger.subscribe() as changes:
                    async for change in changes:
                        if isinstance(change, Reloaded) or any(map(_is_watched, change.events)):
                            self._changed.set()
                return
            except PassingStorageError:  # the state has what was not read: it is looked at, and followed from there
                self._changed.set()

    async def _run(self) -> None:
        clock = self._runtime.clock
        while True:
            self._changed.clear()
            try:
                due = await self.reconcile()
            except LocumError as error:
                _log.warning("Run Command goes on later: %s", error)
                due = clock() + RETRY
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else max(0.0, due - clock())):
                    await self._changed.wait()  # not `wait_for`: see `agents.scaling`


def _is_unfinished(it: CommandInvocation) -> bool:
    return it.status in ("Pending", "InProgress", "Cancelling")


def _is_watched(event: Event) -> bool:
    return event.kind in _WATCHED_KINDS if isinstance(event, Removed) else isinstance(event.entity, _WATCHED)
