"""This node among the nodes of an installation: that it is there, and whether the installation's duties are its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from locum.agents.lease_keeper import TERM, LeaseKeeper
from locum.core.clock import Clock, Entropy, system_uptime
from locum.core.errors import ConfigurationError
from locum.store.leases import Leases

DUTIES: Final = "duties"
"""The lease of what an installation does once."""

_NODE: Final = "node/"


class Membership:
    """The leases of one node. `gained` and `lost` are awaited where the duties become its own, and no longer are.

    `own` is the name that its data directory has, where `node` may have been given to another one as well.
    """

    def __init__(
        self,
        leases: Leases,
        node: str,
        own: str,
        gained: Callable[[], Awaitable[None]],
        lost: Callable[[], Awaitable[None]],
        entropy: Entropy,
        clock: Clock = system_uptime,
    ) -> None:
        self._leases = leases
        self._node = node
        self._own = f"{node} {own} "
        holder = self._own + entropy(8).hex()  # a directory may have been copied
        self._there = LeaseKeeper(leases, _NODE + node, holder, clock)
        self._duties = LeaseKeeper(leases, DUTIES, holder, clock, gained, lost)

    @property
    def on_duty(self) -> bool:
        """Whether this node does what is done once."""
        return self._duties.held

    async def join(self) -> None:
        """Be there, before anything is answered: effects of a node that is not there are carried out by another one.

        The lease of the process that had the data directory before is of no use to anybody. Raises ConfigurationError
        where another node has the name: each would take the instances and effects of the other for its own.
        """
        name = _NODE + self._node
        former = await asyncio.to_thread(self._leases.holder, name)
        if former.startswith(self._own):
            await asyncio.to_thread(self._leases.release, name, former)
        await self._there.step()
        if former and not self._there.held:
            raise ConfigurationError(
                f"a node with the name {self._node} is there: give this one another --node; where that one was killed "
                f"on another machine, its name is free after {TERM:.0f} seconds"
            )

    def start(self) -> None:
        """Begin to keep the leases."""
        self._there.start()
        self._duties.start()

    async def close(self) -> None:
        """Have the duties ended, and leave them to others."""
        await self._duties.close()

    async def leave(self) -> None:
        """Be there no more, once nothing is under way: what is left of its effects is for others."""
        await self._there.close()

    async def present(self, nodes: Collection[str]) -> Collection[str]:
        """Which of `nodes` are there. Raises StorageError."""

        def asked() -> list[str]:
            return [node for node in nodes if self._leases.holder(_NODE + node)]

        return await asyncio.to_thread(asked)
