"""This node among the nodes of an installation: that it is there, and whether the installation's duties are its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Final

from locum.agents.format_watch import FormatWatch
from locum.agents.lease_keeper import TERM, LeaseKeeper
from locum.core.clock import Clock, Entropy, system_uptime
from locum.core.errors import ConfigurationError
from locum.store.leases import Leases

DUTIES: Final = "duties"
"""The lease of what an installation does once."""

BACKEND: Final = "embedded-backend"
"""The lease of the node that has the embedded backend: its holder is the node by name, which may come back at once."""

_NODE: Final = "node/"
_log: Final = logging.getLogger("locum")


def claim_backend(leases: Leases, node: str) -> None:
    """Take the embedded backend for `node`. Raises ConfigurationError where another node has one, StorageError."""
    if not leases.take(BACKEND, node, TERM):
        raise ConfigurationError(
            f"node {leases.holder(BACKEND) or 'before this one'} has the embedded backend, and there is one in an "
            "installation: have it serve that with --serve-backend HOST:PORT, and give this node "
            "--backend '*=locum://HOST:PORT'; or give all of them another backend, or '*=none'"
        )


def there(leases: Leases, node: str, holder: str, clock: Clock = system_uptime) -> LeaseKeeper:
    """The keeper of the lease that says that `node` is there."""
    return LeaseKeeper(leases, _NODE + node, holder, clock)


class Membership:
    """The leases of one node. `gained` and `lost` are awaited where the duties become its own, and no longer are.

    `ousted` is called where the node has the embedded backend (else None), and another one took it meanwhile. `allowed`
    is told the newest format of events that all nodes read.
    """

    def __init__(
        self,
        leases: Leases,
        node: str,
        gained: Callable[[], Awaitable[None]],
        lost: Callable[[], Awaitable[None]],
        entropy: Entropy,
        ousted: Callable[[], None] | None = None,
        clock: Clock = system_uptime,
        *,
        allowed: Callable[[int], None] | None = None,
    ) -> None:
        self._leases = leases
        holder = f"{node} {entropy(8).hex()}"  # another node may have been given the same name
        self._there = there(leases, node, holder, clock)
        self._duties = LeaseKeeper(leases, DUTIES, holder, clock, gained, lost)
        self._backend: LeaseKeeper | None = None
        if ousted is not None:
            self._backend = LeaseKeeper(leases, BACKEND, node, clock, refused=partial(_ousted, ousted))
        self._formats = None if allowed is None else FormatWatch(leases, holder, clock, allowed)

    @property
    def on_duty(self) -> bool:
        """Whether this node does what is done once."""
        return self._duties.held

    async def join(self) -> None:
        """Tell the others that this node is there."""
        await self._there.step()

    def start(self) -> None:
        """Begin to keep the leases."""
        for keeper in self._keepers:
            keeper.start()

    async def close(self) -> None:
        """Have the duties ended, and leave them to others."""
        for keeper in reversed(self._keepers):
            await keeper.close()

    @property
    def _keepers(self) -> list[LeaseKeeper | FormatWatch]:
        others = [keeper for keeper in (self._formats, self._backend) if keeper is not None]
        return [self._there, *others, self._duties]

    async def present(self, nodes: Collection[str]) -> Collection[str]:
        """Which of `nodes` are there. Raises StorageError."""

        def asked() -> list[str]:
            return [node for node in nodes if self._leases.holder(_NODE + node)]

        return await asyncio.to_thread(asked)


async def _ousted(tell: Callable[[], None]) -> None:
    _log.error("another node has the embedded backend by now: this one ends, and says what to do at its next start")
    tell()
