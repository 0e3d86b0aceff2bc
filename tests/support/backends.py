"""Backends that do one thing, for the tests of what is in front of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from locum.backends import Backend, BackendCall, Carried
from locum.core.http import HttpResponse
from support.inprocess import InProcess


class Doing(Backend):
    """Answers every call with what `act` makes of it; knows nothing of resources."""

    forgets = True

    def __init__(self, act: Callable[[BackendCall], HttpResponse]) -> None:
        self._act = act
        self.calls: list[BackendCall] = []

    async def call(self, call: BackendCall) -> Carried:
        self.calls.append(call)
        return Carried(self._act(call))

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
