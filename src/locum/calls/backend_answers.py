"""Look-ups of Locum itself at a backend: they are no call of anybody, so that nothing of them is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from locum import wire
from locum.backends import BackendCall
from locum.backends.lazy import translation
from locum.calls.runtime import Runtime
from locum.calls.service_requests import backend_request, whole
from locum.core.actors import ServiceRole
from locum.core.calls import Ask
from locum.core.errors import Fault


async def backend_answer(
    runtime: Runtime, service: str, operation: str, params: Mapping[str, Any], account: str, region: str
) -> dict[str, Any]:
    """The backend's answer to a reading call in `account`, by the members of the output shape. Raises Fault."""
    codec = wire.codec_of(service, operation)
    if codec is None:
        raise ValueError(f"{service} has no operation {operation}")
    backend = runtime.backends.of(service, operation)
    told = await backend.told(service, operation, params, account, region)
    if told is not None:
        return told
    request = backend_request(codec, params, region)
    carried = await backend.call(BackendCall(codec, account, region, request, request.body, dict(params)))
    answer = carried.response
    read = translation().read_answer
    return read(codec.model, codec.protocol, answer.status, answer.headers, await whole(answer))


async def told_by_backend(runtime: Runtime, ask: Ask) -> Mapping[str, Any] | Fault:
    """The answer to an ask that is `of_backend`, or the fault that it gets."""
    made, actor = ask.call, ask.call.actor
    if ask.if_used and not runtime.backends.of(made.service, made.operation).in_use(made.service):
        return {}
    source = actor.source
    if source is None or isinstance(actor, ServiceRole):
        raise RuntimeError(f"{made.service}:{made.operation} is asked of a backend, but not by the service itself")
    try:
        return await backend_answer(runtime, made.service, made.operation, made.params, source.account, made.region)
    except Fault as fault:
        return fault
