"""Recommendations about findings of unused permissions. They are worked out by `agents.analyzers.recommending`.

Access Analyzer API Reference, GenerateFindingRecommendation, GetFindingRecommendation.
"""

from __future__ import annotations

from typing import Any, Final

from locum.core.errors import Fault
from locum.services.accessanalyzer.faults import invalid, not_found
from locum.services.accessanalyzer.lookups import LISTS
from locum.services.accessanalyzer.zones import enabled_at
from locum.services.pagination import Ordered
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import put
from locum.state.analyzers import IN_PROGRESS, UNUSED_PERMISSION, AccessFinding, FindingRecommendation
from locum.state.autoscaling import regional

_TYPE: Final = "UnusedPermissionRecommendation"


def generate_finding_recommendation(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:GenerateFindingRecommendation, again also. It knows no ResourceNotFoundException."""
    finding = _finding(ctx, params)
    if finding is None:
        raise invalid("id", "The analyzer has no such finding.")
    if finding.finding_type != UNUSED_PERMISSION or finding.status == "RESOLVED":
        raise invalid("id", "It is not a finding of unused permissions that is active or archived.")
    known = ctx.state.get(FindingRecommendation, finding.account, finding.key)
    if known is not None and known.under_way:
        return Outcome({})
    made = FindingRecommendation(
        account=finding.account,
        region=finding.region,
        analyzer=finding.analyzer,
        id=finding.id,
        resource=finding.resource,
        status=IN_PROGRESS,
        started=ctx.now,
    )
    return Outcome({}, (put(made),))


def _finding(ctx: Context, params: Params) -> AccessFinding | None:
    try:
        analyzer = enabled_at(ctx, params["analyzerArn"])
    except Fault as fault:
        raise invalid("analyzerArn", fault.message) from fault
    return ctx.state.get(AccessFinding, analyzer.account, regional(analyzer.region, analyzer.name, params["id"]))


def get_finding_recommendation(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:GetFindingRecommendation."""
    analyzer = enabled_at(ctx, params["analyzerArn"])
    key = regional(analyzer.region, analyzer.name, params["id"])
    found = ctx.state.get(FindingRecommendation, analyzer.account, key)
    if found is None:
        raise not_found("finding-recommendation", params["id"])
    page = LISTS.page(params, Ordered(enumerate(found.steps)), lambda it: f"{it[0]:08}")
    steps = [{"unusedPermissionsRecommendedStep": step} for _, step in page.items]
    return Outcome({**_shown(found), "recommendedSteps": steps, **page.rest})


def _shown(found: FindingRecommendation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "recommendationType": _TYPE,
        "resourceArn": found.resource,
        "startedAt": found.started,
        "status": found.status,
    }
    ended = {"completedAt": found.ended} if found.ended else {}
    return told | ended | ({"error": {"code": found.code, "message": found.message}} if found.code else {})


OPERATIONS: Final[dict[str, Operation]] = {
    "GenerateFindingRecommendation": writes(generate_finding_recommendation),
    "GetFindingRecommendation": reads(get_finding_recommendation),
}
