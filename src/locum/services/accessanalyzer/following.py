"""What EventBridge is told of findings.

IAM User Guide, "Monitoring IAM Access Analyzer with Amazon EventBridge".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from locum.core.arn import PARTITION
from locum.core.clock import iso8601
from locum.core.service_events import ServiceEvent
from locum.credentials import KeyRing
from locum.state import State
from locum.state.analyzers import AccessFinding
from locum.state.autoscaling import regional

_SOURCE: Final = "aws.access-analyzer"
_DETAIL_TYPE: Final = "Access Analyzer Finding"


def following(state: State, it: AccessFinding, _now: float, _ring: KeyRing) -> Iterator[ServiceEvent]:
    """The event of a finding that is new, or has changed."""
    before = state.get(AccessFinding, it.account, regional(it.region, it.analyzer, it.id))
    if before is not None and _told(before) == _told(it):
        return
    arn = f"arn:{PARTITION}:access-analyzer:{it.region}:{it.account}:analyzer/{it.analyzer}"
    detail: dict[str, Any] = {
        "version": "1.0",
        "id": it.id,
        "status": it.status,
        "resourceType": it.type,
        "resource": it.resource,
        "createdAt": iso8601(it.created),
        "analyzedAt": iso8601(it.analyzed),
        "updatedAt": iso8601(it.updated),
        "accountId": it.owner,
        "region": it.region,
        "principal": it.principal,
        "action": list(it.actions),
        "condition": it.conditions,
        "isPublic": it.public,
        "isDeleted": False,
    }
    if it.error:
        detail["error"] = it.error
    yield ServiceEvent(_SOURCE, _DETAIL_TYPE, it.account, it.region, (arn,), detail)


def _told(it: AccessFinding) -> tuple[object, ...]:
    return it.status, it.actions, it.public, it.error
