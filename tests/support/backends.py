"""Backends that do one thing, for the tests of what is in front of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from locum.backends import BackendCall, Carried
from locum.core.http import HttpResponse
from locum.core.resources import UNKNOWN, ResourceFacts
from support.inprocess import InProcess


class Doing:
    """Answers every call with what `act` makes of it; knows nothing of resources."""

    forgets = True

    def __init__(self, act: Callable[[BackendCall], HttpResponse]) -> None:
        self._act = act
        self.calls: list[BackendCall] = []

    async def call(self, call: BackendCall) -> Carried:
        self.calls.append(call)
        return Carried(self._act(call))

    async def facts(
        self, service: str, arn: str, account: str, region: str, parts: Collection[str] = ()
    ) -> ResourceFacts:
        return UNKNOWN

    async def told(
        self, service: str, operation: str, params: Mapping[str, Any], account: str, region: str
    ) -> dict[str, Any] | None:
        return None

    def in_use(self, service: str) -> bool:
        return True

    async def close(self) -> None:
        """Nothing to let go of."""


@contextmanager
def behind(plane: InProcess, service: str, act: Callable[[BackendCall], HttpResponse]) -> Iterator[Doing]:
    """`act` as the backend of `service`."""
    named = cast("dict[str, Any]", plane.node.runtime.backends.by_service)
    backend = named[service] = Doing(act)
    try:
        yield backend
    finally:
        del named[service]
