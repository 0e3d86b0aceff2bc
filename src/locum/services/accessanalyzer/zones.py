"""Zones of trust of analyzers: who may make one, the accounts that it looks at, and what of them decides its findings.

IAM User Guide, "Create an IAM Access Analyzer external access analyzer", "Settings for IAM Access Analyzer"; Access
Analyzer API Reference, StatusReason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

from locum.core.errors import Fault
from locum.core.identifiers import ACCOUNT_ID
from locum.services.accessanalyzer.faults import access_denied, invalid, invalid_zone
from locum.services.accessanalyzer.lookups import analyzer_at
from locum.services.verbs import Context
from locum.state import Member, Organization, State
from locum.state.analyzers import Analyzer
from locum.state.organizations import (
    ACTIVE,
    RESOURCE_CONTROL,
    is_delegated,
    is_management,
    member_of,
    organization_of,
    path_of,
    policies_in_force,
)

SERVICE: Final = "access-analyzer.amazonaws.com"
"""The service principal with trusted access, for which administrators are delegated."""
ACCESS_DISABLED: Final = "AWS_SERVICE_ACCESS_DISABLED"
DEREGISTERED: Final = "DELEGATED_ADMINISTRATOR_DEREGISTERED"
ORGANIZATION_DELETED: Final = "ORGANIZATION_DELETED"
"""The codes of the reasons for which an analyzer is disabled."""


def of_organization(kind: str) -> bool:
    """Whether analyzers of the type `kind` have an organization as their zone of trust."""
    return kind.startswith("ORGANIZATION")


def check_zone(ctx: Context, kind: str) -> str:
    """Check that the account may make analyzers of a type: the id of the organization that is the zone, if one is.

    Raises Fault ValidationException where IAM Access Analyzer has no trusted access, AccessDeniedException for an
    account that is neither the management account nor a delegated administrator.
    """
    if not of_organization(kind):
        return ""
    organization = organization_of(ctx.state, ctx.account)
    code = _reason(ctx.state, organization, ctx.account)
    if organization is None or code:
        raise _refusal(code, ctx.account)
    return organization.id


def check_accounts(kind: str, accounts: Iterable[str]) -> None:
    """Check the accountIds that the configuration of an analyzer of a type has. Raises Fault ValidationException."""
    for it in accounts:
        if not of_organization(kind):
            raise invalid("accountIds", "They are only for analyzers of an organization.")
        if not ACCOUNT_ID.fullmatch(it):
            raise invalid("accountIds", "An account has twelve digits.")


def enabled_at(ctx: Context, arn: str) -> Analyzer:
    """The analyzer with that ARN. Raises Fault, also for one that is disabled: its findings are not accessible."""
    analyzer = analyzer_at(ctx, arn)
    code = reason(ctx.state, analyzer)
    if code:
        raise _refusal(code, analyzer.account)
    return analyzer


def _refusal(code: str, account: str) -> Fault:
    if code == DEREGISTERED:
        return access_denied(f"Account {account} is not a delegated administrator")
    return invalid_zone("Service not enabled for AWS Organizations")


def reason(state: State, analyzer: Analyzer) -> str:
    """The code of the reason for which an analyzer is disabled; empty where it is active."""
    if not of_organization(analyzer.type):
        return ""
    return _reason(state, _organization(state, analyzer), analyzer.account)


def _reason(state: State, organization: Organization | None, account: str) -> str:
    if organization is None:
        return ORGANIZATION_DELETED
    if SERVICE not in organization.services:
        return ACCESS_DISABLED
    own = organization_of(state, account)
    administers = is_management(organization, account) or is_delegated(state, account, SERVICE)
    return "" if own == organization and administers else DEREGISTERED


def _organization(state: State, analyzer: Analyzer) -> Organization | None:
    """The organization that is the zone of an analyzer; None where there is none any more."""
    if not analyzer.organization:  # made by an older Locum
        return organization_of(state, analyzer.account)
    return next((it for it in state.every(Organization) if it.id == analyzer.organization), None)


def accounts(state: State, analyzer: Analyzer) -> frozenset[str]:
    """The accounts that an analyzer looks at: none where it is disabled, and no closed ones."""
    if not of_organization(analyzer.type):
        return frozenset({analyzer.account})
    return frozenset() if reason(state, analyzer) else frozenset(_members(state, analyzer, active=True))


def covers(state: State, analyzer: Analyzer, account: str) -> bool:
    """Whether an account is among the `accounts` of an analyzer, of which there may be thousands."""
    if not of_organization(analyzer.type):
        return account == analyzer.account
    organization, member = _organization(state, analyzer), member_of(state, account)
    if organization is None or member is None or reason(state, analyzer):
        return False
    return member.account == organization.account and member.status == ACTIVE


def trusted(state: State, analyzer: Analyzer) -> frozenset[str]:
    """The accounts whose principals are inside of the zone."""
    if not of_organization(analyzer.type):
        return frozenset({analyzer.account})
    return frozenset(_members(state, analyzer, active=False))


def _members(state: State, analyzer: Analyzer, *, active: bool) -> Mapping[str, Member]:
    organization = _organization(state, analyzer)
    found = () if organization is None else state.table(Member, organization.account).values()
    return {it.id: it for it in found if not active or it.status == ACTIVE}


def outline(state: State, analyzer: Analyzer) -> dict[str, str]:
    """What of a zone decides findings, by account: its place in the organization, and a digest of its RCPs.

    Of the zone of an account nothing but RCPs, and nothing at all without those.
    """
    if not of_organization(analyzer.type):
        controls = _controls(state, analyzer.account)
        return {analyzer.account: f" {controls}"} if controls else {}
    return {it: f"{_path(state, it)} {_controls(state, it)}" for it in sorted(accounts(state, analyzer))}


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> frozenset[str]:
    """The accounts of two outlines whose findings may be others: all of them where the zone itself is another."""
    places = [{account: told.partition(" ")[0] for account, told in each.items()} for each in (before, after)]
    known = {*before, *after}
    if places[0] != places[1]:
        return frozenset(known)
    return frozenset(account for account in known if before.get(account) != after.get(account))


def _path(state: State, account: str) -> str:
    member, organization = member_of(state, account), organization_of(state, account)
    return "" if member is None or organization is None else path_of(state, organization, member)


def _controls(state: State, account: str) -> str:
    levels = policies_in_force(state, account, RESOURCE_CONTROL)
    told = repr([[it.document for it in level] for level in levels])
    return hashlib.sha256(told.encode()).hexdigest()[:32] if levels else ""
