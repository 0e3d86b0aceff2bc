"""Findings of internal access as the API and EventBridge have them.

Access Analyzer API Reference, InternalAccessDetails; IAM User Guide, "Monitoring IAM Access Analyzer with Amazon
EventBridge", "IAM Access Analyzer error findings".
"""

from __future__ import annotations

from typing import Any, Final

from locum.state.analyzers import AccessFinding

_RESTRICTIONS: Final[tuple[str, ...]] = ("resourceControlPolicyRestriction", "serviceControlPolicyRestriction")
_IN_EVENTS: Final[tuple[str, ...]] = (
    "accessType",
    "action",
    "condition",
    "principal",
    "principalOwnerAccount",
    "principalType",
)


def details(finding: AccessFinding) -> dict[str, Any]:
    """An InternalAccessDetails. An error finding tells of its principal alone, and of none where it has none."""
    told: dict[str, Any] = {"principal": finding.principal} if finding.principal else {}
    if not finding.error:
        told |= {"action": list(finding.actions), "condition": finding.conditions}
    return told | finding.more


def event_detail(finding: AccessFinding) -> dict[str, Any]:
    """What the detail of an event has beside what it has of every finding.

    "the values for the accountId and principalOwnerAccount attributes refer to the account of the principal reported in
    the finding"; without a principal it is that of the resource.
    """
    told = details(finding)
    found = {name: told[name] for name in _IN_EVENTS if name in told}
    found |= {f"{name}Type": told[name] for name in _RESTRICTIONS if name in told}
    account = told.get("principalOwnerAccount", finding.owner)
    return {**found, "accountId": account, "findingType": finding.finding_type}
