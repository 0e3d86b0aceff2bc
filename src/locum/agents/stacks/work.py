"""Carrying out the work of a provider: each request of it is a call of CloudFormation, as the stack."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from locum.calls.service_requests import made_to_fit
from locum.core.actors import Actor
from locum.core.calls import ServiceCall
from locum.core.errors import INTERNAL, Fault, LocumError
from locum.core.system_tags import without_system_tags
from locum.services.cloudformation.providers.base import Began, Pause, Request, Step, told_here
from locum.services.cloudformation.providers.steps import Steps

T = TypeVar("T")
Make = Callable[[ServiceCall], Awaitable[Mapping[str, Any]]]
"""Makes a call. Raises Fault."""

_REFUSES_TAGS: Final = re.compile("aws:|system tag", re.IGNORECASE)
"""What services tell of tags whose keys nobody may use: those of HTTP backends, which know no CloudFormation."""

_INVALID_TAG: Final = "InvalidTag"
"""S3's code for them."""

_TAGS: Final = re.compile(r"(Add|Create|Put|Set)?Tag\w*|Put\w+Tagging")
"""The names of operations that do nothing but tag."""

_log: Final = logging.getLogger("locum.agents")


async def carried_out(
    make: Make,
    actor: Actor,
    region: str,
    work: Steps[T],
    waits: Callable[[Step], Awaitable[Mapping[str, Any]]] | None = None,
    endpoint: str = "",
) -> T:
    """The result of `work`, whose calls `make` makes as `actor`. Raises Fault.

    `waits` answers what is no call or pause. `endpoint` is the plane's URL, at which clients find queues.
    """

    async def answer(step: Step) -> Mapping[str, Any]:
        if isinstance(step, Request):
            return told_here(await _made(make, actor, region, step), endpoint)
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return {}
        if waits is None and isinstance(step, Began):
            return {}  # nothing is kept of it
        if waits is None:
            raise ValueError(f"nobody waits for {type(step).__name__}")
        return await waits(step)

    try:
        return await _steps(work, answer)
    except LocumError:
        raise
    except Exception as error:  # a fault barrier: a provider that breaks fails its resource, and nothing else
        _log.exception("the work of a provider failed")
        raise Fault(*INTERNAL) from error


async def _steps(work: Steps[T], answer: Callable[[Step], Awaitable[Mapping[str, Any]]]) -> T:
    try:
        step = next(work)
        while True:
            try:
                found = await answer(step)
            except Fault as fault:
                step = work.throw(fault)
            else:
                step = work.send(found)
    except StopIteration as done:
        result: T = done.value
        return result


async def _made(make: Make, actor: Actor, region: str, step: Request) -> Mapping[str, Any]:
    """The answer to a request; one whose tags of AWS's own a backend refuses is made without them."""
    made = ServiceCall(actor, step.service, step.operation, step.params, step.region or region)
    try:
        return await make(made_to_fit(made))
    except Fault as fault:
        bare = without_system_tags(step.params)
        if bare == step.params or not (fault.code == _INVALID_TAG or _REFUSES_TAGS.search(fault.message)):
            raise
        if _TAGS.fullmatch(step.operation) and not any(name.lower().endswith(("tags", "tagging")) for name in bare):
            return {}  # there was nothing else to be told
        return await make(made_to_fit(made._replace(params=bare)))
