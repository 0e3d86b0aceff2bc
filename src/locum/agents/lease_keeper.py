"""The keeper of a lease: takes it, renews it, and has what it stands for done only while it is certainly held."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Final, ParamSpec, TypeVar

from locum.agents.waiting import cancelled, rung
from locum.core.clock import Clock
from locum.core.errors import StorageError
from locum.store.leases import Leases

TERM: Final = 15.0
"""Seconds for which a lease is held: as long as nobody does what it stands for where its holder has vanished."""

_RENEWALS: Final = 5
"""So often a lease is renewed in a term: storage may be away for most of it."""

_THREADS: Final = ThreadPoolExecutor(4, "locum-leases")
"""Threads of their own: a lease is renewed in time, however much of what calls take long for is under way."""

_log: Final = logging.getLogger("locum.agents")

P = ParamSpec("P")
R = TypeVar("R")


async def beside_calls(work: Callable[P, R], *given: P.args, **named: P.kwargs) -> R:
    """What `work` answers, which asks for leases. Blocks nobody, and waits for nobody who waits for something else."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, partial(work, *given, **named))


async def nothing() -> None:
    """Nothing follows from what has become of a lease."""


class LeaseKeeper:
    """Keeps the lease `name` for `holder`. `uptime` is a clock that nobody sets.

    `gained` is awaited when the lease is had, and `lost` when it is not had any more, or may not be: at the latest when
    the term is over that was counted from before the last renewal. `held` tells which of them came last. `refused` is
    awaited whenever another holder has it. Where one of them breaks, the lease is given up, and asked for again later.
    """

    def __init__(
        self,
        leases: Leases,
        name: str,
        holder: str,
        uptime: Clock,
        gained: Callable[[], Awaitable[None]] = nothing,
        lost: Callable[[], Awaitable[None]] = nothing,
        refused: Callable[[], Awaitable[None]] = nothing,
        term: float = TERM,
    ) -> None:
        self._leases = leases
        self._name = name
        self._holder = holder
        self._uptime = uptime
        self._gained = gained
        self._lost = lost
        self._refused = refused
        self._term = term
        self._until = 0.0
        self.held = False
        self._unanswered = False
        self._asking: asyncio.Future[bool] | None = None
        self._losing: asyncio.Future[None] | None = None
        self._bell = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def certain(self) -> bool:
        """Whether nobody else can have the lease now: also where this process stood still, and does not know it yet."""
        return self.held and self._uptime() < self._until

    def start(self) -> None:
        """Begin to ask for the lease."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Have what it stands for ended, and let others have the lease at once."""
        if self._task is not None:
            await cancelled(self._task)
        if self._asking is not None:
            await asyncio.gather(self._asking, return_exceptions=True)
        await self._lose()
        await self._release()

    async def step(self) -> None:
        """Take or renew the lease, and have done what follows."""
        asked = self._uptime()
        self._asking = asyncio.ensure_future(beside_calls(self._leases.take, self._name, self._holder, self._term))
        if self.held:  # storage that does not answer is no renewal
            await asyncio.wait((self._asking,), timeout=max(0.0, self._until - asked))
            if not self._asking.done():
                await self._lose()
        try:
            taken = await asyncio.shield(self._asking)
        except StorageError as error:
            self._tell_fault(error)
            taken = self.held and self._uptime() < self._until
        else:
            self._until, self._unanswered = asked + self._term, False
            if not taken:
                await self._refused()
        await self._become(taken and self._uptime() < self._until)

    def _tell_fault(self, error: StorageError) -> None:
        """Once, until storage answers again: it is asked every few seconds."""
        if not self._unanswered:
            _log.warning("the lease %s cannot be renewed for now: %s", self._name, error)
        self._unanswered = True

    async def _become(self, held: bool) -> None:
        if held and not self.held:
            self.held = True
            await self._gained()
        elif not held:
            await self._lose()

    async def _lose(self) -> None:
        """Have what it stands for ended, to its end: also where whoever began with it is cancelled meanwhile."""
        if self.held:
            self.held = False
            self._losing = asyncio.ensure_future(self._lost())
        losing = self._losing
        if losing is not None:
            await asyncio.wait((losing,))
            self._losing = None
            losing.result()

    async def _give_up(self) -> None:
        """Leave what cannot be done here to others."""
        with suppress(Exception):  # it is told already, or is what broke
            await self._lose()
        await self._release()

    async def _release(self) -> None:
        try:
            await beside_calls(self._leases.release, self._name, self._holder)
        except StorageError as error:  # its term ends by itself
            _log.warning("the lease %s ends with its term: %s", self._name, error)

    async def _run(self) -> None:
        while True:
            try:
                await self.step()
            except Exception:  # a fault barrier: a lease that is neither renewed nor lost would be held by two
                _log.exception("what the lease %s stands for broke, and is left to others", self._name)
                await self._give_up()
            await rung(self._bell, self._term / _RENEWALS)
