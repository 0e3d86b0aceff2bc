"""Waiting for records: until some were written, the time is over, the client has gone, or the plane ends."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from locum.agents.waiting import cancelled, rung
from locum.backends import BackendCall
from locum.core.errors import Fault
from locum.store import Ledger

MOST_WAITING: Final = 64
"""Calls that wait at the same time: each of them looks at what is written."""

MOST_OF_ACCOUNT: Final = 32
"""Those of one account among them."""

_PAUSE: Final = 0.1
"""Seconds from one look to the next, at least: records may be written a hundred times in a second."""

_OTHERS: Final = 2.0
"""Seconds after which is looked again where others write to the journal as well, whose records ring no bell here."""


class LongPolls:
    """The calls that wait for records."""

    def __init__(self) -> None:
        self._waiting: Counter[str] = Counter()
        self._timeouts: set[asyncio.Timeout] = set()
        self._patient = True

    @property
    def waiting(self) -> int:
        """Their number."""
        return len(self._timeouts)

    async def wait(self, ledger: Ledger, call: BackendCall, look: Callable[[], Awaitable[bool]]) -> None:
        """Have `look` look for records until it has some, but for no longer than `call` asks for.

        Raises Fault where too many wait, and where the caller may not make the call any more.
        """
        if self._patient:
            with self._place(call.caller.account):
                await self._watching(ledger, call, look)
            call.decide_again()

    def hurry(self) -> None:
        """Have nobody wait any more."""
        self._patient = False
        for timeout in list(self._timeouts):
            self._expire(timeout)

    @contextmanager
    def _place(self, account: str) -> Iterator[None]:
        if self._waiting.total() >= MOST_WAITING or self._waiting[account] >= MOST_OF_ACCOUNT:
            raise Fault("ThrottlingException", "Rate exceeded", 429)
        self._waiting[account] += 1
        try:
            yield
        finally:
            self._waiting[account] -= 1
            self._waiting += Counter()  # without accounts that have none

    async def _watching(self, ledger: Ledger, call: BackendCall, look: Callable[[], Awaitable[bool]]) -> None:
        with ledger.recording() as bell, suppress(TimeoutError):
            async with asyncio.timeout(call.params["WaitSeconds"]) as timeout:
                self._timeouts.add(timeout)
                watch = self._watch(call, timeout)
                try:
                    while not await look():
                        await rung(bell, _OTHERS if ledger.shared else None)
                        await asyncio.sleep(_PAUSE)
                        bell.clear()
                finally:
                    self._timeouts.discard(timeout)
                    await cancelled(*watch)

    def _watch(self, call: BackendCall, timeout: asyncio.Timeout) -> tuple[asyncio.Future[None], ...]:
        """A task that ends the wait with the connection of the client."""
        if call.request.gone is None:
            return ()
        task = asyncio.ensure_future(call.request.gone())
        task.add_done_callback(lambda _: self._expire(timeout))
        return (task,)

    def _expire(self, timeout: asyncio.Timeout) -> None:
        if timeout in self._timeouts and not timeout.expired():
            timeout.reschedule(0)
