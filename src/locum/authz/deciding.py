"""The decision: every check of a plan, held against the policies that apply to it.

1  what the kind of credentials cannot do at all (`limits`); credentials of a user or role that is no more
2  calls that no policy is asked about
3  each check in turn; the first that is not allowed ends it
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from locum import policy
from locum.authz import catalogue
from locum.authz.authorization import Authorization, Ruling
from locum.authz.call import OF_STATE, Call, Check, Plan, service_of
from locum.authz.context import Conditions
from locum.authz.functions import account_of
from locum.authz.limits import limit
from locum.authz.organizations import around, under_resource_control
from locum.authz.principal_policies import PrincipalPolicies, principal_policies
from locum.authz.services import BY_OWNER, FACTS, MADE, MEANT, OF_CALLER, POLICIES
from locum.core.principal import Principal, PrincipalKind
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.policy import CompiledPolicy, Decision, Policies, PolicyKind, PolicyType, PolicyTypeOutcome, Request, Verdict
from locum.policy.stored import compiled
from locum.state import Organization, State, organizations

FactsOf = Callable[[str], ResourceFacts]

# What is in an organization belongs to the account that manages it. Which other accounts may call (delegated
# administrators, invited accounts) the verbs say; their policies are asked as if it were theirs. Where it takes the
# organization's resource policy as well, the verbs ask `delegated`.
_ORGANIZATIONS: Final = "organizations"


def nothing_known(arn: str) -> ResourceFacts:
    """The facts where no backend is asked."""
    return UNKNOWN


def decide(
    state: State,
    call: Call,
    plan: Plan,
    facts: FactsOf = nothing_known,
) -> Authorization:
    """Whether `call` may proceed.

    `facts` answers for the ARNs of `plan.resources`; what the state itself holds (IAM, instances) is not asked of
    it. The state must be the one that the call is then carried out on.
    """
    limited = limit(call)
    if limited is not None:
        return Authorization(call, (), limited)
    if _acts_on_its_own(call, plan):
        return Authorization(call, ())
    if not plan.checks and call.caller.session is None:
        return Authorization(call, ())  # a long-term key is its user's or root's, who is there
    own = principal_policies(state, call.caller)
    if own.gone:
        first = plan.checks[0] if plan.checks else Check(catalogue.action_of(call.service, call.operation), "*")
        return Authorization(call, (), gone=True, refused=first)
    return _ended(call, plan.checks, lambda check: rule(state, call, check, own, facts))


def _ended(call: Call, checks: Iterable[Check], ruled: Callable[[Check], Ruling]) -> Authorization:
    """The rulings on `checks`, up to the first one that refuses."""
    rulings = []
    for check in checks:
        ruling = ruled(check)
        rulings.append(ruling)
        if not ruling.decision.allowed:
            break
    return Authorization(call, tuple(rulings))


def _acts_on_its_own(call: Call, plan: Plan) -> bool:
    """Whether a service calls itself, for an account and on nothing but what belongs to that account.

    No policy is asked: EC2 that terminates an instance, Lambda that invokes a function for an event source.
    """
    caller = call.caller
    if caller.principal.kind is not PrincipalKind.SERVICE or caller.source is None:
        return False
    if caller.principal.arn != f"{catalogue.service(call.service).prefix}.amazonaws.com":
        return False
    account = caller.source.account
    return all(check.resource == "*" or account_of(check.resource, "") == account for check in plan.checks)


def may(state: State, call: Call, action: str, resource: str, facts: FactsOf = nothing_known) -> bool:
    """Whether the caller of `call` might do `action` to `resource` as well, in the same circumstances.

    For answers that depend on a further permission: S3 tells that a key is missing only to those who may list.
    """
    own = principal_policies(state, call.caller)
    if own.gone or limit(call) is not None:
        return False
    return rule(state, call, Check(action, resource), own, facts).decision.allowed


def delegated(state: State, call: Call, organization: Organization) -> Authorization:
    """Whether the resource policy of `organization` gives `call` to its caller, whose account is a member.

    Organizations User Guide, "Delegated administrator for AWS Organizations": the management account owns what is in
    the organization, so that both sides have to allow each permission that the call takes: the caller's own policies,
    and the resource policy.
    """
    own, owner = principal_policies(state, call.caller), organization.account
    given = organization.resource_policy
    arn = organizations.resource_policy_arn(organization, organization.resource_policy_id)
    resource = compiled(given, PolicyKind.RESOURCE, "resource policy of the organization", arn) if given else None

    def ruled(check: Check) -> Ruling:
        known = _facts(state, service_of(check.resource), check.resource, nothing_known)
        return _held(state, call, check, own, known, owner, owner, resource)

    return _ended(call, catalogue.plan(state, call).checks, ruled)


def rule(state: State, call: Call, check: Check, own: PrincipalPolicies, facts: FactsOf) -> Ruling:
    """One check: what is known of its resource, the policies, the decision."""
    caller, action, arn = call.caller.principal, check.action, check.resource
    service = service_of(arn)
    known = UNKNOWN if action in MADE else _facts(state, service, arn, facts)
    meant = known.arn or (MEANT[service](check) if service in MEANT else arn)
    if meant != arn:
        arn, check = meant, check._replace(resource=meant)
    owner = account_of(arn, known.account or call.caller.account)
    answerable = caller.account if action in OF_CALLER or service == _ORGANIZATIONS else owner
    resource = None
    if known.policy is not None and not _by_owner(caller, action, owner):
        of_service = POLICIES.get(service, _policy)
        resource = of_service(action, arn, known.policy)
    return _held(state, call, check, own, known, owner, answerable, resource)


def _held(
    state: State,
    call: Call,
    check: Check,
    own: PrincipalPolicies,
    known: ResourceFacts,
    owner: str,
    answerable: str,
    resource: CompiledPolicy | None,
) -> Ruling:
    """The decision on `check` by all policies that apply to it: no other place puts these together for a call.

    `owner` is the account that owns the resource, `answerable` the one whose policies have to allow what others do to
    it. `resource` is the resource's own policy.
    """
    arn, caller = check.resource, call.caller.principal
    mine = around(state, caller.account)
    theirs = mine if owner == caller.account else around(state, owner)
    request = Request(
        caller,
        check.action,
        arn,
        answerable,
        Conditions(state, call, check, known, owner),
        arn == "*",
        caller.provider,
    )
    policies = Policies(
        own.identity,
        own.boundary,
        own.session,
        resource,
        mine.scps,
        theirs.rcps if theirs.rcps and under_resource_control(check.action, arn) else (),
        None,
        mine.management,
        caller.service_linked,
        theirs.management,
    )
    decision = policy.evaluate(request, policies)
    session = call.caller.session
    if decision.allowed and session is not None and session.delegate:
        decision = _within_delegation(decision)
    return Ruling(check, request, policies, decision)


def _within_delegation(decision: Decision) -> Decision:
    """What delegated credentials may do: nothing that the policy of their request does not allow.

    [U] Session policies do not count for the root user, nor where a policy on a resource names the approver. But
    whoever approved has agreed to this one, and to nothing more.
    """
    if decision.outcomes.session is PolicyTypeOutcome.ALLOWED:
        return decision
    return Decision(Verdict.IMPLICIT_DENY, (), decision.outcomes, PolicyType.SESSION)


def _by_owner(caller: Principal, action: str, owner: str) -> bool:
    """Whether the owner's root user does it whatever the resource's policy says: it may have let nobody in."""
    return caller.kind is PrincipalKind.ROOT and caller.account == owner and action in BY_OWNER


def _facts(state: State, service: str, arn: str, facts: FactsOf) -> ResourceFacts:
    """The state's own knowledge of IAM, Organizations and instances, a backend's of everything else."""
    own = FACTS.get(service)
    found = None if own is None else own(state, arn)
    if found is not None:
        return found
    return UNKNOWN if service in OF_STATE or not service else facts(arn)


def _policy(_action: str, arn: str, text: str) -> CompiledPolicy:
    return compiled(text, PolicyKind.RESOURCE, f"policy of {arn}", arn)
