"""This node among the nodes of an installation: that it is there, and whether the installation's duties are its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from locum.agents.lease_keeper import LeaseKeeper
from locum.core.clock import Clock, Entropy, system_uptime
from locum.store.leases import Leases

DUTIES: Final = "duties"
"""The lease of what an installation does once."""

_NODE: Final = "node/"


def there(leases: Leases, node: str, holder: str, clock: Clock = system_uptime) -> LeaseKeeper:
    """The keeper of the lease that says that `node` is there."""
    return LeaseKeeper(leases, _NODE + node, holder, clock)


class Membership:
    """The leases of one node. `gained` and `lost` are awaited where the duties become its own, and no longer are."""

    def __init__(
        self,
        leases: Leases,
        node: str,
        gained: Callable[[], Awaitable[None]],
        lost: Callable[[], Awaitable[None]],
        entropy: Entropy,
        clock: Clock = system_uptime,
    ) -> None:
        self._leases = leases
        holder = f"{node} {entropy(8).hex()}"  # another node may have been given the same name
        self._there = there(leases, node, holder, clock)
        self._duties = LeaseKeeper(leases, DUTIES, holder, clock, gained, lost)

    @property
    def on_duty(self) -> bool:
        """Whether this node does what is done once."""
        return self._duties.held

    def start(self) -> None:
        """Begin to keep the leases."""
        self._there.start()
        self._duties.start()

    async def close(self) -> None:
        """Have the duties ended, and leave them to others."""
        await self._duties.close()
        await self._there.close()

    async def present(self, nodes: Collection[str]) -> Collection[str]:
        """Which of `nodes` are there. Raises StorageError."""

        def asked() -> list[str]:
            return [node for node in nodes if self._leases.holder(_NODE + node)]

        return await asyncio.to_thread(asked)
