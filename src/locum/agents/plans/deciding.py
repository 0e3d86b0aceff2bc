"""The permissions that calls take, each decided on for who would make them, and those that a policy has to give.

What is not known of a resource may be anything: a permission on it is allowed where all that it may be is allowed.
Where only some of it is, that is told: it depends on the name. A key of KMS that is not known is taken to have AWS's
default policy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, Literal, NamedTuple

from locum import authz, wire
from locum.agents.plans.marks import is_marked, is_other, sample, shown, unmarked
from locum.agents.plans.parts import Part
from locum.agents.plans.principals import Party, nobody_yet, party
from locum.agents.plans.reading import Plane
from locum.agents.plans.rehearsal import PlannedCall, Stage, default_key
from locum.analysis import Permission, with_policies
from locum.analysis.narrowing import narrowing
from locum.authz import Authorization, Call, Check, Plan, service_of
from locum.calls import lookups
from locum.calls.carrying import facts_of
from locum.calls.key_uses import key_uses
from locum.calls.request_context import RequestContext
from locum.calls.service_requests import unsent_request
from locum.core.calls import ServiceCall
from locum.core.errors import Fault
from locum.core.partial_arn import UNKNOWN_RESOURCE, Missing, PartialArn
from locum.core.principal import Caller
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.services.cloudformation.providers.base import Request
from locum.services.cloudformation.providers.steps import listed
from locum.state import Role, State, User, change, put
from locum.state.attachments import identity_policies

Verdict = Literal["allowed", "depends", "denied"]

_EVERYTHING: Final = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'


class Finding(NamedTuple):
    """A permission that a phase of a resource takes, and whether it is there.

    `needed` is the permission that identity policies have to give; None where something else allows it, or where none
    of them could. `call` is the call that takes it, empty where only the action is known.
    """

    logical: str
    kind: str
    phase: str
    call: str
    action: str
    resource: str
    verdict: Verdict
    reason: str
    needed: Permission | None


class Decider:
    """Decides on the calls of `party`. Without a `plane`, nothing is known of resources that are there."""

    def __init__(self, stage: Stage, party: Party, plane: Plane | None) -> None:
        self._stage = stage
        self._party = party
        self._plane = plane
        bearer = party if party.entity is not None else party_of(nobody_yet(stage.place.account), stage)
        self._bearer = bearer.caller
        self._worlds: dict[int, tuple[State, State, State]] = {}
        self._facts: dict[str, ResourceFacts] = {}

    def findings(self, part: Part) -> list[Finding]:
        """The findings of a part: each permission once."""
        found: dict[tuple[str, str, Permission | None], Finding] = {}
        for asked in _distinct(part.calls):
            for call, plan, state in self._planned(asked):
                for finding in self._decided(part, f"{asked.service}:{asked.operation}", call, plan, state):
                    found.setdefault((finding.action, finding.resource, finding.needed), finding)
        for action in part.actions:
            plan = Plan((Check(action.name, UNKNOWN_RESOURCE if action.resource == "*" else action.resource),))
            call = self._call(Request("cloudformation", "CreateStack", {}))
            for finding in self._decided(part, "", call, plan, self._stage.state):
                if not any(action.name == had for had, _, _ in found if part.calls):
                    found[action.name, finding.resource, finding.needed] = finding
        return list(found.values())

    def _call(self, request: Request) -> Call:
        return self._stage.call(*request)

    def _planned(self, asked: PlannedCall) -> Iterator[tuple[Call, Plan, State]]:
        """A call with its plan, and those of KMS that its service makes for it, each with the state it is made on."""
        codec = wire.codec_of(asked.service, asked.operation)
        assert codec is not None
        actor = asked.actor or self._party.caller
        made = ServiceCall(actor, asked.service, asked.operation, asked.params, asked.region)
        request = unsent_request(made, "cloudformation.amazonaws.com", codec)
        context = RequestContext(request, "", self._stage.now, asked.state, asked.region)
        context.service = "cloudformation.amazonaws.com"
        context.codec, context.params, context.caller = codec, dict(asked.params), actor
        call = context.call()
        try:
            plan = authz.plan(asked.state, call)
        except Fault:  # what is not known yet is no ARN
            plan = Plan((Check(authz.action_of(asked.service, asked.operation), UNKNOWN_RESOURCE),))
        if plan.names_otherwise and self._plane is not None:
            plan = self._plane.wait(lookups.resolved(self._plane.runtime, context, call, plan))
        self._look_up(plan, context)
        yield call, plan, asked.state
        context.plan = plan
        try:
            uses = list(key_uses(context, self._facts))
        except Fault:
            uses = []
        for use in uses:
            assert isinstance(use.actor, Caller)
            used = self._stage.call(use.service, use.operation, use.params, use.region)
            used = used._replace(caller=use.actor)
            plan = authz.plan(asked.state, used)
            self._look_up(plan, context)
            yield used, plan, asked.state

    def _look_up(self, plan: Plan, context: RequestContext) -> None:
        wanted = [arn for arn in plan.resources if arn not in self._facts and not is_marked(arn)]
        wanted = [arn for arn in wanted if not isinstance(arn, PartialArn)]
        if wanted and self._plane is not None:
            account = context.caller.account
            self._facts |= self._plane.wait(facts_of(self._plane.runtime, wanted, account, context.region))

    def _facts_of(self, arn: str) -> ResourceFacts:
        """The facts of what is there, or of what the deployment makes itself."""
        made = self._stage.facts
        if arn not in made and service_of(arn) == "kms" and isinstance(arn, PartialArn) and made:
            return next(reversed(made.values()))  # a key that an alias of the deployment is for
        return self._facts.get(arn) or made.get(arn, UNKNOWN)

    def _decided(self, part: Part, told: str, call: Call, plan: Plan, state: State) -> Iterator[Finding]:
        present, bare, full = self._world(state)
        for group in _groups(plan.checks):
            checks = tuple(check._replace(resource=unmarked(check.resource)) for check in group)
            first, facts = checks[0], self._facts_of(group[0].resource)
            if is_other(first.resource):
                continue
            guessed = facts is UNKNOWN and service_of(first.resource) == "kms"
            facts = default_key(self._stage.place.account) if guessed else facts
            decision = _decision(present, call, checks, facts)
            verdict: Verdict = "allowed" if decision.allowed else "denied"
            if not decision.allowed and self._may_be(present, call, first, facts):
                verdict = "depends"
            yield Finding(
                part.logical,
                part.kind,
                part.phase,
                told,
                first.action,
                shown(str(first.resource)),
                verdict,
                "" if decision.allowed else _reason(decision),
                self._needed(bare, full, call, checks, facts),
            )

    def _may_be(self, state: State, call: Call, check: Check, facts: ResourceFacts) -> bool:
        """Whether a name that a resource may get would be allowed."""
        if not isinstance(check.resource, PartialArn):
            return False
        candidates = (sample(check.resource), *witnesses(state, self._party.entity, check.resource))
        return any(_decision(state, call, (check._replace(resource=arn),), facts).allowed for arn in candidates)

    def _needed(
        self, bare: State, full: State, call: Call, checks: tuple[Check, ...], facts: ResourceFacts
    ) -> Permission | None:
        call = call._replace(caller=replace(self._bearer, via=call.caller.via))
        if _decision(bare, call, checks, facts).allowed:
            return None
        decision = _decision(full, call, checks[:1], facts)
        if not decision.allowed:
            return None
        ruling = decision.rulings[0]
        conditions = narrowing(ruling.check.action, ruling.request.context, call.params)
        return Permission(
            ruling.check.action,
            ruling.check.resource,
            ruling.check.kind,
            tuple((key, value) for key, value in conditions if _is_known(key, value)),
        )

    def _world(self, state: State) -> tuple[State, State, State]:
        """`state` as it is, as it would be without identity policies of the party, and with all permissions."""
        found = self._worlds.get(id(state))
        if found is None:
            entity: User | Role = self._party.entity or nobody_yet(self._stage.place.account)
            there = state if self._party.entity else change(state, [put(entity)])
            found = (state, with_policies(there, entity, {}), with_policies(there, entity, {"all": _EVERYTHING}))
            self._worlds[id(state)] = found
        return found


def party_of(role: Role, stage: Stage) -> Party:
    """A session of `role`."""
    return party(role, stage.place.account, stage.now)


def witnesses(state: State, entity: User | Role | None, resource: PartialArn) -> Iterator[str]:
    """What `resource` may be, by the resources that identity policies of `entity` name."""
    form = re.compile("".join(".*" if isinstance(part, Missing) else re.escape(part) for part in resource.parts))
    for policy in () if entity is None else identity_policies(state, entity):
        for statement in listed(json.loads(policy.document)["Statement"]):
            for pattern in listed(statement.get("Resource")):
                arn = re.sub("[*?]", "x", str(pattern))
                if form.fullmatch(arn):
                    yield arn


def _decision(state: State, call: Call, checks: tuple[Check, ...], facts: ResourceFacts) -> Authorization:
    return authz.decide(state, call, Plan(checks), lambda _arn: facts)


def _is_known(key: str, value: str) -> bool:
    """Whether a policy can ask for this value: it is known, and no tag that CloudFormation adds itself."""
    return not (is_marked(value) or is_other(value) or key.startswith("aws:requesttag/aws:"))


def _reason(decision: Authorization) -> str:
    failing = decision.failing
    by = ", ".join(decision.determining)
    told = decision.fault().message if failing is None else failing.reason
    return f"{told} ({by})" if by else told


def _distinct(calls: Iterable[PlannedCall]) -> list[PlannedCall]:
    """The calls, each once: as it would be made last."""
    return list({(one.service, one.operation, one.region, repr(one.params)): one for one in calls}.values())


def _groups(checks: Sequence[Check]) -> list[list[Check]]:
    """The checks, each with those on other ARNs of its resource."""
    groups: list[list[Check]] = []
    for check in checks:
        if check.again and groups:
            groups[-1].append(check)
        else:
            groups.append([check])
    return groups
