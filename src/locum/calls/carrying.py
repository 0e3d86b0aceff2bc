"""Carrying out at a backend: an allowed call of a guarded service, or of what Locum's own services leave to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from locum import wire
from locum.backends import BackendCall, Origin
from locum.calls import s3
from locum.calls.committing import Committer
from locum.calls.destination import destination
from locum.calls.errors_in_answers import error_in
from locum.calls.request_context import RequestContext
from locum.calls.runtime import Runtime
from locum.core.calls import Call
from locum.core.http import HttpResponse
from locum.core.resources import ResourceFacts

Facts = dict[str, ResourceFacts]

_FAILED: Final = 500


class Carrying:
    """Has backends carry out calls, and records what became of them."""

    def __init__(self, runtime: Runtime, committer: Committer) -> None:
        self._runtime = runtime
        self._committer = committer

    async def facts(self, context: RequestContext) -> Facts:
        """What the backends know of the resources that the call is about, by ARN."""
        facts: Facts = {}
        plan = context.plan
        if plan is None or plan.permissionless:
            return facts
        runtime = self._runtime
        for arn in plan.resources:
            service = arn.split(":", 3)[2]
            own = runtime.services.get(service)
            if own is None or own.backed:
                backend = runtime.backends.of(service)
                facts[arn] = await backend.facts(service, arn, context.caller.account, context.region)
        return facts

    async def run(self, context: RequestContext, call: Call, facts: Mapping[str, ResourceFacts]) -> HttpResponse:
        """The backend's answer, an AWS error among them. The call is recorded. Raises Fault."""
        codec = context.codec
        assert codec is not None
        where, principal = destination(context, facts), context.caller.principal
        carried = await self._runtime.backends.of(codec.service).call(
            BackendCall(
                codec,
                where.account,
                where.region,
                context.request,
                context.body,
                context.params,
                wire.bucket_of_host(context.request.headers.get("host", "")) if codec.service == "s3" else "",
                "" if context.effect is None else context.effect.id,
                Origin(principal.user_id, context.service or principal.account, context.request_id, context.now),
            )
        )
        answer = carried.response  # NOTE(lead): its deliveries, and `undo`, are dropped until they become effects
        if codec.service == "s3":
            s3.withhold_absence(context.state, call, answer)
        fault = error_in(answer)
        if fault is not None and fault.status >= _FAILED and context.effect is not None:
            raise fault  # not an answer: the effect is tried again
        await self._committer.answered(context, answer.status, fault)
        return answer
