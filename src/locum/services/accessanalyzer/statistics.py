"""Statistics of the findings of an analyzer, counted when they are asked for.

Access Analyzer API Reference, GetFindingsStatistics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from locum.services.accessanalyzer.kinds import EXTERNAL, INTERNAL, KINDS, UNUSED
from locum.services.accessanalyzer.lookups import findings_of
from locum.services.accessanalyzer.zones import enabled_at
from locum.services.verbs import Context, Operation, Outcome, Params, reads
from locum.state.analyzers import UNUSED_ACCESS, AccessFinding

_STATUSES: Final = {
    "ACTIVE": "totalActiveFindings",
    "ARCHIVED": "totalArchivedFindings",
    "RESOLVED": "totalResolvedFindings",
}
_TOP: Final = 10
"""The accounts that are told."""

Findings = Sequence[AccessFinding]


def get_findings_statistics(ctx: Context, params: Params) -> Outcome:
    """access-analyzer:GetFindingsStatistics."""
    analyzer = enabled_at(ctx, params["analyzerArn"])
    member, counted = _COUNTED[KINDS[analyzer.type].analysis]
    found = findings_of(ctx.state, analyzer)
    statistics = {**counted(found), **_totals(found)}
    return Outcome({"findingsStatistics": [{member: statistics}], "lastUpdatedAt": ctx.now})


def _totals(found: Findings) -> dict[str, int]:
    """The number of findings of each status."""
    counts = Counter(it.status for it in found)
    return {name: counts[status] for status, name in _STATUSES.items()}


def _active(found: Findings) -> Findings:
    return [it for it in found if it.status == "ACTIVE"]


def _internal(found: Findings) -> dict[str, Any]:
    kinds = sorted({it.type for it in found})
    return {"resourceTypeStatistics": {kind: _totals([it for it in found if it.type == kind]) for kind in kinds}}


def _external(found: Findings) -> dict[str, Any]:
    active = _active(found)
    kinds = sorted({it.type for it in active})
    return {"resourceTypeStatistics": {kind: _access(it for it in active if it.type == kind) for kind in kinds}}


def _access(found: Iterable[AccessFinding]) -> dict[str, int]:
    """ResourceTypeDetails of active findings: each is an error, or of public access, or of another's."""
    counts = Counter("Errors" if it.error else "Public" if it.public else "CrossAccount" for it in found)
    return {f"totalActive{name}": counts[name] for name in ("Public", "CrossAccount", "Errors")}


def _unused(found: Findings) -> dict[str, Any]:
    active = _active(found)
    types = Counter(it.finding_type for it in active)
    accounts = Counter(it.owner for it in active)
    told = {"unusedAccessTypeStatistics": [{"unusedAccessType": it, "total": types[it]} for it in UNUSED_ACCESS]}
    top = sorted(accounts, key=lambda account: (-accounts[account], account))[:_TOP]
    return told | ({"topAccounts": [_account(account, active) for account in top]} if top else {})


def _account(account: str, active: Findings) -> dict[str, Any]:
    """FindingAggregationAccountDetails of an account."""
    types = Counter(it.finding_type for it in active if it.owner == account)
    return {"account": account, "numberOfActiveFindings": types.total(), "details": dict(sorted(types.items()))}


_COUNTED: Final[Mapping[str, tuple[str, Callable[[Findings], dict[str, Any]]]]] = {
    EXTERNAL: ("externalAccessFindingsStatistics", _external),
    INTERNAL: ("internalAccessFindingsStatistics", _internal),
    UNUSED: ("unusedAccessFindingsStatistics", _unused),
}
"""The structure of an analysis, and what counts findings for it."""

OPERATIONS: Final[dict[str, Operation]] = {"GetFindingsStatistics": reads(get_findings_statistics)}
