"""Access previews. What a preview finds is `agents.analyzers`'s.

Access Analyzer API Reference, CreateAccessPreview, GetAccessPreview, ListAccessPreviews, ListAccessPreviewFindings; IAM
User Guide, "Previewing access with IAM Access Analyzer APIs".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from locum.core.identifiers import request_id
from locum.services.accessanalyzer import filters, proposals
from locum.services.accessanalyzer.analyzers import check_solver
from locum.services.accessanalyzer.faults import conflict, invalid, not_found, over_quota, unfinished
from locum.services.accessanalyzer.findings import shown
from locum.services.accessanalyzer.kinds import ACCOUNT
from locum.services.accessanalyzer.lookups import LISTS, analyzer_at, previews_of
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import put
from locum.state.analyzers import CREATING, PREVIEWS_KEPT, AccessPreview, Analyzer, PreviewFinding
from locum.state.autoscaling import regional

_HOUR: Final = 3_600.0
"""User Guide: ListAccessPreviews retrieves those that were "created within about one hour"."""
_MOST: Final = 1_000
"""User Guide, "IAM Access Analyzer quotas": the access previews of an analyzer in an hour."""
_FURTHER: Final = frozenset({"changeType", "existingFindingId", "existingFindingStatus"})
"""User Guide, "IAM Access Analyzer filter keys": those for the findings of access previews alone."""
_OWN_TIMES: Final = ("analyzedAt", "updatedAt")
"""What a finding has and a preview of one has not."""


def create_access_preview(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:CreateAccessPreview. It is refused where nothing could be analyzed."""
    analyzer = analyzer_at(ctx, params["analyzerArn"])
    if analyzer.type != ACCOUNT:
        raise invalid("analyzerArn", f"Access previews are of analyzers of the type {ACCOUNT}.")
    check_solver()
    resource, configuration = proposals.proposed(analyzer, params["configurations"])
    there, token = previews_of(ctx.state, analyzer), params.get("clientToken") or ""
    for it in there:
        if token and it.token == token and ctx.now < it.created + PREVIEWS_KEPT:
            return _again(it, resource, configuration)
    if sum(it.created > ctx.now - _HOUR for it in there) >= _MOST:
        message = f"You have reached the limit of {_MOST} access previews of an analyzer in an hour."
        raise over_quota("access-preview", analyzer.name, message)
    made = AccessPreview(
        account=ctx.account,
        region=ctx.region,
        analyzer=analyzer.name,
        id=request_id(ctx.entropy),
        resource=resource,
        configuration=dict(configuration),
        status=CREATING,
        created=ctx.now,
        token=token,
    )
    return Outcome({"id": made.id}, (put(made),))


def _again(it: AccessPreview, resource: str, configuration: Mapping[str, Any]) -> Outcome:
    """The answer to a request that was made before, which is the same request."""
    if (it.resource, it.configuration) != (resource, configuration):
        raise conflict("access-preview", it.id)
    return Outcome({"id": it.id})


def get_access_preview(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:GetAccessPreview."""
    analyzer = analyzer_at(ctx, params["analyzerArn"])
    found = _preview(ctx, analyzer, params["accessPreviewId"])
    shown_now = {**_summary(analyzer, found), "configurations": {found.resource: found.configuration}}
    return Outcome({"accessPreview": shown_now})


def list_access_previews(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:ListAccessPreviews."""
    analyzer = analyzer_at(ctx, params["analyzerArn"])
    recent = [it for it in previews_of(ctx.state, analyzer) if ctx.now < it.created + _HOUR]
    page = LISTS.page(params, recent, lambda it: f"{it.created:020.3f}/{it.id}")
    return page.outcome("accessPreviews", lambda it: _summary(analyzer, it))


def list_access_preview_findings(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:ListAccessPreviewFindings, of one that is complete."""
    analyzer = analyzer_at(ctx, params["analyzerArn"])
    preview, wanted = _preview(ctx, analyzer, params["accessPreviewId"]), params.get("filter") or {}
    filters.check(wanted, analyzer.type, further=_FURTHER)
    if preview.status != "COMPLETED":
        raise unfinished("access-preview", preview.id, preview.status)
    found = [it for it in preview.findings if filters.meets(it.finding, wanted, _further(it))]
    return LISTS.page(params, found, lambda it: it.id).outcome("findings", _shown)


def _further(it: PreviewFinding) -> Mapping[str, Sequence[str]]:
    """The values of the filter keys that only findings of previews have. `id` is another than the finding's."""
    there = [it.existing_status] if it.existing_status else []
    return {
        "changeType": [it.change],
        "existingFindingId": [it.finding.id] if there else [],
        "existingFindingStatus": there,
        "id": [it.id],
    }


def _shown(it: PreviewFinding) -> dict[str, Any]:
    """An AccessPreviewFinding."""
    found = {name: value for name, value in shown(it.finding).items() if name not in _OWN_TIMES}
    found |= {"id": it.id, "changeType": it.change}
    if it.existing_status:
        found |= {"existingFindingId": it.finding.id, "existingFindingStatus": it.existing_status}
    return found


def _summary(analyzer: Analyzer, it: AccessPreview) -> dict[str, Any]:
    """An AccessPreviewSummary."""
    found = {"id": it.id, "analyzerArn": analyzer.arn, "createdAt": it.created, "status": it.status}
    return found | ({"statusReason": {"code": it.reason}} if it.reason else {})


def _preview(ctx: Context, analyzer: Analyzer, name: str) -> AccessPreview:
    """The access preview of an analyzer with that id. Raises Fault ResourceNotFoundException."""
    found = ctx.state.get(AccessPreview, ctx.account, regional(ctx.region, analyzer.name, name))
    if found is None or ctx.now >= found.created + PREVIEWS_KEPT:
        raise not_found("access-preview", name)
    return found


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateAccessPreview": writes(create_access_preview),
    "GetAccessPreview": reads(get_access_preview),
    "ListAccessPreviewFindings": reads(list_access_preview_findings),
    "ListAccessPreviews": reads(list_access_previews),
}
