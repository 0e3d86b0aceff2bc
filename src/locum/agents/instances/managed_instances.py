"""The SSM Agent of instances: in each whose inside is known here, as long as it runs.

What it does is in `agents.instances.run_command`, which is loaded once there is such an instance, or a command that is
not over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib import import_module
from typing import Final, Protocol

from locum.agents.reconciling import Reconciler
from locum.calls import Calls, Runtime
from locum.compute.handover import Entrance
from locum.core.principal import Caller
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

SessionOf = Callable[[Instance], Awaitable[Caller | None]]
"""The session that an instance has from its metadata service, None where it has none: what is inside acts in that."""

Place = tuple[str, str]
"""An account and the id of an instance in it."""

_WATCHED: Final[tuple[type[Entity], ...]] = (
    *(Account, Role, Policy, InstanceProfile, ProfileAssociation, Instance),
    *(Organization, Unit, Member, OrganizationPolicy),
    *(ManagedInstance, Command, CommandInvocation),
)
"""The watched entities: the first two lines decide the permissions of an instance's role, the last its agent's work."""

_WATCHED_KINDS: Final = frozenset(map(kind_of, _WATCHED))


class Agents(Protocol):
    """`agents.instances.run_command.RunCommand`."""

    async def reconcile(self, inside: Mapping[Place, Entrance]) -> float | None:
        """Do what is to be done now; when there is something next (epoch seconds), None where there is not."""

    async def settled(self) -> None:
        """Wait until no command runs."""

    async def close(self) -> None:
        """End the commands that run."""


class ManagedInstances(Reconciler):
    """Has agents act: when something is attached or gone, when the state has changed, and when they are due."""

    def __init__(self, runtime: Runtime, calls: Calls, session_of: SessionOf) -> None:
        super().__init__(runtime.ledger, runtime.clock, "Run Command")
        self._runtime = runtime
        self._calls = calls
        self._session_of = session_of
        self._inside: dict[Place, list[Entrance]] = {}
        self._agents: Agents | None = None
        self._turn = asyncio.Lock()

    def attached(self, account: str, instance: str, entrance: Entrance) -> None:
        """Commands come into the instance by `entrance`; by none whose process is 0: that is on the host's network."""
        if entrance.pid:
            self._inside.setdefault((account, instance), []).append(entrance)
            self.wake()

    def detached(self, account: str, instance: str, entrance: Entrance) -> None:
        """They do not come in by `entrance` any more."""
        entrances = self._inside.get((account, instance), [])
        if entrance in entrances:
            entrances.remove(entrance)
            if not entrances:
                del self._inside[account, instance]
            self.wake()

    async def close(self) -> None:
        """End, with the commands that run. After a restart they are said to have ended."""
        await super().close()
        if self._agents is not None:
            await self._agents.close()

    async def reconcile(self) -> float | None:
        """Have agents do what they have to do now; when there is something next, None where there is not."""
        if self._agents is None:
            if not self._inside and not any(map(_is_unfinished, self._runtime.ledger.state.every(CommandInvocation))):
                return None
            made: Callable[..., Agents] = import_module("locum.agents.instances.run_command").RunCommand
            self._agents = made(self._runtime, self._calls, self._session_of, self.changed)
        async with self._turn:
            return await self._agents.reconcile({place: entrances[-1] for place, entrances in self._inside.items()})

    async def settled(self) -> None:
        """Wait until no command runs."""
        if self._agents is not None:
            await self._agents.settled()

    def concerns(self, events: Sequence[Event] | None) -> bool:
        return events is None or any(map(_is_watched, events))


def _is_unfinished(it: CommandInvocation) -> bool:
    return it.status in ("Pending", "InProgress", "Cancelling")


def _is_watched(event: Event) -> bool:
    return event.kind in _WATCHED_KINDS if isinstance(event, Removed) else isinstance(event.entity, _WATCHED)
