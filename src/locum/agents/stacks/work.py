"""Carrying out the work of a provider: each request of it is a call of CloudFormation, as the stack."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from locum import wire
from locum.calls import Calls
from locum.core.actors import Actor
from locum.core.calls import ServiceCall
from locum.core.errors import INTERNAL, Fault, LocumError
from locum.services.cloudformation.providers.base import Pause, Request, Step
from locum.wire.fitting import fitted

T = TypeVar("T")

_log: Final = logging.getLogger("locum.agents")


async def carried_out(
    calls: Calls,
    actor: Actor,
    region: str,
    work: Generator[Step, Mapping[str, Any], T],
    cause: str = "",
    waits: Callable[[Step], Awaitable[Mapping[str, Any]]] | None = None,
    endpoint: str = "",
) -> T:
    """The result of `work`, whose calls are made by `actor`. Raises Fault.

    `cause` is the request id of the call on whose account they are made. `waits` answers what is no call or pause.
    `endpoint` is the plane's URL, at which clients find queues.
    """

    async def answer(step: Step) -> Mapping[str, Any]:
        if isinstance(step, Request):
            return _told_here(await _made(calls, actor, region, step, cause), endpoint)
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return {}
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


async def _steps(
    work: Generator[Step, Mapping[str, Any], T], answer: Callable[[Step], Awaitable[Mapping[str, Any]]]
) -> T:
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


async def _made(calls: Calls, actor: Actor, region: str, step: Request, cause: str) -> Mapping[str, Any]:
    codec = wire.codec_of(step.service, step.operation)
    if codec is None:
        raise ValueError(f"{step.service} has no operation {step.operation}")
    params = fitted(codec.model, step.params)
    return await calls.make(ServiceCall(actor, step.service, step.operation, params, step.region or region), cause)


def _told_here(answer: Mapping[str, Any], endpoint: str) -> Mapping[str, Any]:
    """`answer`, in which the URLs of queues, made of the host that was called, are of the plane."""
    if not endpoint:
        return answer
    if answer.get("QueueUrl"):
        answer = {**answer, "QueueUrl": f"{endpoint}{urlsplit(answer['QueueUrl']).path}"}
    if answer.get("QueueUrls"):
        answer = {**answer, "QueueUrls": [f"{endpoint}{urlsplit(url).path}" for url in answer["QueueUrls"]]}
    return answer
