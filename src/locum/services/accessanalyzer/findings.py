"""Findings of analyzers and the resources that they have analyzed.

Access Analyzer API Reference, ListFindings, ListFindingsV2, GetFinding, GetFindingV2, UpdateFindings,
StartResourceScan, ListAnalyzedResources, GetAnalyzedResource. What is older than other analyzers is for those of
external access alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.core.arn import PARTITION, Arn
from locum.services.accessanalyzer import filters, internal_access, zones
from locum.services.accessanalyzer.faults import invalid, not_found
from locum.services.accessanalyzer.kinds import EXTERNAL, INTERNAL, KINDS
from locum.services.accessanalyzer.lookups import LISTS, findings_of, resources_of
from locum.services.accessanalyzer.zones import enabled_at
from locum.services.pagination import Ordered
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import put
from locum.state.analyzers import EXTERNAL_ACCESS, INTERNAL_ACCESS, AccessFinding, AnalyzedResource, Analyzer
from locum.state.autoscaling import regional

_BUCKET: Final = "AWS::S3::Bucket"
_SORTED: Final[dict[str, Callable[[AccessFinding], Any]]] = {
    "createdAt": lambda it: it.created,
    "id": lambda it: it.id,
    "resource": lambda it: it.resource,
    "resourceType": lambda it: it.type,
    "status": lambda it: it.status,
    "updatedAt": lambda it: it.updated,
}
"""The attributes that findings are sorted by."""


def list_findings(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:ListFindings."""
    _of_external(ctx, params)
    return _listed(ctx, params, shown)


