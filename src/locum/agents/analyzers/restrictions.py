"""The resource control policies that restrict access to a resource.

Organizations User Guide, "Resource control policies"; Access Analyzer API Reference, ExternalAccessDetails.
"""

from __future__ import annotations

from typing import Final

from locum.analysis import proofs
from locum.authz.service_reference import resource_controlled
from locum.policy import MalformedPolicy, PolicyKind, parse
from locum.state import Member, State
from locum.state.organization import AWS_POLICIES, RCP_FULL_ACCESS
from locum.state.organizations import RESOURCE_CONTROL, is_management, organization_of, policies_in_force

RESTRICTION: Final = "resourceControlPolicyRestriction"
APPLIED: Final = "APPLIED"
FAILED: Final = "FAILED_TO_EVALUATE_RCP"
NOT_APPLICABLE: Final = "NOT_APPLICABLE"


def in_force(state: State, account: str, kind: str) -> tuple[str, ...]:
    """The policies of all levels that deny something of the service of a type of resources; () in the management
    account, whose resources they do not restrict.
    """
    service = proofs.service_of(kind)
    organization = organization_of(state, account)
    if organization is None or is_management(organization, account) or service not in resource_controlled():
        return ()
    levels = policies_in_force(state, account, RESOURCE_CONTROL)
    full = AWS_POLICIES[RCP_FULL_ACCESS].content
    listed = dict.fromkeys(it.document for level in levels for it in level if it.document != full)
    return tuple(text for text in listed if _concerns(text, service))


def within(state: State, account: str, zone: proofs.Zone) -> proofs.Zone:
    """A zone with what is known of the organization of an account, whose members these policies may let in."""
    organization = organization_of(state, account)
    if organization is None:
        return zone
    members = frozenset(it.id for it in state.table(Member, organization.account).values())
    return zone._replace(organization=organization.id, others=members - zone.accounts)


def _concerns(text: str, service: str) -> bool:
    """Whether a policy denies something of a service. One that cannot be read denies everything."""
    try:
        document = parse(text, PolicyKind.RCP)
    except MalformedPolicy:
        return True
    return any(
        not it.allows and (it.actions is None or any(_prefix(action) in ("*", service) for action in it.actions))
        for it in document.statements
    )


def _prefix(action: str) -> str:
    return action.partition(":")[0].lower()
