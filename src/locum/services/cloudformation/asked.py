"""The work of a provider within a verb: each request of it is an ask, which is decided on and recorded."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, TypeVar

from locum.core.actors import Actor
from locum.core.calls import Ask, ServiceCall
from locum.core.errors import INTERNAL, Fault
from locum.services.cloudformation.providers.base import Request, told_here
from locum.services.cloudformation.providers.steps import Steps

T = TypeVar("T")

Asked = Generator[Ask, Mapping[str, Any], T]
"""Steps of a verb, with a result."""


def asked(actor: Actor, region: str, work: Steps[T], endpoint: str = "") -> Asked[T]:
    """The result of `work`, which only makes requests that read, as `actor`. Raises Fault.

    `endpoint` is the plane's URL, at which clients find queues.
    """
    try:
        step = next(work)
        while True:
            if not isinstance(step, Request):  # a verb waits for nothing
                raise Fault(*INTERNAL)
            call = ServiceCall(actor, step.service, step.operation, step.params, step.region or region)
            try:
                answer = yield Ask(call, loose=True)
            except Fault as fault:
                step = work.throw(fault)
            else:
                step = work.send(told_here(answer, endpoint))
    except StopIteration as done:
        result: T = done.value
        return result
