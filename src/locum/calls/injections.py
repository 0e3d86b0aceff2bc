"""Faults on request: what `locum fault` has set, and whether it meets a call, a session or a metadata request.

1. Without one, a request pays for the test of `some`.
2. A fault refuses or delays. It never allows, and never changes what is allowed: it meets a client's call after its
   authentication and before its authorization, as AWS's throttling does, and never one of nobody in particular.
3. The calls of services are not met, as AWS's own are not throttled with those of its customers.
4. Nothing of it is durable: a plane starts without faults.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final, Protocol, TypeVar

from locum import sigv4
from locum.calls.injection_kinds import Delayed, ExpiredSessions, Injection, OfCalls, OfMetadata
from locum.calls.request_context import RequestContext
from locum.core.clock import Entropy
from locum.core.errors import Fault
from locum.sigv4 import Failure

MOST: Final = 256
"""Faults that are set at the same time."""

_CHANCE: Final = 8
"""Octets of chance in a draw."""


class Propagation(Protocol):
    """`calls.propagation.Propagation`."""

    def check(self, context: RequestContext, facts: Any) -> None:
        """Raise Fault where a call that is allowed is not, by what has reached its service."""


@dataclass(slots=True)
class Entry:
    """An injection that is set. `hits`: how often it met something. `over` is set once it is cleared."""

    id: str
    injection: Injection
    hits: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def told(self) -> str:
        """The text about it in a record."""
        return f"{self.id}: {self.injection}"


K = TypeVar("K")


class Injections:
    """The faults on request of a plane. Where other processes take its calls as well, it is not `alone`."""

    def __init__(self) -> None:
        self.some = False
        self.alone = True
        self.propagation: Propagation | None = None
        self._entries: dict[str, Entry] = {}
        self._numbers = count(1)

    @property
    def entries(self) -> list[Entry]:
        """Those that are set, oldest first."""
        return list(self._entries.values())

    def add(self, injection: Injection) -> Entry:
        """Set one. Raises ValueError where there are too many, or where only some of the calls would meet it."""
        if not self.alone:
            raise ValueError("a fault meets no calls of a plane of several processes: start it without --workers")
        if len(self._entries) >= MOST:
            raise ValueError(f"there are {MOST} faults already: clear some")
        entry = Entry(f"f-{next(self._numbers)}", injection)
        self._entries[entry.id] = entry
        self.some = True
        return entry

    def clear(self, entry_id: str = "") -> list[Entry]:
        """Take one back, or all of them; those that were. Whoever is delayed by one waits no more."""
        gone = [entry for entry in self.entries if entry_id in ("", entry.id)]
        for entry in gone:
            del self._entries[entry.id]
            entry.over.set()
            if isinstance(entry.injection, Delayed):
                self.propagation = None
        self.some = bool(self._entries)
        return gone

    def meet(self, context: RequestContext, entropy: Entropy) -> None:
        """Raise the Fault with which a call is refused on request; the record of the call says so."""
        codec = context.codec
        assert codec is not None
        for entry, expired in self._of(ExpiredSessions):
            if not context.service and expired.meets(context.caller.session):
                self._tell(context, entry)
                raise sigv4.failure(Failure.EXPIRED_TOKEN, codec.service, codec.protocol)
        for entry, calls in self._of(OfCalls):
            if calls.meets(context) and _drawn(calls.rate, entropy):
                self._tell(context, entry)
                raise calls.fault(context)

    async def hold(self, context: RequestContext) -> None:
        """Wait as long as the answer to a call is delayed."""
        for entry, calls in self._of(OfCalls):
            if calls.delay and calls.meets(context):
                await _pause(entry, calls.delay)

    async def meet_metadata(self, instance: str, entropy: Entropy) -> int:
        """Wait as long as the answer to a request from inside `instance` is delayed; the status of its error, or 0."""
        for entry, metadata in self._of(OfMetadata):
            if metadata.instance not in ("", instance):
                continue
            if metadata.delay:
                await _pause(entry, metadata.delay)
            if _drawn(metadata.rate, entropy):
                entry.hits += 1
                return metadata.status
        return 0

    def expired_at(self, role_arn: str, instance: str) -> float:
        """The time up to which sessions of the role in the instance have expired on request; 0 where none have."""
        if not self.some:
            return 0.0
        found = (expired.at for _, expired in self._of(ExpiredSessions) if expired.matches(role_arn, instance))
        return max(found, default=0.0)

    def propagated(self, context: RequestContext, facts: Any) -> None:
        """Raise Fault where a call that is allowed is not yet, by what has reached its service."""
        if self.propagation is None:
            return
        try:
            self.propagation.check(context, facts)
        except Fault:
            self._tell(context, next(entry for entry, _ in self._of(Delayed)))
            raise

    def _of(self, kind: type[K]) -> Iterator[tuple[Entry, K]]:
        return ((entry, entry.injection) for entry in self.entries if isinstance(entry.injection, kind))

    def _tell(self, context: RequestContext, entry: Entry) -> None:
        entry.hits += 1
        context.injected = entry.told


def _drawn(rate: float, entropy: Entropy) -> bool:
    return rate > 0 and int.from_bytes(entropy(_CHANCE), "big") < rate * 256**_CHANCE


async def _pause(entry: Entry, seconds: float) -> None:
    entry.hits += 1
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await entry.over.wait()
