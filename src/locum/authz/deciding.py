"""The decision on a call: the evaluation of each check of its plan against the policies that apply.

1. Calls that the kind of credentials cannot make (`limits`) are refused, and those with credentials of a deleted user
   or role.
2. Calls for which no policy is evaluated are allowed.
3. The checks are evaluated in order, up to the first that is not allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from locum import policy
from locum.authz import catalogue
from locum.authz.authorization import Authorization, Ruling
from locum.authz.call import STATE_SERVICES, Call, Check, Plan, Value, service_of
from locum.authz.context import Conditions
from locum.authz.functions import account_of
from locum.authz.limits import limit
from locum.authz.organizations import organization_context, rcps_apply
from locum.authz.principal_policies import PrincipalPolicies, principal_policies
from locum.authz.services import (
    CALLER_ONLY_ACTIONS,
    CALLER_ONLY_SERVICES,
    CREATING_ACTIONS,
    EFFECTIVE_ARNS,
    FACTS,
    GRANTED,
    NAMES,
    OWNER_ROOT_ACTIONS,
    POLICIES,
    UNSHARED_ACTIONS,
)
from locum.core.identifiers import canonical_user_id
from locum.core.principal import Principal, PrincipalKind, Source
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.policy import (
    CompiledPolicy,
    Decision,
    Policies,
    PolicyKind,
    PolicyType,
    PolicyTypeOutcome,
    Presumed,
    Request,
    Verdict,
)
from locum.policy.stored import compiled
from locum.state import Organization, State, organizations

FactsOf = Callable[[str], ResourceFacts]


class Asking(NamedTuple):
    """How the condition keys of a check are read, and what of them is open (`policy.openness`)."""

    conditions: Callable[[State, Call, Check, ResourceFacts, str], Mapping[str, Value]] = Conditions
    presumed: Presumed | None = None


AS_CALLED: Final = Asking()
"""The condition keys of a call that is made: all of them are known."""


def no_facts(arn: str) -> ResourceFacts:
    """The look-up of facts without a backend."""
    return UNKNOWN


def decide(
    state: State,
    call: Call,
    plan: Plan,
    facts: FactsOf = no_facts,
    asking: Asking = AS_CALLED,
) -> Authorization:
    """Decide on `call`, of which `plan` has the checks.

    `facts` looks up the facts of the ARNs in `plan.resources`; those of resources in the state (IAM, instances) come
    from `state`, which must be the one that the call is then carried out on.
    """
    limited = limit(call)
    if limited is not None:
        return Authorization(call, (), limited)
    if call.caller.source is not None and _acts_on_its_own(call, plan, call.caller.source):
        return Authorization(call, ())
    if not plan.checks and call.caller.session is None:
        return Authorization(call, ())  # long-term keys are deleted with their user
    of_caller = principal_policies(state, call.caller)
    if of_caller.deleted:
        first = plan.checks[0] if plan.checks else Check(catalogue.action_of(call.service, call.operation), "*")
        return Authorization(call, (), gone=first)
    return _authorization(call, plan.checks, lambda check: rule(state, call, check, of_caller, facts, asking))


def _authorization(call: Call, checks: Iterable[Check], rule_on: Callable[[Check], Ruling]) -> Authorization:
    """Make the rulings on `checks`, up to the first one that refuses."""
    rulings: list[Ruling] = []
    for check in checks:
        if check.again and rulings:
            rulings[-1] = _of_either(rulings[-1], rule_on(check))
            continue
        if rulings and not rulings[-1].decision.allowed:
            break
        rulings.append(rule_on(check))
    return Authorization(call, tuple(rulings))


def _of_either(first: Ruling, second: Ruling) -> Ruling:
    """The ruling on a resource that has two ARNs: an explicit deny of either, else what allows it."""
    for ruling in (first, second):
        if ruling.decision.verdict is Verdict.EXPLICIT_DENY:
            return ruling
    return second if second.decision.allowed and not first.decision.allowed else first


def _acts_on_its_own(call: Call, plan: Plan, source: Source) -> bool:
    """Whether a service principal calls its own service, for an account and only on resources of that account.

    No policy is evaluated then: EC2 terminates an instance, Lambda invokes a function for an event source.
    """
    caller = call.caller
    if caller.principal.kind is not PrincipalKind.SERVICE:
        return False
    if caller.principal.arn != f"{catalogue.service(call.service).prefix}.amazonaws.com":
        return False
    account = source.account
    return all(check.resource == "*" or account_of(check.resource, "") == account for check in plan.checks)


def decide_further(state: State, call: Call, check: Check, facts: FactsOf = no_facts) -> Authorization:
    """Decide on a further check of `call`, in the same circumstances.

    For answers that depend on another permission: S3 answers NoSuchKey only to callers who may list the bucket.
    """
    return decide(state, call, Plan((check,)), facts)


def delegated(state: State, call: Call, organization: Organization) -> Authorization:
    """Decide whether the resource policy of `organization` delegates `call` to its caller, whose account is a member.

    Organizations User Guide, "Delegated administrator for AWS Organizations": the management account owns the
    resources of the organization, so that both the caller's own policies and the resource policy have to allow each
    permission that the call takes.
    """
    of_caller, owner = principal_policies(state, call.caller), organization.account
    text = organization.resource_policy
    arn = organizations.resource_policy_arn(organization, organization.resource_policy_id)
    resource = compiled(text, PolicyKind.RESOURCE, "resource policy of the organization", arn) if text else None

    def rule_on(check: Check) -> Ruling:
        resource_facts = _facts(state, service_of(check.resource), check.resource, no_facts)
        return _ruling(state, call, check, of_caller, resource_facts, owner, owner, resource)

    return _authorization(call, catalogue.plan(state, call).checks, rule_on)


def rule(
    state: State,
    call: Call,
    check: Check,
    of_caller: PrincipalPolicies,
    facts: FactsOf,
    asking: Asking = AS_CALLED,
) -> Ruling:
    """Decide on one check, with the facts of its resource; `of_caller` are the caller's policies."""
    caller, action, arn = call.caller.principal, check.action, check.resource
    service = service_of(arn)
    bare = action in CREATING_ACTIONS or (service in NAMES and check.kind in NAMES[service])
    resource_facts = UNKNOWN if bare else _facts(state, service, arn, facts)
    effective = resource_facts.arn or (EFFECTIVE_ARNS[service](check) if service in EFFECTIVE_ARNS else arn)
    if effective != arn:
        arn, check = effective, check._replace(resource=effective)
    owner = account_of(arn, resource_facts.account or call.caller.account)
    authorizing = caller.account if action in CALLER_ONLY_ACTIONS or service in CALLER_ONLY_SERVICES else owner
    resource = None
    shared = caller.account == owner or action not in UNSHARED_ACTIONS
    if resource_facts.policy is not None and shared and not _is_owner_root(caller, action, owner):
        of_service = POLICIES.get(service, _policy)
        resource = of_service(action, arn, resource_facts.policy)
    ruling = _ruling(state, call, check, of_caller, resource_facts, owner, authorizing, resource, asking)
    if ruling.decision.verdict is Verdict.IMPLICIT_DENY and service in GRANTED:
        grants = GRANTED[service](call, check, resource_facts)
        if grants is not None:
            own = _ruling(state, call, check, of_caller, resource_facts, owner, caller.account, grants, asking)
            return own if own.decision.allowed else ruling
    return ruling


