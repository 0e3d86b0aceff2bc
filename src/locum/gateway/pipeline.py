"""The one way through: name, authenticate, parse, authorize, carry out, record.

Every call of every service passes here, Locum's own and the guarded ones alike. A step that fails raises
a Fault; what was known by then is recorded, and `wire` renders AWS's error for the protocol of the call.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from locum import authz, sigv4, wire
from locum.backends import BackendCall
from locum.core.arn import Arn
from locum.core.errors import Fault
from locum.core.http import HttpRequest, HttpResponse
from locum.core.identifiers import request_id
from locum.core.principal import NOBODY
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.gateway import s3
from locum.gateway.answers import identified
from locum.gateway.authenticate import authenticate, require_unsigned
from locum.gateway.plane import Plane
from locum.gateway.progress import Progress
from locum.gateway.recorder import Recorder
from locum.services.verbs import Context, Operation, Outcome
from locum.state import State
from locum.store import AuditRow
from locum.wire import Codec

_log: Final = logging.getLogger("locum.gateway")
_INTERNAL: Final = Fault("InternalFailure", "The request processing has failed because of an unknown error.", 500)


class Pipeline:
    """Takes a request to its answer."""

    def __init__(self, plane: Plane, recorder: Recorder) -> None:
        self._plane = plane
        self._recorder = recorder

    async def answer(self, request: HttpRequest) -> HttpResponse:
        """The answer to `request`, whatever happens on the way."""
        plane = self._plane
        now = plane.clock()
        progress = Progress(request, request_id(plane.entropy), now, plane.ledger.state, plane.settings.region)
        try:
            return await self._pass(progress)
        except Fault as fault:
            return self._refuse(progress, fault)
        except Exception:  # the fault barrier: nothing of what went wrong inside gets out
            _log.exception("request %s failed", progress.request_id)
            return self._refuse(progress, _INTERNAL)

    async def _pass(self, progress: Progress) -> HttpResponse:
        request = progress.request
        claim = sigv4.read(request)
        if claim is not None:
            progress.region = claim.scope.region
        codec = progress.codec = wire.resolve(request, None if claim is None else claim.scope.service)
        progress.caller, body = authenticate(
            progress.state, self._plane.keyring, request, claim, progress.now, codec.protocol
        )
        if progress.caller is NOBODY:
            require_unsigned(codec.model, codec.protocol)
        params = progress.params = codec.parse(request, body)
        call = _call(progress, codec, presigned=claim is not None and claim.presigned)
        progress.plan = authz.plan(progress.state, call)
        facts = await self._facts(progress, call)
        verdict = progress.verdict = authz.decide(
            progress.state, call, progress.plan, lambda arn: facts.get(arn, UNKNOWN)
        )
        if not verdict.allowed and self._plane.mode == "enforce":
            raise verdict.fault(codec.protocol)
        own = self._plane.services.get(codec.service)
        operation = None if own is None else own.find(codec.operation, params)
        if operation is not None:
            return await self._own(progress, codec, operation)
        if own is not None and not own.backed:
            raise Fault("NotImplemented", f"Locum does not implement {codec.service}:{codec.operation} yet.", 501)
        return await self._backend(progress, codec, call, body, facts)

    # -- our own services --------------------------------------------------------------------------------

    async def _own(self, progress: Progress, codec: Codec, operation: Operation) -> HttpResponse:
        plane = self._plane
        context = Context(
            progress.state,
            progress.now,
            plane.entropy,
            plane.keyring,
            progress.caller,
            progress.region,
            plane.settings,
            plane.history,
        )
        verb, params = operation.verb, progress.params
        if operation.writes:
            outcome = await self._write(progress, context, operation)
            return codec.serialize(outcome.answer, progress.request_id)
        if operation.blocks:
            outcome = await plane.ledger.read(lambda: verb(context, params))
        else:
            outcome = verb(context, params)
        self._recorder.answered(progress)
        return codec.serialize(outcome.answer, progress.request_id)

    async def _write(self, progress: Progress, context: Context, operation: Operation) -> Outcome:
        """Run a writing verb in a transaction: what it changes and the record of it are durable together."""
        recorded: list[Fault] = []

        def handler(state: State) -> Outcome:
            return operation.verb(replace(context, state=state), progress.params)

        def audit(outcome: Outcome | Fault) -> Sequence[AuditRow]:
            if isinstance(outcome, Fault):
                recorded.append(outcome)
                return (self._recorder.refused_row(progress, outcome),)
            return (self._recorder.answered_row(progress, outcome.answer),)

        try:
            return await self._plane.ledger.transact(handler, audit)
        except Fault as fault:
            if fault in recorded:
                raise RecordedFault(fault) from fault
            raise

    # -- guarded services --------------------------------------------------------------------------------

    async def _facts(self, progress: Progress, call: authz.Call) -> dict[str, ResourceFacts]:
        """What the backends know of the resources that the call is about."""
        facts: dict[str, ResourceFacts] = {}
        if progress.plan is None or progress.plan.permissionless:
            return facts
        for arn in progress.plan.resources:
            service = arn.split(":", 3)[2]
            own = self._plane.services.get(service)
            if own is None or own.backed:
                backend = self._plane.backends.of(service)
                account = progress.caller.principal.account
                facts[arn] = await backend.facts(service, arn, account, progress.region)
        return facts

    async def _backend(
        self, progress: Progress, codec: Codec, call: authz.Call, body: bytes, facts: dict[str, ResourceFacts]
    ) -> HttpResponse:
        metadata: dict[str, Any] = codec.model.service_model.metadata
        answer = await self._plane.backends.of(codec.service).call(
            BackendCall(
                codec.service,
                codec.operation,
                codec.protocol,
                metadata["endpointPrefix"],
                codec.signing_name,
                _owner(progress, facts),
                progress.region,
                progress.request,
                body,
                progress.params,
                wire.bucket_of_host(progress.request.headers.get("host", "")) if codec.service == "s3" else "",
            )
        )
        if codec.service == "s3":
            s3.withhold_absence(progress.state, call, answer)
        self._recorder.answered(progress, status=answer.status)
        return identified(answer, codec, progress.request_id)

    # -- failures ----------------------------------------------------------------------------------------

    def _refuse(self, progress: Progress, fault: Fault) -> HttpResponse:
        if isinstance(fault, RecordedFault):
            fault = fault.fault
        else:
            try:
                self._recorder.refused(progress, fault)
            except Fault as unrecorded:  # a call that cannot be recorded is not answered otherwise
                fault = unrecorded
        if progress.codec is None:
            return wire.plain_fault(progress.request, fault, progress.request_id)
        return progress.codec.fault(fault, progress.request_id)


class RecordedFault(Fault):
    """A fault whose record was stored in the transaction that it ended."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code, fault.message, fault.status, members=fault.members, resource=fault.resource)
        self.fault = fault


def _call(progress: Progress, codec: Codec, *, presigned: bool) -> authz.Call:
    request = progress.request
    headers = request.headers
    return authz.Call(
        service=codec.service,
        operation=codec.operation,
        params=progress.params,
        caller=progress.caller,
        region=progress.region,
        now=progress.now,
        source_ip=request.source_ip,
        secure=request.secure,
        user_agent=headers.get("user-agent", ""),
        referer=headers.get("referer", ""),
        host=headers.get("host", ""),
        headers=headers,
        presigned=presigned,
        request_id=progress.request_id,
    )


def _owner(progress: Progress, facts: dict[str, ResourceFacts]) -> str:
    """The account that the call goes to: the owner of the resource, else the caller's own."""
    for check in progress.plan.checks if progress.plan is not None else ():
        known = facts.get(check.resource)
        if known is not None and known.account:
            return known.account
        arn = Arn.find(check.resource)
        if arn is not None and arn.account.isdigit():
            return arn.account
    return progress.caller.principal.account