def list_findings_v2(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:ListFindingsV2."""
    return _listed(ctx, params, lambda it: {**_common(it), "findingType": it.finding_type})


def _listed(ctx: Context, params: Params, show: Callable[[AccessFinding], dict[str, Any]]) -> Outcome:
    analyzer = enabled_at(ctx, params["analyzerArn"])
    wanted = params.get("filter") or {}
    filters.check(wanted, analyzer.type)
    found = [it for it in findings_of(ctx.state, analyzer) if filters.meets(it, wanted)]
    order = params.get("sort") or {}
    by = order.get("attributeName") or "updatedAt"
    if by not in _SORTED:
        raise invalid("sort", f"Findings are sorted by {', '.join(_SORTED)}.")
    found.sort(key=lambda it: (_SORTED[by](it), it.id), reverse=order.get("orderBy", "ASC") == "DESC")
    places = {it.id: f"{number:08}" for number, it in enumerate(found)}
    return LISTS.page(params, found, lambda it: places[it.id]).outcome("findings", show)


def get_finding(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:GetFinding."""
    _of_external(ctx, params)
    return Outcome({"finding": shown(_finding(ctx, params))})


def get_finding_v2(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:GetFindingV2."""
    finding = _finding(ctx, params)
    details = finding.details or _access_details(finding)
    page = LISTS.page(params, Ordered(enumerate(details)), lambda it: f"{it[0]:08}")
    told = {**_common(finding), "findingType": finding.finding_type}
    return Outcome({**told, "findingDetails": [structure for _, structure in page.items], **page.rest})


def _access_details(finding: AccessFinding) -> tuple[dict[str, Any], ...]:
    if finding.finding_type == INTERNAL_ACCESS:
        return ({"internalAccessDetails": internal_access.details(finding)},)
    return ({"externalAccessDetails": _details(finding)},) if finding.finding_type == EXTERNAL_ACCESS else ()


def _of_external(ctx: Context, params: Params, *others: str) -> Analyzer:
    """The analyzer, which has to be of external access, or of one of some `others`. Raises Fault."""
    analyzer = enabled_at(ctx, params["analyzerArn"])
    if KINDS[analyzer.type].analysis not in (EXTERNAL, *others):
        raise invalid("analyzerArn", "The operation is supported only for external access analyzers.")
    return analyzer


def _finding(ctx: Context, params: Params) -> AccessFinding:
    analyzer = enabled_at(ctx, params["analyzerArn"])
    key = regional(analyzer.region, analyzer.name, params["id"])
    found = ctx.state.get(AccessFinding, analyzer.account, key)
    if found is None:
        raise not_found("finding", params["id"])
    return found


def _common(finding: AccessFinding) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": finding.id,
        "resource": finding.resource,
        "resourceType": finding.type,
        "resourceOwnerAccount": finding.owner,
        "createdAt": finding.created,
        "analyzedAt": finding.analyzed,
        "updatedAt": finding.updated,
        "status": finding.status,
    }
    return found | ({"error": finding.error} if finding.error else {})


def _details(finding: AccessFinding) -> dict[str, Any]:
    """The members of external access. The sources are "populated for Amazon S3 bucket findings"."""
    sources: dict[str, Any] = {"sources": [{"type": "POLICY"}]} if finding.type == _BUCKET else {}
    return {
        "principal": finding.principal,
        "action": list(finding.actions),
        "condition": finding.conditions,
        "isPublic": finding.public,
        **sources,
        **finding.more,
    }


def shown(finding: AccessFinding) -> dict[str, Any]:
    """A FindingSummary, which a Finding is the same as."""
    return {**_common(finding), **_details(finding)}


def update_findings(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:UpdateFindings: by their ids, or of a resource. What is resolved stays so."""
    analyzer, status = enabled_at(ctx, params["analyzerArn"]), params["status"]
    ids, resource = params.get("ids"), params.get("resourceArn")
    if bool(ids) == bool(resource):
        raise invalid("ids", "Specify either ids or resourceArn.")
    found = {it.id: it for it in findings_of(ctx.state, analyzer)}
    if ids:
        missing = [it for it in ids if it not in found]
        if missing:
            raise not_found("finding", missing[0])
    chosen = [it for it in found.values() if it.id in (ids or ()) or it.resource == resource]
    changed = [it for it in chosen if it.status not in ("RESOLVED", status)]
    return Outcome({}, tuple(put(replace(it, status=status, updated=ctx.now)) for it in changed))


# -- resources -------------------------------------------------------------------------------------------


def start_resource_scan(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:StartResourceScan."""
    analyzer, arn = _of_external(ctx, params), params["resourceArn"]
    parsed = Arn.find(arn)
    if parsed is None or parsed.partition != PARTITION:
        raise invalid("resourceArn", "It is not an ARN.")
    if parsed.account not in ("", *zones.accounts(ctx.state, analyzer)) or parsed.region not in ("", ctx.region):
        raise not_found("resource", arn)
    if arn in analyzer.asked:
        return Outcome({})
    return Outcome({}, (put(replace(analyzer, asked=(*analyzer.asked, arn))),))


def list_analyzed_resources(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:ListAnalyzedResources."""
    analyzer = _of_external(ctx, params, INTERNAL)
    wanted = [it for it in resources_of(ctx.state, analyzer) if params.get("resourceType") in (None, it.type)]
    page = LISTS.page(params, wanted, lambda it: it.arn)
    return page.outcome(
        "analyzedResources",
        lambda it: {"resourceArn": it.arn, "resourceOwnerAccount": it.owner, "resourceType": it.type},
    )


def get_analyzed_resource(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:GetAnalyzedResource."""
    analyzer = _of_external(ctx, params)
    key = regional(analyzer.region, analyzer.name, params["resourceArn"])
    found = ctx.state.get(AnalyzedResource, analyzer.account, key)
    if found is None:
        raise not_found("analyzed-resource", params["resourceArn"])
    return Outcome({"resource": _resource(ctx, analyzer, found)})


def _resource(ctx: Context, analyzer: Analyzer, found: AnalyzedResource) -> Mapping[str, Any]:
    statuses = {it.status for it in findings_of(ctx.state, analyzer) if it.resource == found.arn}
    told: dict[str, Any] = {
        "resourceArn": found.arn,
        "resourceType": found.type,
        "resourceOwnerAccount": found.owner,
        "createdAt": found.created,
        "analyzedAt": found.analyzed,
        "updatedAt": found.updated,
        "isPublic": found.public,
        "actions": list(found.actions),
    }
    status = next((it for it in ("ACTIVE", "ARCHIVED", "RESOLVED") if it in statuses), "")
    return told | ({"status": status} if status else {}) | ({"error": found.error} if found.error else {})


OPERATIONS: Final[dict[str, Operation]] = {
    "GetAnalyzedResource": reads(get_analyzed_resource),
    "GetFinding": reads(get_finding),
    "GetFindingV2": reads(get_finding_v2),
    "ListAnalyzedResources": reads(list_analyzed_resources),
    "ListFindings": reads(list_findings),
    "ListFindingsV2": reads(list_findings_v2),
    "StartResourceScan": writes(start_resource_scan),
    "UpdateFindings": writes(update_findings),
}