def _ruling(
    state: State,
    call: Call,
    check: Check,
    of_caller: PrincipalPolicies,
    resource_facts: ResourceFacts,
    owner: str,
    authorizing: str,
    resource: CompiledPolicy | None,
    asking: Asking = AS_CALLED,
) -> Ruling:
    """The decision on `check` by all policies that apply to it: no other place puts these together for a call.

    `owner` is the account that owns the resource, `authorizing` the one whose policies have to allow the access of
    other accounts. `resource` is the resource's own policy.
    """
    arn, caller = check.resource, call.caller.principal
    own = organization_context(state, caller.account)
    of_owner = own if owner == caller.account else organization_context(state, owner)
    request = Request(
        caller,
        check.action,
        arn,
        authorizing,
        asking.conditions(state, call, check, resource_facts, owner),
        arn == "*",
        caller.provider,
        canonical_user_id(caller.account) if caller.account else "",
        asking.presumed,
    )
    policies = Policies(
        of_caller.identity,
        of_caller.boundary,
        of_caller.session,
        resource,
        own.scps,
        of_owner.rcps if of_owner.rcps and rcps_apply(check.action, arn) else (),
        _endpoint_policy(call),
        own.management,
        caller.service_linked,
        of_owner.management,
        scopes=of_caller.scopes,
    )
    decision = _within_delegation(call, policy.evaluate(request, policies))
    return Ruling(check, request, policies, decision)


def _endpoint_policy(call: Call) -> CompiledPolicy | None:
    """The policy of the VPC endpoint that the call came through."""
    endpoint = call.endpoint
    if endpoint is None or not endpoint.policy:
        return None
    return compiled(endpoint.policy, PolicyKind.RESOURCE, f"policy of {endpoint.id}")


def _within_delegation(call: Call, decision: Decision) -> Decision:
    """Restrict a decision to the permissions that the policy of the request allows, where credentials were delegated.

    [U] Session policies do not restrict the root user, nor access by a resource policy that names the approver. But the
    approver has agreed to this policy and to nothing more.
    """
    session = call.caller.session
    delegated = session is not None and session.delegate
    if not decision.allowed or not delegated or decision.outcomes.session is PolicyTypeOutcome.ALLOWED:
        return decision
    return Decision(Verdict.IMPLICIT_DENY, (), decision.outcomes, PolicyType.SESSION)


def _is_owner_root(caller: Principal, action: str, owner: str) -> bool:
    """Whether the caller is the root user of the owning account, and the resource's policy so not evaluated."""
    return caller.kind is PrincipalKind.ROOT and caller.account == owner and action in OWNER_ROOT_ACTIONS


def _facts(state: State, service: str, arn: str, facts: FactsOf) -> ResourceFacts:
    """The facts of a resource: of IAM, Organizations and instances from the state, of all else from the backend."""
    of_state = FACTS.get(service)
    found = None if of_state is None else of_state(state, arn)
    if found is not None:
        return found
    return UNKNOWN if service in STATE_SERVICES or not service else facts(arn)


def _policy(_action: str, arn: str, text: str) -> CompiledPolicy:
    return compiled(text, PolicyKind.RESOURCE, f"policy of {arn}", arn)
