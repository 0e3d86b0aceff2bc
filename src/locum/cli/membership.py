"""This node among the nodes of an installation: that it is there, and whether the installation's duties are its own."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Final

from locum.agents.format_watch import FormatWatch
from locum.agents.lease_keeper import TERM, LeaseKeeper, beside_calls, nothing
from locum.cli.backend_owner import BACKEND
from locum.core.clock import Clock, Entropy, system_uptime
from locum.core.errors import ConfigurationError
from locum.store.leases import Leases

DUTIES: Final = "duties"
"""The lease of what an installation does once."""

_NODE: Final = "node/"
_log: Final = logging.getLogger("locum")


def there(
    leases: Leases,
    node: str,
    holder: str,
    clock: Clock = system_uptime,
    refused: Callable[[], Awaitable[None]] = nothing,
) -> LeaseKeeper:
    """The keeper of the lease that says that `node` is there. `refused` is awaited where another holder has it."""
    return LeaseKeeper(leases, _NODE + node, holder, clock, refused=refused)


class Membership:
    """The leases of one node. `gained` and `lost` are awaited where the duties become its own, and no longer are.

    `end` is called, once, where another one took its name, or the embedded backend that it has where it is `embedded`.
    `own` is the name that its data directory has, where `node` may have been given to another one as well. `allowed` is
    told the newest format of events that all nodes read.
    """

    def __init__(
        self,
        leases: Leases,
        node: str,
        own: str,
        gained: Callable[[], Awaitable[None]],
        lost: Callable[[], Awaitable[None]],
        entropy: Entropy,
        end: Callable[[], None],
        clock: Clock = system_uptime,
        *,
        embedded: bool = False,
        allowed: Callable[[int], None] | None = None,
    ) -> None:
        self._leases = leases
        self._node = node
        self._own = f"{node} {own} "
        holder = self._own + entropy(8).hex()  # a directory may have been copied
        self._end = end
        self._joined = False
        self._there = there(leases, node, holder, clock, partial(self._ousted, "its name"))
        self._duties = LeaseKeeper(leases, DUTIES, holder, clock, gained, lost)
        self._backend: LeaseKeeper | None = None
        if embedded:
            ousted = partial(self._ousted, "the embedded backend")
            self._backend = LeaseKeeper(leases, BACKEND, f"{node} {own}", clock, refused=ousted)
        self._formats = None if allowed is None else FormatWatch(leases, holder, clock, allowed)

    @property
    def on_duty(self) -> bool:
        """Whether this node does what is done once."""
        return self._duties.held

    @property
    def has_backend(self) -> bool:
        """Whether nobody else can have the embedded backend now."""
        return self._backend is not None and self._backend.certain

    async def join(self) -> None:
        """Be there, before anything is answered: effects of a node that is not there are carried out by another one.

        The lease of the process that had the data directory before is of no use to anybody. Raises ConfigurationError
        where another node has the name: each would take the instances and effects of the other for its own.
        """
        name = _NODE + self._node
        former = await beside_calls(self._leases.holder, name)
        if former.startswith(self._own):
            await beside_calls(self._leases.release, name, former)
        await self._there.step()
        other = await beside_calls(self._leases.holder, name)
        if other and not self._there.held:
            raise ConfigurationError(
                f"a node with the name {self._node} is there: give this one another --node; where that one was killed "
                f"on another machine, its name is free after {TERM:.0f} seconds"
            )
        if self._backend is not None:
            await self._backend.step()
        self._joined = True

    def start(self) -> None:
        """Begin to keep the leases."""
        for keeper in (*self._itself, self._duties):
            keeper.start()

    async def close(self) -> None:
        """Have the duties ended, and leave them to others."""
        await self._duties.close()

    async def leave(self) -> None:
        """Be there no more, once nothing is under way: what is left of its effects is for others."""
        for keeper in self._itself:
            await keeper.close()

    @property
    def _itself(self) -> list[LeaseKeeper | FormatWatch]:
        others = [keeper for keeper in (self._backend, self._formats) if keeper is not None]
        return [*others, self._there]

    async def present(self, nodes: Collection[str]) -> Collection[str]:
        """Which of `nodes` are there. Raises StorageError."""

        def asked() -> list[str]:
            return [node for node in nodes if self._leases.holder(_NODE + node)]

        return await beside_calls(asked)

    async def _ousted(self, what: str) -> None:
        """Another node has `what` by now: one that was cut off for long comes back, or a directory was copied."""
        if self._joined:
            self._joined = False
            _log.error("another node has %s by now: this one ends, and says what to do at its next start", what)
            self._end()
