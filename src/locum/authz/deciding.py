"""The decision: every check of a plan, held against the policies that apply to it.

1  what the kind of credentials cannot do at all (`limits`); credentials of a user or role that is no more
2  calls that no policy is asked about
3  each check in turn; the first that is not allowed ends it
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from locum import policy
from locum.authz import catalogue
from locum.authz.authorization import Authorization, Ruling
from locum.authz.call import Call, Check, Plan
from locum.authz.catalogue import service
from locum.authz.context import Conditions, own_facts
from locum.authz.limits import limit
from locum.authz.organization_arns import organization_facts
from locum.authz.organizations import around, under_resource_control
from locum.authz.principal_policies import PrincipalPolicies, principal_policies
from locum.authz.resources import account_of
from locum.core.arn import PARTITION
from locum.core.principal import Principal, PrincipalKind
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.policy import CompiledPolicy, Decision, Policies, PolicyKind, PolicyType, PolicyTypeOutcome, Request, Verdict
from locum.policy.stored import compiled
from locum.state import Organization, State, delegations, organizations

FactsOf = Callable[[str], ResourceFacts]

_STS: Final = "sts:"

# "To use an alias in a permission, you need permission on the KMS key": which key that is, `facts` has to say; who
# may not use every key is refused where they do not.
_KMS_ALIAS: Final = re.compile(r":alias/.*")

_KMS_KEYS: Final = frozenset({"key", "source", "destination"})

# Whoever makes a bucket owns it: that somebody else has one of that name is for S3 to say.
_MADE_BY_CALLER: Final = frozenset({"s3:CreateBucket"})

# A root session into a member account is granted by the caller's own policies and by the organization: the account
# that it is into has no policy that could name the caller.
_OF_CALLER_ALONE: Final = frozenset({"sts:AssumeRoot"})

# What is in an organization belongs to the account that manages it. Which other accounts may call (delegated
# administrators, invited accounts) the verbs say; their policies are asked as if it were theirs. Where it takes the
# organization's resource policy as well, the verbs ask `delegated`.
_ORGANIZATIONS: Final = f"arn:{PARTITION}:organizations:"

# S3 API, PutBucketPolicy: "the root principal in a bucket owner's AWS account can perform the GetBucketPolicy,
# PutBucketPolicy, and DeleteBucketPolicy API actions, even if their bucket policy explicitly denies the root
# principal's access". IAM User Guide, "Tasks that require root user credentials": "Edit or delete an Amazon SQS
# resource-based policy that denies all principals."
_UNLOCKING: Final = frozenset(
    {
        "s3:DeleteBucketPolicy",
        "s3:GetBucketPolicy",
        "s3:PutBucketPolicy",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:SetQueueAttributes",
    }
)


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
        first = plan.checks[0] if plan.checks else Check(f"{call.service}:{call.operation}", "*")
        return Authorization(call, (), gone=True, refused=first)
    return _ended(call, (rule(state, call, check, own, facts) for check in plan.checks))


def _ended(call: Call, rulings: Iterable[Ruling]) -> Authorization:
    """The rulings up to the first one that refuses."""
    made = []
    for ruling in rulings:
        made.append(ruling)
        if not ruling.decision.allowed:
            break
    return Authorization(call, tuple(made))


def _acts_on_its_own(call: Call, plan: Plan) -> bool:
    """Whether a service calls itself, for an account and on nothing but what belongs to that account.

    No policy is asked: EC2 that terminates an instance, Lambda that invokes a function for an event source.
    """
    caller = call.caller
    if caller.principal.kind is not PrincipalKind.SERVICE or caller.source is None:
        return False
    if caller.principal.arn != f"{service(call.service).prefix}.amazonaws.com":
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
    return _ended(
        call,
        (
            _held(state, call, check, own, Target(_facts(state, check.resource, nothing_known), owner, owner, resource))
            for check in catalogue.plan(state, call).checks
        ),
    )


class Target(NamedTuple):
    """What one check is about.

    `owner` is the account that owns the resource, `answerable` the one whose policies have to allow what others do to
    it. `policy` is the resource's own.
    """

    facts: ResourceFacts
    owner: str
    answerable: str
    policy: CompiledPolicy | None


def rule(state: State, call: Call, check: Check, own: PrincipalPolicies, facts: FactsOf) -> Ruling:
    """One check: what is known of its resource, the policies, the decision."""
    arn = check.resource
    caller = call.caller.principal
    known = UNKNOWN if arn == "*" or check.action in _MADE_BY_CALLER else _facts(state, arn, facts)
    if known.arn is not None or check.kind in _KMS_KEYS:
        arn = known.arn or _KMS_ALIAS.sub(":key/*", arn)
        check = check._replace(resource=arn)
    account = account_of(arn, known.account or caller.account)
    target = Target(
        known,
        account,
        caller.account if check.action in _OF_CALLER_ALONE or arn.startswith(_ORGANIZATIONS) else account,
        None if _unlocks(caller, check.action, account) else _resource_policy(check.action, arn, known),
    )
    return _held(state, call, check, own, target)


def _held(state: State, call: Call, check: Check, own: PrincipalPolicies, target: Target) -> Ruling:
    """`check`, held against every policy that applies to it. No other place puts these together for a call."""
    arn, caller = check.resource, call.caller.principal
    mine = around(state, caller.account)
    theirs = mine if target.owner == caller.account else around(state, target.owner)
    request = Request(
        caller,
        check.action,
        arn,
        target.answerable,
        Conditions(state, call, check, target.facts, target.owner),
        arn == "*",
        caller.provider,
    )
    policies = Policies(
        own.identity,
        own.boundary,
        own.session,
        target.policy,
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


def _unlocks(caller: Principal, action: str, owner: str) -> bool:
    """Whether the owner's root user takes a policy off a resource that lets nobody in."""
    return caller.kind is PrincipalKind.ROOT and caller.account == owner and action in _UNLOCKING


def _facts(state: State, arn: str, facts: FactsOf) -> ResourceFacts:
    """The state's own knowledge of IAM and instances, a backend's of everything else."""
    owner = arn.split(":", 3)[2] if arn.startswith("arn:") else ""
    if owner == "iam":
        return own_facts(state, arn) or UNKNOWN
    if owner == "organizations":
        return organization_facts(state, arn) or UNKNOWN
    if owner == "ec2":
        return own_facts(state, arn) or facts(arn)
    return facts(arn)


def _resource_policy(action: str, arn: str, known: ResourceFacts) -> CompiledPolicy | None:
    if known.policy is None:
        return None
    if ":iam:" in arn[:16]:
        # A trust policy speaks of becoming the role, never of what is done to it.
        if arn.split(":", 5)[5].startswith(f"{delegations.KIND}/"):
            return compiled(known.policy, PolicyKind.RESOURCE, f"default permissions on {arn}", arn)
        trusts = action.startswith(_STS)
        return compiled(known.policy, PolicyKind.TRUST, f"trust policy of {arn}", arn) if trusts else None
    owner = arn.partition("/")[0] if ":s3:::" in arn[:16] else arn
    return compiled(known.policy, PolicyKind.RESOURCE, f"policy of {owner}", owner)
