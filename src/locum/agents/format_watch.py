"""The formats that the nodes of an installation read: what an older one cannot read is not written while it is there.

A node holds the lease of its own format, or waits for it behind another node of the same. So a lease of an older format
that is held says that an older node is there, as soon as it has started, and for a term after it ended.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from locum.agents.lease_keeper import TERM, LeaseKeeper, beside_calls
from locum.agents.waiting import cancelled, rung
from locum.core.clock import Clock
from locum.core.errors import StorageError
from locum.state import FORMAT
from locum.state.formats import OLDEST
from locum.store.leases import Leases

_LOOKS: Final = 4
"""So often it is looked in a term whether older nodes are there: more rarely than leases are renewed, so that one that
changes hands is seen with one of them, at one look of two."""

_log: Final = logging.getLogger("locum.agents")


class FormatWatch:
    """Tells `allowed` the newest format that every node reads: the oldest of all, until it is known.

    `holder` is this node, which reads up to `newest`.
    """

    def __init__(
        self, leases: Leases, holder: str, uptime: Clock, allowed: Callable[[int], None], newest: int = FORMAT
    ) -> None:
        self._leases = leases
        self._allowed = allowed
        self._newest = newest
        self._seen = self._known = OLDEST
        self._own = LeaseKeeper(leases, _lease(newest), holder, uptime)
        self._bell = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        allowed(OLDEST)

    def start(self) -> None:
        """Begin to hold the own lease, and to look for older ones, where there may be some."""
        self._own.start()
        if self._newest > OLDEST:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Let go of the lease."""
        if self._task is not None:
            await cancelled(self._task)
        await self._own.close()

    async def look(self) -> None:
        """Look which formats are read. A newer one counts the second time: a lease may have just changed hands."""
        try:
            before, self._seen = self._seen, await beside_calls(self._oldest)
        except StorageError as error:
            _log.warning("the formats that other nodes read are not known: %s", error)
            return
        known = min(before, self._seen)
        if known != self._known:
            _log.warning("what is written is of format %d at most: it is the newest that all nodes read", known)
        self._known = known
        self._allowed(known)

    def _oldest(self) -> int:
        older = (number for number in range(OLDEST, self._newest) if self._leases.holder(_lease(number)))
        return next(older, self._newest)

    async def _run(self) -> None:
        while True:
            await self.look()
            await rung(self._bell, TERM / _LOOKS)


def _lease(number: int) -> str:
    return f"reads/{number}"
