"""The findings of internal access about one resource: one for each principal, and for each set of conditions.

Access Analyzer API Reference, InternalAccessDetails; IAM User Guide, "IAM Access Analyzer error findings": "If an
updated policy allows a principal that is already identified in a finding, but with different permissions or conditions,
a new finding is generated".
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from locum.agents.analyzers.resources import Named
from locum.agents.analyzers.upkeep import Analysis, common, identity
from locum.analysis.candidates import Candidate
from locum.analysis.internal_access import Access, Reach, ungoverned
from locum.core.arn import is_service_linked
from locum.services.accessanalyzer.inclusions import BUCKET
from locum.services.accessanalyzer.zones import of_organization
from locum.state import OrganizationPolicy, State
from locum.state.analyzers import INTERNAL_ACCESS, AccessFinding, Analyzer
from locum.state.organization import FULL_ACCESS, RCP_FULL_ACCESS
from locum.state.organizations import (
    RESOURCE_CONTROL,
    SERVICE_CONTROL,
    is_management,
    organization_of,
    policies_in_force,
)

INTERNAL_ERROR: Final = "INTERNAL_ERROR"
_PRINCIPALS: Final = 3_000
"""Error findings: "PRINCIPAL_LIMIT_EXCEEDED – Generated when more than 3,000 principals have access"."""
_ERRORS: Final = 100
"""The principals of one resource that have error findings of their own; AWS does not say how many have."""
_TYPES: Final = {"user": "IAM_USER", "role": "IAM_ROLE"}
_GIVEN: Final = (FULL_ACCESS, RCP_FULL_ACCESS)

_log: Final = logging.getLogger("locum.agents")


class About(NamedTuple):
    """What findings are about: a resource of `owner` that an analyzer looks at `now`, in a state."""

    analyzer: Analyzer
    resource: Named
    owner: str
    state: State
    now: float


def analysis(about: About, zone: Iterable[str], reach: Reach) -> Analysis:
    """What is found about a resource, of which `reach` tells who of the accounts of the zone can do what."""
    found: list[AccessFinding] = []
    errors: list[Candidate] = []
    principals = 0
    state = about.state if of_organization(about.analyzer.type) else ungoverned(about.state)
    for group in reach.groups(state, zone):
        for candidate in group:
            try:
                access = reach.of(candidate)
            except Exception:  # a fault barrier: who breaks the analysis has a finding that says so, and nobody else
                _log.exception("what %s can do with %s is not analyzed", candidate.arn, about.resource.arn)
                errors.append(candidate)
                continue
            principals += bool(access)
            found += _findings(about, candidate, access)
        reach.settle()
        if principals > _PRINCIPALS:
            return failed(about, "PRINCIPAL_LIMIT_EXCEEDED")
    told = sorted(errors, key=lambda candidate: candidate.arn)[:_ERRORS]
    found += [_error(about, INTERNAL_ERROR, candidate) for candidate in told]
    if len(errors) > _ERRORS:
        found.append(_error(about, "PRINCIPAL_ERRORS_LIMIT_EXCEEDED"))
    return Analysis(about.resource, there=True, owner=about.owner, findings=tuple(found))


def failed(about: About, code: str = INTERNAL_ERROR) -> Analysis:
    """The analysis of a resource that could not be analyzed: a finding with an error says so."""
    return Analysis(about.resource, there=True, owner=about.owner, findings=(_error(about, code),), error=code)


def _findings(about: About, candidate: Candidate, access: Access) -> Iterable[AccessFinding]:
    principal = {"AWS": candidate.arn}
    for conditions, actions in access.items():
        told, done = dict(conditions), {"action": ",".join(actions)}
        yield AccessFinding(
            **common(about.analyzer, about.resource, about.owner, about.now),
            id=identity(about.analyzer, about.resource, principal, told, done),
            finding_type=INTERNAL_ACCESS,
            principal=principal,
            conditions=told,
            actions=actions,
            more=_of_principal(about, candidate) | _of_policies(about, candidate),
        )


def _error(about: About, code: str, candidate: Candidate | None = None) -> AccessFinding:
    principal = {"AWS": candidate.arn} if candidate is not None else {}
    return AccessFinding(
        **common(about.analyzer, about.resource, about.owner, about.now),
        id=identity(about.analyzer, about.resource, principal, {"error": code}),
        finding_type=INTERNAL_ACCESS,
        principal=principal,
        error=code,
        more=_of_principal(about, candidate) if candidate is not None else {},
    )


def _of_principal(about: About, candidate: Candidate) -> dict[str, Any]:
    return {
        "principalOwnerAccount": candidate.account,
        "principalType": _TYPES[candidate.kind],
        "accessType": "INTRA_ACCOUNT" if candidate.account == about.owner else "INTRA_ORG",
    }


def _of_policies(about: About, candidate: Candidate) -> dict[str, Any]:
    """How control policies count, and what grants: "It is populated for Amazon S3 bucket findings"."""
    exempt = is_service_linked(candidate.arn)
    found: dict[str, Any] = {
        "resourceControlPolicyRestriction": _restriction(about, about.owner, RESOURCE_CONTROL),
        "serviceControlPolicyRestriction": _restriction(about, candidate.account, SERVICE_CONTROL, exempt=exempt),
    }
    return found | ({"sources": [{"type": "POLICY"}]} if about.resource.type == BUCKET else {})


def _restriction(about: About, account: str, kind: str, *, exempt: bool = False) -> str:
    """How control policies of a type count: of an organization where it has any, of an account where it has them."""
    state, organization = about.state, organization_of(about.state, account)
    if organization is None or exempt:
        return "NOT_APPLICABLE"
    levels = policies_in_force(state, account, kind)
    if of_organization(about.analyzer.type):
        policies = state.table(OrganizationPolicy, organization.account).values()
        return "APPLIED" if levels and any(it.type == kind for it in policies) else "NOT_APPLICABLE"
    own = any(not it.arn.endswith(_GIVEN) for level in levels for it in level)
    return "APPLICABLE" if own and not is_management(organization, account) else "NOT_APPLICABLE"
