"""Sources of events: what those that read them have in common, and how they call.

A source is read in the execution role of its function, by calls like any other: policies decide on each, and it is in
the record. The function is invoked by Lambda itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final, NamedTuple, Protocol

from locum.agents.functions.execution_roles import LAMBDA, execution_role, named_function
from locum.core.actors import service_principal
from locum.core.calls import ServiceCall
from locum.core.clock import Clock
from locum.core.errors import Fault
from locum.core.event_sources import EventSourceMapping
from locum.core.functions import Find, Function

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
"""Seconds until a source is read again that could not be: twice as long with each failure, up to the second."""

OK: Final = "OK"
FAILED: Final = "PROBLEM: Function call failed"
"""LastProcessingResult."""

_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})


class Make(Protocol):
    """`Calls.make`."""

    def __call__(self, made: ServiceCall, cause: str = "", *, decided_only: bool = False) -> Awaitable[dict[str, Any]]:
        """Make the call of a service; the members of its answer. Raises Fault."""


class Plane(NamedTuple):
    """The parts of the plane that a reader uses: to make calls, to be woken by what its source gets, the clock."""

    make: Make
    listening: Callable[[str], AbstractContextManager[asyncio.Event]]
    clock: Clock


class Reader(Protocol):
    """Reads the source of one mapping, until it is cancelled."""

    async def run(self) -> None:
        """Read, and have the function invoked; batches may be under way when this is cancelled."""

    async def finish(self) -> None:
        """Wait for the batches that are under way, once `run` has ended."""

    def abandon(self) -> None:
        """Cancel the batches that are under way."""


class Lost(Exception):
    """The function of a mapping is not there."""


class Source:
    """The source of one mapping, read in the role that its function has now. `say` is told how it went."""

    def __init__(self, plane: Plane, find: Find, mapping: EventSourceMapping, say: Callable[[str], None]) -> None:
        self._plane = plane
        self._find = find
        self._mapping = mapping
        self.say = say

    async def call(self, service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Make a call in the execution role. Raises Fault, Lost."""
        return await self._plane.make(call_in_role(self._function(), self._mapping, service, operation, params))

    async def invoke(self, payload: bytes) -> dict[str, Any]:
        """Invoke the function; the answer, with `FunctionError` where it failed. Raises Fault."""
        mapping = self._mapping
        lambda_itself = service_principal(LAMBDA, mapping.account, mapping.function)
        params = {"FunctionName": mapping.function, "InvocationType": "RequestResponse", "Payload": payload}
        return await self._plane.make(ServiceCall(lambda_itself, "lambda", "Invoke", params, mapping.region))

    def role(self) -> str:
        """The ARN of the execution role. Raises Lost."""
        return self._function().role

    def _function(self) -> Function:
        name, qualifier = named_function({"FunctionName": self._mapping.function})
        function = self._find(self._mapping.account, self._mapping.region, name, qualifier)
        if function is None:
            raise Lost(self._mapping.function)
        return function


def call_in_role(
    function: Function, mapping: EventSourceMapping, service: str, operation: str, params: Mapping[str, Any]
) -> ServiceCall:
    """The call of `operation` that Lambda makes for a mapping, in the execution role of its function."""
    return ServiceCall(execution_role(function), service, operation, params, mapping.source.region)


def is_denied(fault: Fault) -> bool:
    """Whether a policy refused a call, or the role may not be assumed."""
    return fault.code in _DENIED


def pause(failures: int) -> float:
    """Seconds to wait after so many failures in a row."""
    return min(FIRST_PAUSE * 2.0 ** min(failures - 1, 16), LONGEST_PAUSE)
