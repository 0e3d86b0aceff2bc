"""What backends deliver because of calls, for the tests: kept as it comes out of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from locum.backends import Backend, BackendCall, Carried, Delivery
from locum.core.resources import ResourceFacts
from support.inprocess import InProcess


class Listening:
    """A backend that keeps what every call to another one, behind it, came to; whoever called gets the answer alone."""

    forgets = True

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.carried: list[Carried] = []

    async def call(self, call: BackendCall) -> Carried:
        carried = await self._backend.call(call)
        self.carried.append(carried)
        return Carried(carried.response)

    async def facts(self, service: str, arn: str, account: str, region: str) -> ResourceFacts:
        return await self._backend.facts(service, arn, account, region)

    async def close(self) -> None:
        """Nothing to let go of."""

    def taken(self) -> list[Delivery]:
        """What was delivered since it was asked last."""
        carried, self.carried = self.carried, []
        return [delivery for one in carried for delivery in one.deliveries]


@contextmanager
def listening(plane: InProcess, *services: str) -> Iterator[Listening]:
    """A Listening before the embedded backend of `services`."""
    named = cast("dict[str, Any]", plane.node.runtime.backends.by_service)
    between = Listening(plane.node.runtime.backends.default)
    named |= dict.fromkeys(services, between)
    try:
        yield between
    finally:
        for service in services:
            del named[service]
