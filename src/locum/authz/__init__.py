"""State and call to verdict: which permissions a call takes, and whether its caller has them.

    plan = authz.plan(state, call)
    facts = {arn: await backend.facts(...) for arn in plan.resources}
    verdict = authz.decide(state, call, plan, facts.__getitem__)
    if not verdict.allowed:
        raise verdict.fault(protocol)

Pure, both steps: what a backend knows of its resources is fetched in between. The policy engine is the one in
`locum.policy`; the catalogue of what operations take is data (`locum.authz.rules` documents its language).
"""

from locum.authz.authorization import Authorization, Ruling
from locum.authz.call import Call, Check, Plan
from locum.authz.catalogue import plan
from locum.authz.deciding import decide, may

__all__ = ["Authorization", "Call", "Check", "Plan", "Ruling", "decide", "may", "plan"]
