"""Policies generated from what a principal did. What is generated is `agents.analyzers.generating`'s.

Access Analyzer API Reference, StartPolicyGeneration, GetGeneratedPolicy, ListPolicyGenerations,
CancelPolicyGeneration; IAM User Guide, "IAM Access Analyzer policy generation".
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from locum.core.arn import Arn
from locum.core.clock import DAY
from locum.core.identifiers import request_id
from locum.services.accessanalyzer.faults import conflict, invalid, over_quota
from locum.services.accessanalyzer.lookups import LISTS
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import Role, User, put, remove
from locum.state.analyzers import IN_PROGRESS, PolicyGeneration
from locum.state.arns import entity_by_arn
from locum.state.autoscaling import regional

_LONGEST: Final = 90 * DAY
"""User Guide: "a date range of up to 90 days"."""
_KEPT: Final = 7 * DAY
"""User Guide: "The generated policy is available for review for up to seven days"."""
_MOST: Final = 5
"""User Guide, "IAM Access Analyzer quotas": policy generations that are under way."""


def start_policy_generation(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:StartPolicyGeneration. Without trails it is for the last 90 days of the event history."""
    principal = params["policyGenerationDetails"]["principalArn"]
    token = params.get("clientToken") or ""
    generations = _all(ctx)
    same = [it for it in generations if token and it.token == token]
    if same:
        return Outcome({"jobId": same[0].id})
    kind = User if ":user/" in principal else Role
    if entity_by_arn(ctx.state, kind, principal, ctx.account) is None:
        raise invalid("principalArn", "There is no such user or role in the account.")
    under_way = [it for it in generations if it.under_way]
    if any(it.principal == principal for it in under_way):
        raise conflict("policy-generation", principal)
    if len(under_way) >= _MOST:
        raise over_quota("policy-generation", principal, f"{_MOST} policy generations are under way.")
    details = params.get("cloudTrailDetails") or {}
    until = float(details.get("endTime") or ctx.now)
    since = float(details.get("startTime") or until - _LONGEST)
    if not 0 < until - since <= _LONGEST:
        raise invalid("startTime", "The range is of at most 90 days, and begins before it ends.")
    for trail in details.get("trails") or ():
        if Arn.find(trail["cloudTrailArn"]) is None:
            raise invalid("cloudTrailArn", "It is not the ARN of a trail.")
    made = PolicyGeneration(
        account=ctx.account,
        region=ctx.region,
        id=request_id(ctx.entropy),
        principal=principal,
        status=IN_PROGRESS,
        started=ctx.now,
        since=since,
        until=until,
        trails=tuple(dict(trail) for trail in details.get("trails") or ()),
        role=details.get("accessRole") or "",
        token=token,
    )
    outdated = [it for it in generations if not it.under_way and it.ended < ctx.now - _KEPT]
    return Outcome({"jobId": made.id}, (put(made), *(remove(it) for it in outdated)))


def cancel_policy_generation(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:CancelPolicyGeneration."""
    found = _generation(ctx, params)
    if not found.under_way:
        return Outcome({})
    return Outcome({}, (put(replace(found, status="CANCELED", ended=ctx.now)),))


def get_generated_policy(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:GetGeneratedPolicy."""
    found = _generation(ctx, params)
    job: dict[str, Any] = {"jobId": found.id, "status": found.status, "startedOn": found.started}
    if found.ended:
        job["completedOn"] = found.ended
    if found.code:
        job["jobError"] = {"code": found.code, "message": found.message}
    properties: dict[str, Any] = {"principalArn": found.principal, "isComplete": found.complete}
    if found.trails:
        times = {"startTime": found.since, "endTime": found.until}
        properties["cloudTrailProperties"] = {"trailProperties": list(found.trails), **times}
    policies = [{"policy": text} for text in found.policies]
    return Outcome(
        {"jobDetails": job, "generatedPolicyResult": {"properties": properties, "generatedPolicies": policies}}
    )


def list_policy_generations(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:ListPolicyGenerations."""
    wanted = [it for it in _all(ctx) if params.get("principalArn") in (None, it.principal)]
    return LISTS.page(params, wanted, lambda it: f"{it.started:020.3f}/{it.id}").outcome("policyGenerations", _listed)


def _listed(it: PolicyGeneration) -> dict[str, Any]:
    found: dict[str, Any] = {
        "jobId": it.id,
        "principalArn": it.principal,
        "status": it.status,
        "startedOn": it.started,
    }
    return found | ({"completedOn": it.ended} if it.ended else {})


def _all(ctx: Context) -> list[PolicyGeneration]:
    return [it for it in ctx.state.table(PolicyGeneration, ctx.account).values() if it.region == ctx.region]


def _generation(ctx: Context, params: Params) -> PolicyGeneration:
    found = ctx.state.get(PolicyGeneration, ctx.account, regional(ctx.region, params["jobId"]))
    if found is None:
        raise invalid("jobId", "There is no such policy generation.")
    return found


OPERATIONS: Final[dict[str, Operation]] = {
    "CancelPolicyGeneration": writes(cancel_policy_generation),
    "GetGeneratedPolicy": reads(get_generated_policy),
    "ListPolicyGenerations": reads(list_policy_generations),
    "StartPolicyGeneration": writes(start_policy_generation),
}
