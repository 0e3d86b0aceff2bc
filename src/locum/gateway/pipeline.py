"""The one way through: name, authenticate, parse, authorize, carry out, record.

Every call of every service passes here, Locum's own and the guarded ones alike. A step that fails raises
a Fault; what was known by then is recorded, and `wire` renders AWS's error for the protocol of the call.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from locum import authz, sigv4, wire
from locum.backends import BackendCall
from locum.core.errors import Fault
from locum.core.http import HttpRequest, HttpResponse
from locum.core.identifiers import RequestIds
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.gateway import notices, s3
from locum.gateway.answers import error_in, identified
from locum.gateway.authenticate import Signers, verified
from locum.gateway.denial_messages import refusal
from locum.gateway.destination import destination
from locum.gateway.federation import FederatedCallers
from locum.gateway.mfa_throttle import MfaThrottle
from locum.gateway.plane import Plane
from locum.gateway.recorder import Recorder
from locum.gateway.rehearsal import rehearsed
from locum.gateway.request_context import RequestContext
from locum.services.verbs import Context, Operation, Outcome, Proof
from locum.state import State
from locum.store import AuditRow
from locum.wire import Codec

Facts = dict[str, ResourceFacts]

_log: Final = logging.getLogger("locum.gateway")
_INTERNAL: Final = Fault("InternalFailure", "The request processing has failed because of an unknown error.", 500)


class Pipeline:
    """Takes a request to its answer."""

    def __init__(self, plane: Plane, recorder: Recorder) -> None:
        self._plane = plane
        self._recorder = recorder
        self._signers = Signers(plane.keyring)
        self._ids = RequestIds(plane.entropy)
        self._federated = FederatedCallers(plane)
        self._mfa_throttle = MfaThrottle()

    async def answer(self, request: HttpRequest) -> HttpResponse:
        """The answer to `request`, whatever happens on the way."""
        progress = self._begun(request)
        try:
            return await self._pass(progress)
        except Fault as fault:
            return self._refuse(progress, fault)
        except Exception:  # the fault barrier: nothing of what went wrong inside gets out
            _log.exception("request %s failed", progress.request_id)
            return self._refuse(progress, _INTERNAL)

    def refusal(self, request: HttpRequest, fault: Fault) -> HttpResponse:
        """The answer to a request that got `fault` before it was read to its end."""
        return self._refuse(self._begun(request), fault)

    def knows_signer(self, request: HttpRequest) -> bool:
        """Whether a key that exists claims to have signed the request, going by its headers alone."""
        try:
            claim = sigv4.read(request)
            return claim is not None and bool(self._signers.find(self._plane.ledger.state, claim).secret)
        except Fault:
            return False

    def _begun(self, request: HttpRequest) -> RequestContext:
        """Nothing but what is here is known of time and state while the request lasts."""
        plane = self._plane
        return RequestContext(request, self._ids(), plane.clock(), plane.ledger.state, plane.settings.region)

    async def _pass(self, progress: RequestContext) -> HttpResponse:
        request = progress.request
        claim = sigv4.read(request)
        if claim is not None:
            progress.region = claim.scope.region
        signer = self._signers.find(progress.state, claim)
        codec = progress.codec = wire.resolve(request, None if claim is None else claim.scope.service)
        body = verified(signer, request, claim, progress.now, codec)
        progress.caller = signer.caller
        params = progress.params = codec.parse(request, body)
        if self._federated.concerns(codec):
            progress.caller = await self._federated.caller(progress, codec)
        call = _call(progress, codec, presigned=claim is not None and claim.presigned)
        progress.plan = authz.plan(progress.state, call)
        own = self._plane.services.get(codec.service)
        operation = None if own is None else own.find(codec.operation, params)
        if operation is not None and operation.proof is not None:
            self._prove(progress, operation.proof)
            call = call._replace(second_factor=True)
        facts = {} if progress.plan.permissionless else await self._facts(progress, call)
        self._authorize(progress, call, facts)
        if operation is not None:
            return await self._own(progress, codec, operation, call, facts)
        if own is not None and not own.backed:
            raise Fault("NotImplemented", f"Locum does not implement {codec.service}:{codec.operation} yet.", 501)
        if claim is not None:
            progress.request = sigv4.unframed(request, claim, body)
        if progress.request is not request:
            progress.params = codec.parse(progress.request, body)
        return await self._backend(progress, codec, call, body, facts)

    def _prove(self, progress: RequestContext, proof: Proof) -> None:
        """Verify the second factor that the call shows. Raises Fault where it is not right, or was guessed at."""
        principal = progress.caller.principal
        self._mfa_throttle.admit(principal, progress.now)
        try:
            proof(self._context(progress), progress.params)
        except Fault:
            self._mfa_throttle.failed(principal, progress.now)
            raise

    def _authorize(self, progress: RequestContext, call: authz.Call, facts: Facts) -> None:
        """Decide on the call as planned. Raises Fault where it is denied, save in the mode `observe`."""
        assert progress.plan is not None
        verdict = authz.decide(progress.state, call, progress.plan, lambda arn: facts.get(arn, UNKNOWN))
        progress.verdict = verdict
        if not verdict.allowed and self._plane.mode == "enforce":
            raise refusal(verdict, self._plane.keyring, self._plane.entropy)

    # -- our own services --------------------------------------------------------------------------------

    def _context(self, progress: RequestContext) -> Context:
        plane = self._plane
        return Context(
            progress.state,
            progress.now,
            plane.entropy,
            plane.keyring,
            progress.caller,
            progress.region,
            plane.settings,
            plane.history,
            plane.usage,
        )

    async def _own(
        self, progress: RequestContext, codec: Codec, operation: Operation, call: authz.Call, facts: Facts
    ) -> HttpResponse:
        plane, context = self._plane, self._context(progress)
        verb, params = operation.verb, progress.params
        if operation.rehearsed:
            context = await rehearsed(plane, context, operation, params)
        if operation.writes:
            outcome = await self._write(progress, context, operation, call, facts)
            if outcome.notices:
                await notices.publish(plane, outcome.notices, progress.now)
            return codec.serialize(outcome.answer, progress.request_id)
        if operation.blocks:
            outcome = await plane.ledger.read(lambda: verb(context, params))
        else:
            outcome = verb(context, params)
        self._recorder.answered(progress)
        return codec.serialize(outcome.answer, progress.request_id)

    async def _write(
        self, progress: RequestContext, context: Context, operation: Operation, call: authz.Call, facts: Facts
    ) -> Outcome:
        """Run a writing verb in a transaction: what it changes and the record of it are durable together.

        The verb may see a later state than the one on which the call was allowed: calls of others that are
        on their way to the disk. Then the decision is made again, on the state that the verb sees.
        """
        recorded: list[Fault] = []

        def handler(state: State) -> Outcome:
            if state is not progress.state:
                progress.state = state
                progress.plan = authz.plan(state, call)
                self._authorize(progress, call, facts)
            return operation.verb(context._replace(state=state), progress.params)

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

    async def _facts(self, progress: RequestContext, call: authz.Call) -> Facts:
        """What the backends know of the resources that the call is about."""
        facts: Facts = {}
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
        self, progress: RequestContext, codec: Codec, call: authz.Call, body: bytes, facts: Facts
    ) -> HttpResponse:
        where = destination(progress, facts)
        answer = await self._plane.backends.of(codec.service).call(
            BackendCall(
                codec,
                where.account,
                where.region,
                progress.request,
                body,
                progress.params,
                wire.bucket_of_host(progress.request.headers.get("host", "")) if codec.service == "s3" else "",
            )
        )
        if codec.service == "s3":
            s3.withhold_absence(progress.state, call, answer)
        self._recorder.answered(progress, answer.status, error_in(answer))
        return identified(answer, codec, progress.request_id)

    # -- failures ----------------------------------------------------------------------------------------

    def _refuse(self, progress: RequestContext, fault: Fault) -> HttpResponse:
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


def _call(progress: RequestContext, codec: Codec, *, presigned: bool) -> authz.Call:
    request, federated_claims = progress.request, progress.caller.federated_claims
    headers = request.headers
    return authz.Call(
        codec.service,
        codec.operation,
        progress.params if federated_claims is None else {**progress.params, **federated_claims.as_params()},
        progress.caller,
        progress.region,
        progress.now,
        request.source_ip,
        request.secure,
        headers.get("user-agent", ""),
        headers.get("referer", ""),
        headers.get("host", ""),
        headers,
        presigned,
        progress.request_id,
        codec.protocol,
    )
