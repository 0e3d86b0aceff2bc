"""The authorization of calls: which permissions a call takes, and whether its caller has them.

    plan = authz.plan(state, call)
    plan = authz.resolved(plan, {resource: ... authz.lookup_of(call, check) ...})
    facts = {arn: await backend.facts(...) for arn in plan.resources}
    authorization = authz.decide(state, call, plan, facts.__getitem__)
    if not authorization.allowed:
        raise authorization.fault()

Both steps are pure: what a backend knows of its resources is fetched in between. The policy engine is
`locum.policy`; the catalogue of permissions is data (`locum.authz.rules` documents its language). Every decision is
made here: of calls (`decide`, `decide_further`), of roles that they hand over (`unassumable_role`), of what an
organization gives its members (`delegated`), and of hypothetical calls (`suppose`, and `decide` under a `Supposition`).
"""

from locum.authz.authorization import Authorization, Refusal, Ruling
from locum.authz.call import Call, Check, Plan, service_of
from locum.authz.catalogue import action_of, plan
from locum.authz.deciding import FactsOf, decide, decide_further, delegated
from locum.authz.lookups import Lookup, lookup_of, resolved
from locum.authz.open_conditions import Supposition
from locum.authz.passed_roles import unassumable_role
from locum.authz.principal_policies import unresolved_policies
from locum.authz.supposed import Given, Supposed, gathered, governing, suppose
from locum.policy import Presumed

__all__ = [
    "Authorization",
    "Call",
    "Check",
    "FactsOf",
    "Given",
    "Lookup",
    "Plan",
    "Presumed",
    "Refusal",
    "Ruling",
    "Supposed",
    "Supposition",
    "action_of",
    "decide",
    "decide_further",
    "delegated",
    "gathered",
    "governing",
    "lookup_of",
    "plan",
    "resolved",
    "service_of",
    "suppose",
    "unassumable_role",
    "unresolved_policies",
]
