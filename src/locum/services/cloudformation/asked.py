"""The work of a provider within a verb: each request of it is an ask, which is decided on and recorded."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, TypeVar

from locum.core.actors import Actor
from locum.core.calls import Ask, ServiceCall
from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Request, Step

T = TypeVar("T")


def asked(
    actor: Actor, region: str, work: Generator[Step, Mapping[str, Any], T]
) -> Generator[Ask, Mapping[str, Any], T]:
    """The result of `work`, which only makes requests, as `actor`. Raises Fault."""
    try:
        step = next(work)
        while True:
            assert isinstance(step, Request)
            call = ServiceCall(actor, step.service, step.operation, step.params, step.region or region)
            try:
                answer = yield Ask(call)
            except Fault as fault:
                step = work.throw(fault)
            else:
                step = work.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result
