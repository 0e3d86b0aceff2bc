"""Calls: each of them taken through plan, decision, carrying out, record and effects, whoever makes it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final

from locum import authz, wire
from locum.backends.lazy import translation
from locum.calls import access_points, batches, event_sources, lookups, system_tags
from locum.calls.backend_answers import told_by_backend
from locum.calls.bucket_settings import BucketSettings
from locum.calls.carrying import Carrying, Facts, facts_of
from locum.calls.committing import AlreadyDone, Committer
from locum.calls.consequences import Consequences
from locum.calls.cors import CrossOrigin
from locum.calls.denial_messages import refusal
from locum.calls.effects import call_of, passing, postponed, still_pending
from locum.calls.endpoints import endpoint_of
from locum.calls.key_uses import key_uses, named_parts, refused
from locum.calls.large_policies import LargePolicies
from locum.calls.mfa_throttle import MfaThrottle
from locum.calls.outbox import Outbox
from locum.calls.recorder import Recorder, traceback_of
from locum.calls.request_context import RequestContext
from locum.calls.runtime import Runtime
from locum.calls.s3 import absence
from locum.calls.service_requests import made_to_fit, request_for_backend, unsent_request, whole
from locum.calls.service_roles import ServiceSession, ServiceSessions
from locum.calls.verbs import Verbs
from locum.core.actors import Actor, ServiceRole
from locum.core.calls import Ask, Call, ServiceCall
from locum.core.errors import INTERNAL, Fault
from locum.core.http import HttpRequest, HttpResponse
from locum.core.identifiers import RequestIds
from locum.core.principal import Caller, PrincipalKind
from locum.core.reading import reads_only
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.credentials import BrokenSeal
from locum.services.verbs import Effective, Outcome, Proof
from locum.state import PendingEffect
from locum.wire import Codec

Answer = dict[str, Any] | HttpResponse
"""The output of one of Locum's own services, by the members of its shape; or a backend's response."""

_log: Final = logging.getLogger("locum.calls")


class Calls:
    """Takes clients' calls from the gateway (`begin`, `take`, `refuse`), and makes those of services (`make`)."""

    def __init__(self, runtime: Runtime, recorder: Recorder) -> None:
        self._runtime = runtime
        self._recorder = recorder
        self._ids = RequestIds(runtime.entropy)
        self._mfa_throttle = MfaThrottle()
        self._large_policies = LargePolicies()
        runtime.ledger.consequences = Consequences(runtime)
        self._committer = Committer(runtime, recorder)
        self._verbs = Verbs(runtime, recorder, self._committer, self._decide_again, self._reply)
        self._sessions = ServiceSessions(runtime.keyring, self.make)
        self.outbox = Outbox(runtime, self.carry_out)
        self.bucket_settings = BucketSettings(runtime)
        self.cross_origin = CrossOrigin(self.bucket_settings)
        self._carrying = Carrying(runtime, recorder, self._committer, self.outbox, self.make, self._decide)
        self.wake_ups = self._carrying.wake_ups

    def hurry(self) -> None:
        """Have no answer wait any more for what it tells of: the plane ends."""
        self._verbs.hurry()

    def begin(self, request: HttpRequest) -> RequestContext:
        """The context of a call that comes now: of time and state it knows what is here, and nothing else."""
        runtime, clock = self._runtime, self._runtime.clock
        region = runtime.settings.region
        return RequestContext(request, self._ids(), clock(), runtime.ledger.state, region, clock.ahead)

    def name(self, context: RequestContext, codec: Codec, params: dict[str, Any]) -> None:
        """Say which operation a call is of, with which parameters.

        Raises Fault where the parameters of one of Locum's own operations break a constraint of the service model;
        those of others are for the backend to check.
        """
        context.codec, context.params = codec, params
        own = self._runtime.services.get(codec.service)
        context.operation = None if own is None else own.find(codec.operation, params)
        if context.operation is not None:
            codec.check(params)

    async def take(self, context: RequestContext, *, decided_only: bool = False) -> Answer:
        """Take a call, whoever makes it, through plan, decision, carrying out, record and effects.

        `context` has its caller and is named (`name`). Raises Fault where the call is refused or fails, which whoever
        took it hands to `refuse`. `decided_only`: it is decided on and recorded, not carried out; the answer is empty.
        """
        operation, injections = context.operation, self._runtime.injections
        if injections.some:
            injections.meet(context, self._runtime.entropy)
        if not context.service and (host := wire.endpoint_of_host(context.request.headers.get("host", ""))) is not None:
            context.endpoint = await endpoint_of(context, host, self._runtime.backends)
        assert context.codec is not None
        if context.codec.service == "s3" and access_points.named(context):
            await access_points.enter(self._runtime, context)
        elif operation is not None and operation.effective is not None:
            await self._make_effective(context, operation.effective)
        call = context.call()
        plan = authz.plan(context.state, call)
        plan = context.plan = plan if context.through is None else access_points.planned(context, plan)
        if plan.checks and plan.names_otherwise:
            plan = context.plan = await lookups.resolved(self._runtime, context, call, plan)
        if operation is not None and operation.proof is not None:
            self._prove(context, operation.proof)
            call = context.call()
        resources, owner = plan.resources if plan.checks else (), call.caller.account
        facts = await facts_of(self._runtime, resources, owner, call.region, named_parts(context)) if resources else {}
        facts = facts if context.through is None else access_points.seen(plan, facts)
        try:
            if self._is_to_be_compiled(context, facts):
                await asyncio.to_thread(self._decide, context, call, facts)
            else:
                self._decide(context, call, facts)
        except Fault as fault:
            return await self._in_part(context, call, facts, fault)
        if decided_only:
            self._recorder.answered(context)
            return {}
        system_tags.check(context)
        if operation is None:
            return await self._at_backend(context, call, facts)
        if context.effect is None and not operation.special:
            return self._verbs.run_plainly(context, operation)
        answer, effects = await self._verbs.run(context, operation, facts)
        await self.outbox.committed(effects)
        return answer

    async def _make_effective(self, context: RequestContext, effective: Effective) -> None:
        """Have the call decided on and run with its effective parameters; as it was sent where there are none."""
        steps = effective(self._verbs.context(context), context.params)
        try:
            ask = next(steps)
            while True:
                told = await told_by_backend(self._runtime, ask)
                ask = steps.throw(told) if isinstance(told, Fault) else steps.send(told)
        except StopIteration as done:
            if done.value is not context.params:
                context.sent, context.params = context.params, dict(done.value)
        except Fault:
            return  # what the call names is not there: the verb says so to those who may make the call

    def _is_to_be_compiled(self, context: RequestContext, facts: Facts) -> bool:
        """Whether large policies are new, by which the call is decided on: that takes long."""
        if context.plan is None or not context.plan.checks:
            return False
        policies = authz.unresolved_policies(context.state, context.caller)
        for found in facts.values():
            if found.policy is not None:
                policies = (*policies, found.policy)
        return bool(policies) and self._large_policies.include_new(policies)

    async def _in_part(self, context: RequestContext, call: Call, facts: Facts, fault: Fault) -> HttpResponse:
        """Carry out what is allowed of a batch that `fault` refuses, and tell of the rest. Raises it for all else.

        Nobody in particular, who is allowed nothing of it, is refused: such calls are limited in number and recorded
        briefly.
        """
        if fault.code != "AccessDenied" or context.through is not None or not batches.is_batch(call):
            raise fault
        if context.injected:  # as a whole: its parts are allowed already, and are not to be yet
            raise fault
        part = await asyncio.to_thread(batches.allowed_part, context.state, call, facts)
        told = context.caller.account and any(found.account for found in facts.values())
        if part is None or not (part.objects or told):
            raise fault
        if not part.objects:
            self._recorder.answered(context)
            return batches.answer(context, None, b"", part)
        batches.restrict(context, part.objects)
        carried = await self._at_backend(context, context.call(), facts)
        return carried if carried.status >= 300 else batches.answer(context, carried, await whole(carried), part)

    async def _at_backend(self, context: RequestContext, call: Call, facts: Facts) -> HttpResponse:
        """The answer of the backend that has the service, once it may use the keys that it takes.

        Raises Fault NotImplemented where there is no backend.
        """
        for use in key_uses(context, facts):
            await self._permit(use, context)
        codec = context.codec
        assert codec is not None
        own = self._runtime.services.get(codec.service)
        if own is not None and not own.backed:
            raise Fault("NotImplemented", f"Locum does not implement {codec.service}:{codec.operation} yet.", 501)
        if event_sources.claims_a_service(context):
            carry, record = partial(self._carrying.run, context, call, facts), partial(self._recorder.answered, context)
            return await event_sources.put_others(context, carry, record)
        return await self._carrying.run(context, call, facts)

    async def preflight(self, context: RequestContext, bucket: str) -> HttpResponse:
        """The answer to a browser's preflight request to S3, which is recorded. Raises Fault like `take`."""
        context.codec, context.params = wire.codec_of("s3", "GetBucketCors"), {"Bucket": bucket}
        answer = await self.cross_origin.preflight(context.request, bucket, context.region)
        self._recorder.answered(context, answer.status)
        return answer

    def refuse(self, context: RequestContext, fault: Fault) -> Fault:
        """Record that a call got `fault`, unless that is done; the fault to answer, another where that fails."""
        if not context.recorded:
            try:
                self._recorder.refused(context, fault)
            except Fault as unrecorded:  # a call that cannot be recorded is not answered otherwise
                return unrecorded
        return fault

    async def settle(self, context: RequestContext) -> None:
        """Wait until the record of a call is durable that failed at a backend, which may have changed something before.

        Raises Fault ServiceUnavailable where it cannot be, or where a wrong second factor cannot be counted.
        """
        if context.wrong_factor and self._runtime.ledger.shared:
            await self._count_wrong(context)
        codec = context.codec
        if codec is None or not context.carried or context.recorded or self._runtime.early_answers:
            return
        if not reads_only(codec.operation):
            await self._runtime.ledger.flush()

    async def outdated(self, context: RequestContext) -> bool:
        """Whether a refusal was decided on a state that somebody else had changed before: it is to be decided anew.

        Once is enough: what is begun after this is decided on a state that was current after the call had come. Raises
        Fault ServiceUnavailable where nobody can tell. Never so where the journal is this node's alone, nor once a
        backend was given the call: it may have been carried out, though it failed.
        """
        ledger = self._runtime.ledger
        if context.recorded or context.carried or not ledger.shared:
            return False
        await ledger.fresh()
        outdated = (await ledger.current()).sequence > context.state.sequence
        if outdated and context.wrong_factor:
            self._mfa_throttle.forgive(context.caller.principal)
        return outdated

    # -- calls of services -------------------------------------------------------------------------------

    async def make(
        self, made: ServiceCall, cause: str = "", *, decided_only: bool = False, request_id: str = ""
    ) -> dict[str, Any]:
        """Make the call of a service; the answer, by the members of the output shape. Raises Fault.

        `cause` is the request id of the call on whose account it is made. `decided_only`: it is decided on and
        recorded, and not carried out; the answer is empty. `request_id` is a new one where it is empty.
        """
        context = self._of_service(made, cause, request_id)
        try:
            try:
                return await self._result(context, made, decided_only=decided_only)
            except Fault:
                if not await self.outdated(context):
                    raise
            context = self._of_service(made, cause, request_id)
            return await self._result(context, made, decided_only=decided_only)
        except Fault as fault:
            answered = self.refuse(context, fault)
            answered.request_id = context.request_id
            if answered is fault:
                raise
            raise answered from fault
        except Exception as error:  # a fault barrier: who has a call made knows of Faults alone
            told = context.request_id, made.service, made.operation, traceback_of(error, context)
            _log.error("request %s (%s:%s) failed\n%s", *told)
            raise self.refuse(context, Fault(*INTERNAL)) from error

    async def assume(self, role: ServiceRole, cause: str = "") -> ServiceSession:
        """The session of a role that a service assumes. Raises Fault: AccessDenied where it may not.

        `cause` is the request id of the call on whose account it does.
        """
        return await self._sessions.of(role, await self._runtime.ledger.fresh(), self._runtime.clock(), cause)

    def allows(self, made: ServiceCall, also: Iterable[str] = ()) -> bool:
        """Whether the caller who is the actor of `made` may make it, and may do all of `also`, which have no resource.

        Nothing is recorded: an agent asks which of its APIs it can use, of which AWS does not record all.
        """
        runtime, caller = self._runtime, made.actor
        assert isinstance(caller, Caller)
        state = runtime.ledger.state
        call = Call(made.service, made.operation, made.params, caller, made.region, runtime.clock(), source_ip="")
        checks = (*authz.plan(state, call).checks, *(authz.Check(action, "*") for action in also))
        return runtime.mode != "enforce" or authz.decide(state, call, authz.Plan(checks)).allowed

    async def carry_out(self, entry: PendingEffect) -> None:
        """Carry out a committed effect: mark it done, put it off after a failure, or give it up where it is refused."""
        found = still_pending(self._runtime.ledger.state, entry)
        if found is None:
            return  # done meanwhile
        entry = found
        try:
            made = call_of(entry, self._runtime.keyring)
            context = self._of_service(made, entry.cause)
        except (BrokenSeal, ValueError) as error:  # of a retired key, or no call of any service
            _log.error("effect %s, caused by request %s, is given up: %s", entry.id, entry.cause, error)
            await self._committer.drop(entry)
            return
        context.effect = entry
        try:
            await self._result(context, made)
        except AlreadyDone:
            return
        except Fault as fault:
            retry = postponed(entry, context.now) if passing(fault) else None
            await self._committer.refused(context, fault, retry)
        except Exception as error:  # a fault barrier: an effect that breaks does not end the others
            told = entry.id, made.service, made.operation, traceback_of(error, context)
            _log.error("effect %s (%s:%s) failed\n%s", *told)
            await self._committer.refused(context, Fault(*INTERNAL), postponed(entry, context.now))

    def _of_service(self, made: ServiceCall, cause: str, request_id: str = "") -> RequestContext:
        """The context of a call that a service makes; in a role only once `_result` has had it assumed."""
        actor, service = made.actor, acting_service(made.actor)
        codec = wire.codec_of(made.service, made.operation)
        if codec is None:
            raise ValueError(f"{made.service} has no operation {made.operation}")
        context = self.begin(unsent_request(made, service, codec))
        context.service, context.region, context.cause = service, made.region, cause
        context.request_id = request_id or context.request_id
        context.codec, context.params = codec, dict(made.params)
        if isinstance(actor, ServiceRole):
            actor = actor.assuming
        context.caller = actor
        return context

    async def _result(
        self, context: RequestContext, made: ServiceCall, *, decided_only: bool = False
    ) -> dict[str, Any]:
        codec, actor, ledger = context.codec, made.actor, self._runtime.ledger
        assert codec is not None
        if ledger.stale:
            context.state = await ledger.fresh()
        if isinstance(actor, ServiceRole):
            context.caller = (await self.assume(actor, context.request_id)).caller
        self.name(context, codec, context.params)
        if context.operation is None and not decided_only:
            context.request = request_for_backend(context.request, made, codec)
            context.body = context.request.body
        answer = await self.take(context, decided_only=decided_only)
        if isinstance(answer, dict):
            return answer
        read = translation().read_answer
        return read(codec.model, codec.protocol, answer.status, answer.headers, await whole(answer))

    async def _permit(self, use: ServiceCall, context: RequestContext) -> None:
        """Have the use of a KMS key by the called service decided on, which has no data to encrypt or decrypt there.

        Raises the Fault of that service where its caller may not use the key.
        """
        assert context.codec is not None
        try:
            await self.make(use, context.request_id, decided_only=True)
        except Fault as fault:
            raise refused(context.codec.service, fault, context.request_id) from fault

    async def _reply(self, context: RequestContext, ask: Ask) -> Mapping[str, Any] | Fault:
        """The answer to what a verb asks for, or the fault that it gets: of a call that is made, or of the backend."""
        allowed = ask.of_backend if ask.changes else ask.decided_only or _is_harmless(ask)
        if not allowed:
            raise RuntimeError(f"a verb asks with {ask.call.service}:{ask.call.operation}, which does not only read")
        if ask.of_backend:
            return await told_by_backend(self._runtime, ask)
        try:
            call = made_to_fit(ask.call) if ask.loose else ask.call
            return await self.make(call, context.request_id, decided_only=ask.decided_only)
        except Fault as fault:
            return fault

    # -- decisions ---------------------------------------------------------------------------------------

    def _prove(self, context: RequestContext, proof: Proof) -> None:
        """Verify the second factor that the call shows. Raises Fault where it is not right, or throttled."""
        principal = context.caller.principal
        self._mfa_throttle.admit(principal, context.wall)
        try:
            proof(self._verbs.context(context), context.params)
        except Fault:
            self._mfa_throttle.failed(principal, context.wall)
            context.wrong_factor = True
            raise
        context.second_factor = True

    async def _count_wrong(self, context: RequestContext) -> None:
        """Have all nodes know that a second factor was not right."""
        operation = context.operation
        assert operation is not None
        count, given, params = operation.miscounted, self._verbs.context(context), context.params
        if count is not None:
            await self._runtime.ledger.transact(
                lambda state: Outcome({}, count(given._replace(state=state), params)), lambda _: ()
            )

    def _decide(self, context: RequestContext, call: Call, facts: Mapping[str, ResourceFacts]) -> None:
        """Decide on the call as planned.

        Raises Fault where it is denied, the service's own where it hands over a role that the service may not assume,
        and S3's for what is not there; none of them in the mode `observe`.
        """
        assert context.plan is not None
        authorization = authz.decide(context.state, call, context.plan, lambda arn: facts.get(arn, UNKNOWN))
        context.authorization = authorization
        if self._runtime.mode != "enforce":
            return
        if not authorization.allowed:
            absent = None if context.through is not None else absence(context.state, authorization, facts)
            fault = absent or refusal(authorization, self._runtime.keyring, self._runtime.entropy)
            raise access_points.told(context, facts, fault)
        unassumable = authz.unassumable_role(context.state, call, context.plan) if context.plan.checks else None
        if unassumable is not None:
            raise unassumable
        if self._runtime.injections.some:
            self._runtime.injections.propagated(context, facts)

    def _decide_again(self, context: RequestContext, facts: Mapping[str, ResourceFacts]) -> None:
        """Plan and decide once more, on the state that `context` has now. Raises Fault like `_decide`."""
        call = context.call()
        context.plan = lookups.again(context, authz.plan(context.state, call))
        self._decide(context, call, facts)


def _is_harmless(ask: Ask) -> bool:
    """Whether what a verb asks for only reads, or has a function compute something."""
    called = (ask.call.service, ask.call.operation)
    return called == ("lambda", "Invoke") if ask.computes else reads_only(ask.call.operation)


def acting_service(actor: Actor) -> str:
    """The service principal that acts: itself, with its caller's permissions, or in a role; empty for a client."""
    if isinstance(actor, ServiceRole):
        return actor.service
    if actor.via:
        return actor.via[-1]
    return actor.principal.arn if actor.principal.kind is PrincipalKind.SERVICE else ""
