"""What EventBridge is told of findings and access previews.

IAM User Guide, "Monitoring IAM Access Analyzer with Amazon EventBridge".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

from locum.core.clock import iso8601
from locum.core.service_events import ServiceEvent
from locum.credentials import KeyRing
from locum.services.accessanalyzer import internal_access
from locum.state import State
from locum.state.analyzers import (
    EXTERNAL_ACCESS,
    INTERNAL_ACCESS,
    UNUSED_ACCESS,
    UNUSED_PERMISSION,
    AccessFinding,
    AccessPreview,
    analyzer_arn,
)
from locum.state.autoscaling import regional

_SOURCE: Final = "aws.access-analyzer"
_OF_PREVIEWS: Final = "Access Preview State Change"


def following(state: State, it: AccessFinding | AccessPreview, _now: float, _ring: KeyRing) -> Iterator[ServiceEvent]:
    """The event of a finding or access preview that is new, or has changed."""
    return _of_preview(state, it) if isinstance(it, AccessPreview) else _of_finding(state, it)


def _of_finding(state: State, it: AccessFinding) -> Iterator[ServiceEvent]:
    before = state.get(AccessFinding, it.account, regional(it.region, it.analyzer, it.id))
    if before is not None and _told(before) == _told(it):
        return
    arn = analyzer_arn(it.account, it.region, it.analyzer)
    detail_type, details = _EVENTS[it.finding_type]
    detail = {**_common(it), **details(it, "" if before is None else before.status)}
    yield ServiceEvent(_SOURCE, detail_type, it.account, it.region, (arn,), detail)


def _told(it: AccessFinding) -> tuple[object, ...]:
    return it.status, it.actions, it.public, it.error, it.more, [_names(each) for each in it.details]


def _names(structure: Mapping[str, Any]) -> tuple[object, ...]:
    """What a structure of findingDetails says is unused, without times: each use of a role moves one."""
    told = structure.get("unusedPermissionDetails") or {}
    return told.get("serviceNamespace"), [it["action"] for it in told.get("actions", ())]


def _common(it: AccessFinding) -> dict[str, Any]:
    """The members that the events of all findings have."""
    return {
        "status": it.status,
        "resourceType": it.type,
        "resource": it.resource,
        "createdAt": iso8601(it.created),
        "analyzedAt": iso8601(it.analyzed),
        "updatedAt": iso8601(it.updated),
        "accountId": it.owner,
        "isDeleted": False,
    } | ({"error": it.error} if it.error else {})


def _external(it: AccessFinding, _before: str) -> dict[str, Any]:
    return {
        "version": "1.0",
        "id": it.id,
        "region": it.region,
        "principal": it.principal,
        "action": list(it.actions),
        "condition": it.conditions,
        "isPublic": it.public,
    }


def _internal(it: AccessFinding, _before: str) -> dict[str, Any]:
    return {"version": "1.0", "id": it.id, **internal_access.event_detail(it)}


def _unused(it: AccessFinding, before: str) -> dict[str, Any]:
    """The members of unused access; its version is one of its own each time that it has changed."""
    told = {
        "version": str(uuid5(NAMESPACE_OID, f"{it.id} {it.status} {it.updated}")),
        "findingId": it.id,
        "findingType": it.finding_type,
        "previousStatus": before,
    }
    if it.finding_type != UNUSED_PERMISSION:
        return told
    services = [each["unusedPermissionDetails"] for each in it.details]
    return told | {
        "numberOfUnusedServices": sum("actions" not in each for each in services),
        "numberOfUnusedActions": sum(len(each.get("actions", ())) for each in services),
    }


Details = Callable[[AccessFinding, str], dict[str, Any]]

_EVENTS: Final[Mapping[str, tuple[str, Details]]] = {
    EXTERNAL_ACCESS: ("Access Analyzer Finding", _external),
    INTERNAL_ACCESS: ("Internal Access Finding", _internal),
    **dict.fromkeys(UNUSED_ACCESS, ("Unused Access Finding for IAM entities", _unused)),
}
"""By type of finding, the type of its event, and the members that this has beside the common ones."""


def _of_preview(state: State, it: AccessPreview) -> Iterator[ServiceEvent]:
    before = state.get(AccessPreview, it.account, it.key)
    if before is not None and before.status == it.status:
        return
    arn = analyzer_arn(it.account, it.region, it.analyzer)
    detail: dict[str, Any] = {
        "version": "1.0",
        "accessPreviewId": it.id,
        "configuredResources": [it.resource],
        "createdAt": iso8601(it.created),
        "region": it.region,
        "status": it.status,
    }
    if before is not None:
        detail["previousStatus"] = before.status
    if it.reason:
        detail["statusReason"] = {"code": it.reason}
    yield ServiceEvent(_SOURCE, _OF_PREVIEWS, it.account, it.region, (arn,), detail)
