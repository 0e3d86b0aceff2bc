"""Carrying out at a backend: an allowed call of a guarded service, or of what Locum's own services leave to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from locum import authz, wire
from locum.backends import BackendCall, Carried, Delivery, Origin
from locum.calls import access_points, s3
from locum.calls.committing import Committer
from locum.calls.destination import destination, other_region
from locum.calls.effects import passing
from locum.calls.errors_in_answers import error_in
from locum.calls.kept_policies import admitted, show_principals
from locum.calls.operation_traits import traits_of
from locum.calls.outbox import Outbox
from locum.calls.recorder import Recorder
from locum.calls.request_context import RequestContext
from locum.calls.runtime import Runtime
from locum.calls.still_signed import still_signed
from locum.calls.wake_ups import WakeUps
from locum.core.actors import service_principal
from locum.core.calls import Call, Effect, ServiceCall
from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.core.identifiers import request_id
from locum.core.resources import ResourceFacts

Facts = dict[str, ResourceFacts]

Make = Callable[[ServiceCall, str], Awaitable[Any]]

_NOT_VALIDATED: Final = ("InvalidArgument", "Unable to validate the following destination configurations", 400)
_NOT_LOGGED: Final = {
    "lambda": (
        "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your "
        "function."
    ),
    "kinesis": (
        "Could not deliver test message to specified Kinesis stream. Check if the given kinesis stream is in ACTIVE "
        "state."
    ),
}
"""The errors of S3 and of CloudWatch Logs for a destination that cannot be sent to."""


async def facts_of(
    runtime: Runtime, arns: Iterable[str], account: str, region: str, parts: Collection[str] = ()
) -> Facts:
    """The facts that the backends have of resources; `account` and `region` are for ARNs that have none.

    `parts` are the ids of versions and uploads of S3 objects (`key_uses.named_parts`).
    """
    facts: Facts = {}
    for arn in arns:
        service = authz.service_of(arn)
        own = runtime.services.get(service)
        if own is None or own.backed:
            facts[arn] = await runtime.backends.of(service).facts(service, arn, account, region, parts)
    return facts


class Carrying:
    """Has backends carry out calls, and records what became of them. `decide` decides on a call, and raises Fault."""

    def __init__(
        self,
        runtime: Runtime,
        recorder: Recorder,
        committer: Committer,
        outbox: Outbox,
        make: Make,
        decide: Callable[[RequestContext, Call, Mapping[str, ResourceFacts]], None],
    ) -> None:
        self._runtime = runtime
        self._recorder = recorder
        self._committer = committer
        self._outbox = outbox
        self._make = make
        self._decide = decide
        self.wake_ups = WakeUps()

    async def run(self, context: RequestContext, call: Call, facts: Mapping[str, ResourceFacts]) -> HttpResponse:
        """The backend's answer, an AWS error among them. The call is recorded. Raises Fault."""
        codec = context.codec
        assert codec is not None
        params = admitted(codec, context, call)
        where = destination(context, facts)
        there = self._decide_there(context, call, facts, where.region)
        if codec.service == "s3" and codec.operation in s3.OF_BUCKET_OWNER:
            s3.check_account(call, where.account)
        self._runtime.ledger.admit()
        context.carried = True
        resources = () if context.plan is None else context.plan.resources
        carried = await self._runtime.backends.of(codec.service, codec.operation).call(
            BackendCall(
                codec,
                where.account,
                where.region,
                context.request,
                context.body,
                params,
                _host_bucket(context) if codec.service == "s3" else "",
                "" if context.effect is None else context.effect.id,
                _origin(context),
                "" if context.through is None else context.through.target_arn,
                context.caller,
                partial(self._decide_now, context, call, facts),
                resources,
            )
        )
        self.wake_ups.carried_out(codec.operation, resources)
        answer = carried.response
        if carried.deliveries:
            await self._require(context, carried)
        if answer.status == 404 and codec.service == "s3" and self._runtime.mode == "enforce":
            await self._withhold_absence(context, (call, there), answer)
        show_principals(context, codec, answer)
        fault = error_in(answer)
        if fault is not None and passing(fault) and context.effect is not None:
            raise fault  # not an answer: the effect is tried again
        if context.effect is None and not carried.deliveries and traits_of(codec).read_only:
            self._recorder.answered(context, answer.status, fault)
        else:
            await self._record_change(context, carried, fault)
        return answer

    def _decide_now(self, context: RequestContext, call: Call, facts: Mapping[str, ResourceFacts]) -> None:
        """Decide on a call whose answer was waited for as if it came now. Raises Fault."""
        context.state, now = self._runtime.ledger.state, self._runtime.clock()
        still_signed(context.state, context.caller, now)
        self._decide(context, call._replace(now=now), facts)

    def _decide_there(
        self, context: RequestContext, call: Call, facts: Mapping[str, ResourceFacts], region: str
    ) -> Call:
        """`call` in the region that it is carried out in, where it is decided on as well. Raises Fault.

        `region` is that of its destination. What was denied in the region that it was signed for, and is only observed,
        stays denied.
        """
        other = other_region(call, context.plan or authz.Plan(), facts, region)
        if not other:
            return call
        here, there = context.authorization, call._replace(region=other)
        self._decide(context, there, facts)
        if here is not None and not here.allowed:
            context.authorization = here
        return there

    async def _record_change(self, context: RequestContext, carried: Carried, fault: Fault | None) -> None:
        """Record what became of a call that may have changed something, durably. Raises Fault where that cannot be."""
        status = carried.response.status
        if context.effect is not None or carried.deliveries:
            effects = [self._effect(delivery) for delivery in carried.deliveries if not delivery.required]
            await self._committer.answered(context, status, fault, effects)
            await self._outbox.committed(effects)
        elif self._runtime.early_answers:
            self._recorder.answered(context, status, fault)
        else:
            await self._recorder.stored(context, status, fault)

    async def _withhold_absence(self, context: RequestContext, calls: Sequence[Call], answer: HttpResponse) -> None:
        """Raise Fault AccessDenied where `answer` would tell that an object is missing to one who may not know it.

        `calls` are the call in each region that it is decided on in.
        """
        listing = s3.listing_of(calls[0], answer)
        if listing is None:
            return
        plan = access_points.planned(context, authz.Plan((listing,)))
        facts = await facts_of(self._runtime, plan.resources, context.caller.account, context.region)
        facts = access_points.seen(plan, facts)
        for call in calls:
            authorization = authz.decide(context.state, call, plan, facts.__getitem__)
            if not authorization.allowed:
                raise access_points.told(context, facts, authorization.fault())

    async def _require(self, context: RequestContext, carried: Carried) -> None:
        """Make the deliveries without which the call does not stand. Raises Fault, with the call undone.

        Amazon S3 User Guide, "Granting permissions to publish event notification messages to a destination": "When you
        [...] configure notifications, Amazon S3 publishes a test notification to ensure that the topic exists and that
        the bucket owner has permission to publish to the specified topic. The operation fails if [...]".
        """
        stands = False
        try:
            for delivery in carried.deliveries:
                if delivery.required:
                    await self._tried(delivery, context.request_id)
            if carried.stands is not None:
                await carried.stands()
            stands = True
        finally:
            if not stands and carried.undo is not None:  # also where it is cancelled
                carried.undo()

    async def _tried(self, delivery: Delivery, cause: str) -> None:
        """Make a required delivery. Raises the Fault of the service that makes it."""
        try:
            await self._make(_made(delivery), cause)
        except Fault as fault:
            if delivery.service_principal == "logs.amazonaws.com":
                raise Fault("InvalidParameterException", _NOT_LOGGED[delivery.service], 400) from fault
            raise Fault(*_NOT_VALIDATED) from fault

    def _effect(self, delivery: Delivery) -> Effect:
        """`delivery` as an effect: those of one resource to one service and account are made in their order."""
        unordered = delivery.service == "lambda"
        lane = "" if unordered else f"{delivery.source_arn} {delivery.service} {delivery.account}"
        made, letter = _made(delivery), delivery.dead_letter
        sender = service_principal(delivery.service_principal, delivery.source_account, delivery.source_arn)
        instead = (
            None if letter is None else ServiceCall(sender, "sqs", "SendMessage", letter.parameters, letter.region)
        )
        identifier = request_id(self._runtime.entropy)
        return Effect(identifier, made, lane, delay=delivery.delay, patience=delivery.patience, instead=instead)


def _host_bucket(context: RequestContext) -> str:
    """The bucket that the client named in the host; that of the access point where it named one."""
    named = wire.bucket_of_host(context.request.headers.get("host", ""))
    return str(context.params["Bucket"]) if named and context.through is not None else named


def _origin(context: RequestContext) -> Origin:
    """Who made a call, when, and where."""
    principal = context.caller.principal
    return Origin(
        principal.user_id,
        context.service or principal.account,
        context.request_id,
        context.now,
        principal.arn if principal.account else "",
        context.region,
    )


def _made(delivery: Delivery) -> ServiceCall:
    """The call of `delivery`. EventBridge takes the events of AWS's services as its own: no bus policy is asked."""
    service = "events.amazonaws.com" if delivery.service == "events" else delivery.service_principal
    actor = delivery.role or service_principal(service, delivery.source_account, delivery.source_arn)
    return ServiceCall(actor, delivery.service, delivery.operation, delivery.parameters, delivery.region)
