"""The zone of an analyzer: the accounts that it looks at.

IAM User Guide, "Delegated administrator for IAM Access Analyzer": the analyzers of an organization are made by its
management account, or by a delegated administrator, once trusted access is enabled.
"""

from __future__ import annotations

from typing import Final

from locum.core.errors import Fault
from locum.services.accessanalyzer.faults import invalid_zone
from locum.services.verbs import Context
from locum.state import Member, State
from locum.state.analyzers import Analyzer
from locum.state.organizations import is_delegated, is_management, organization_of

SERVICE: Final = "access-analyzer.amazonaws.com"


def of_organization(kind: str) -> bool:
    """Whether analyzers of the type `kind` look at all accounts of an organization."""
    return kind.startswith("ORGANIZATION")


def accounts(state: State, analyzer: Analyzer) -> frozenset[str]:
    """The accounts that an analyzer looks at: none while it may not look at its organization any more."""
    if not of_organization(analyzer.type):
        return frozenset({analyzer.account})
    organization = organization_of(state, analyzer.account)
    if organization is None or _refusal(state, analyzer.account) is not None:
        return frozenset()
    return frozenset(member.id for member in state.table(Member, organization.account).values())


def check_zone(ctx: Context, kind: str) -> None:
    """Check that the caller's account may make analyzers of the type `kind`.

    Raises Fault ValidationException, AccessDeniedException.
    """
    refusal = _refusal(ctx.state, ctx.account) if of_organization(kind) else None
    if refusal is not None:
        raise refusal


def _refusal(state: State, account: str) -> Fault | None:
    """The reason why an account has no analyzers of an organization; None where it may have some."""
    organization = organization_of(state, account)
    if organization is None or SERVICE not in organization.services:
        return invalid_zone("Service not enabled for AWS Organizations")
    if not is_management(organization, account) and not is_delegated(state, account, SERVICE):
        return Fault("AccessDeniedException", f"Account {account} is not a delegated administrator", 403)
    return None
