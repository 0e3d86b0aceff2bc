"""What the operations of the API are given of the plane, and their turns."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple, Protocol

from locum.agents.api.long_polls import LongPolls
from locum.backends import BackendCall
from locum.calls import Runtime
from locum.core.calls import ServiceCall
from locum.core.errors import Fault

Make = Callable[[ServiceCall], Awaitable[dict[str, Any]]]


class Kept(Protocol):
    """A small document that is kept."""

    def get(self) -> bytes:
        """Its content; empty where there is none. Raises ConfigurationError."""

    def put(self, content: bytes) -> None:
        """Replace it. Raises ConfigurationError."""


Labs = Callable[[str], Kept]
"""The progress of an account with labs."""

AT_ONCE: Final = 2
"""Operations that compute for long and are carried out at the same time."""

MOST_OF_ACCOUNT: Final = 16
"""Those of an account that are carried out or wait for their turn."""

THROTTLED: Final = ("ThrottlingException", "Rate exceeded", 429)


class Turns:
    """Turns of operations that compute for long, so that no account keeps the others from theirs."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(AT_ONCE)
        self._of_account: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, call: BackendCall) -> AsyncIterator[None]:
        """Wait for a turn of `call`, and have it for the block.

        Raises Fault where its account has too many, and where the caller may not make the call any more.
        """
        account = call.caller.account
        if self._of_account[account] >= MOST_OF_ACCOUNT:
            raise Fault(*THROTTLED)
        self._of_account[account] += 1
        try:
            async with self._free:
                call.decide_again()
                yield
        finally:
            self._of_account[account] -= 1
            self._of_account += Counter()  # without accounts that have none


class Plane(NamedTuple):
    """The plane, as an operation sees it. `make` makes calls of others with the permissions of a caller.

    `labs` is where the progress of an account with labs is kept.
    """

    runtime: Runtime
    make: Make
    polls: LongPolls
    turns: Turns
    labs: Labs
