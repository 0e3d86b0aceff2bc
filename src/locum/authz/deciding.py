"""The decision: every check of a plan, held against the policies that apply to it.

1  what the kind of credentials cannot do at all (`limits`); credentials of a user or role that is no more
2  calls that no policy is asked about
3  each check in turn; the first that is not allowed ends it
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from locum import policy
from locum.authz.call import Call, Check, Plan
from locum.authz.context import Conditions, own_facts
from locum.authz.documents import compiled
from locum.authz.gather import Level, Standing, standing
from locum.authz.limits import limit
from locum.authz.resources import account_of
from locum.authz.verdict import Ruling, Verdict
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.policy import CompiledPolicy, Policies, PolicyKind, Request
from locum.state import State

FactsOf = Callable[[str], ResourceFacts]


class Organization(NamedTuple):
    """What an organization adds: levels of policies, root to account. Empty where there is none."""

    scps: tuple[Level, ...] = ()
    rcps: tuple[Level, ...] = ()
    principal_in_management_account: bool = False
    resource_in_management_account: bool = False


ALONE: Final = Organization()

_STS: Final = "sts:"

# "To use an alias in a permission, you need permission on the KMS key": which key that is, `facts` has to say; who
# may not use every key is refused where they do not.
_KMS_ALIAS: Final = re.compile(r":alias/.*")

_KMS_KEYS: Final = frozenset({"key", "source", "destination"})

# Whoever makes a bucket owns it: that somebody else has one of that name is for S3 to say.
_MADE_BY_CALLER: Final = frozenset({"s3:CreateBucket"})


def nothing_known(arn: str) -> ResourceFacts:
    """The facts where no backend is asked."""
    return UNKNOWN


def decide(
    state: State,
    call: Call,
    plan: Plan,
    facts: FactsOf = nothing_known,
    organization: Organization = ALONE,
) -> Verdict:
    """Whether `call` may proceed.

    `facts` answers for the ARNs of `plan.resources`; what the state itself holds (IAM, instances) is not asked of
    it. The state must be the one that the call is then carried out on.
    """
    limited = limit(call)
    if limited is not None:
        return Verdict(call, (), limited)
    if not plan.checks and call.caller.session is None:
        return Verdict(call, ())  # a long-term key is its user's or root's, who is there
    own = standing(state, call.caller)
    if own.gone:
        first = plan.checks[0] if plan.checks else Check(f"{call.service}:{call.operation}", "*")
        return Verdict(call, (), gone=True, refused=first)
    rulings = []
    for check in plan.checks:
        ruling = rule(state, call, check, own, facts, organization)
        rulings.append(ruling)
        if not ruling.decision.allowed:
            break
    return Verdict(call, tuple(rulings))


def may(state: State, call: Call, action: str, resource: str, facts: FactsOf = nothing_known) -> bool:
    """Whether the caller of `call` might do `action` to `resource` as well, in the same circumstances.

    For answers that depend on a further permission: S3 tells that a key is missing only to those who may list.
    """
    own = standing(state, call.caller)
    if own.gone or limit(call) is not None:
        return False
    return rule(state, call, Check(action, resource), own, facts, ALONE).decision.allowed


def rule(state: State, call: Call, check: Check, own: Standing, facts: FactsOf, organization: Organization) -> Ruling:
    """One check: what is known of its resource, the policies, the decision."""
    arn = check.resource
    caller = call.caller.principal
    known = UNKNOWN if arn == "*" or check.action in _MADE_BY_CALLER else _facts(state, arn, facts)
    if known.arn is not None or check.kind in _KMS_KEYS:
        arn = known.arn or _KMS_ALIAS.sub(":key/*", arn)
        check = check._replace(resource=arn)
    account = account_of(arn, known.account or caller.account)
    request = Request(
        caller,
        check.action,
        arn,
        account,
        Conditions(state, call, check, known, account),
        arn == "*",
    )
    policies = Policies(
        own.identity,
        own.boundary,
        own.session,
        _resource_policy(check.action, arn, known),
        organization.scps,
        organization.rcps,
        None,
        organization.principal_in_management_account,
        ":role/aws-service-role/" in caller.issuer_arn,
        organization.resource_in_management_account,
    )
    return Ruling(check, request, policies, policy.evaluate(request, policies))


def _facts(state: State, arn: str, facts: FactsOf) -> ResourceFacts:
    """The state's own knowledge of IAM and instances, a backend's of everything else."""
    service = arn.split(":", 3)[2] if arn.startswith("arn:") else ""
    if service == "iam":
        return own_facts(state, arn) or UNKNOWN
    if service == "ec2":
        return own_facts(state, arn) or facts(arn)
    return facts(arn)


def _resource_policy(action: str, arn: str, known: ResourceFacts) -> CompiledPolicy | None:
    if known.policy is None:
        return None
    if ":iam:" in arn[:16]:
        # A trust policy speaks of becoming the role, never of what is done to it.
        trusts = action.startswith(_STS)
        return compiled(known.policy, PolicyKind.TRUST, f"trust policy of {arn}", arn) if trusts else None
    owner = arn.partition("/")[0] if ":s3:::" in arn[:16] else arn
    return compiled(known.policy, PolicyKind.RESOURCE, f"policy of {owner}", owner)
