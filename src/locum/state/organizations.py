"""Queries on organizations: memberships, the tree of units and accounts, and attached policies.

Organizations User Guide, "Terminology and concepts": one root; below it units and accounts, an account in one
unit (or the root) only, and in one organization at most. Pure; every function takes time in the depth of the tree.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from locum.core.arn import PARTITION
from locum.state.events import kind_of
from locum.state.indexes import (
    CHILD_MEMBERS,
    CHILD_UNITS,
    DELEGATED_MEMBERS,
    MEMBERSHIP,
    SUSPENDED_MEMBERS,
    scoped,
)
from locum.state.organization import (
    AWS_POLICIES,
    RCP_FULL_ACCESS,
    SUSPENDED,
    Handshake,
    Member,
    Organization,
    OrganizationPolicy,
    Unit,
    organization_arn,
)
from locum.state.state import State

SERVICE_CONTROL: Final = "SERVICE_CONTROL_POLICY"
RESOURCE_CONTROL: Final = "RESOURCE_CONTROL_POLICY"

ACTIVE: Final = "ACTIVE"

ALL_FEATURES: Final = "ALL"

ROOT_CREDENTIALS: Final = "RootCredentialsManagement"
ROOT_SESSIONS: Final = "RootSessions"
"""The features of centralized root access, by their names in ListOrganizationsFeatures."""

ROOT_ACCESS_SERVICE: Final = "iam.amazonaws.com"
"""The service whose trusted access centralized root access requires, and whose delegated administrator may use it."""

OrganizationNode = Organization | Unit | Member
"""A target of policies: the root (represented by the organization), a unit, or an account."""

TABLES: Final = (kind_of(Organization), kind_of(Unit), kind_of(Member), kind_of(OrganizationPolicy))
"""The tables that these queries read: where none of them changed, no result did."""

_SHORT: Final = {SERVICE_CONTROL: "SCP", RESOURCE_CONTROL: "RCP"}


class Attached(NamedTuple):
    """A policy attached at one level. `name` contains the policy's name, id and level; `arn` is the policy's."""

    document: str
    name: str
    arn: str


def managed_since(state: State, account: str) -> dict[str, float]:
    """The accounts of the organization that `account` manages, with the times they joined; without one, itself.

    What an account did before it joined is no affair of the organization. `account` was there from the beginning (0).
    """
    organization = organization_of(state, account)
    if organization is None or organization.account != account:
        return {account: 0.0}
    return {it.id: float(it.joined) for it in state.table(Member, account).values()} | {account: 0.0}


def member_of(state: State, account: str) -> Member | None:
    """The membership of `account`; None where it is in no organization."""
    return state.first(Member, MEMBERSHIP, account)


def organization_of(state: State, account: str) -> Organization | None:
    """The organization of `account`, management or member account; None where it is in none."""
    member = member_of(state, account)
    return None if member is None else state.get(Organization, member.account, member.account)


def is_management(organization: Organization, account: str) -> bool:
    """Whether `account` is the management account of `organization`."""
    return organization.account == account


def is_delegated(state: State, account: str, service: str) -> bool:
    """Whether `account` is a delegated administrator of its organization for `service` (a service principal)."""
    return bool(delegator_of(state, account, service))


def delegator_of(state: State, account: str, service: str) -> str:
    """The management account for which `account` is a delegated administrator of `service`; empty where for none."""
    member = member_of(state, account)
    return member.account if member is not None and service in member.delegations else ""


def delegates_of(state: State, management: str, service: str = "") -> list[Member]:
    """The delegated administrators in the organization of `management`: for `service`, or for any."""
    found = state.find(DELEGATED_MEMBERS, management)
    return [it for it in found if isinstance(it, Member) and (not service or service in it.delegations)]


def administers_root_access(state: State, organization: Organization, account: str) -> bool:
    """Whether `account`, of `organization`, may use centralized root access to its other accounts."""
    return is_management(organization, account) or is_delegated(state, account, ROOT_ACCESS_SERVICE)


def ancestry(state: State, organization: Organization, member: Member) -> tuple[OrganizationNode, ...]:
    """The nodes from the root to the account: the organization (for its root), each unit, the member."""
    parent = state.get(Unit, organization.account, member.parent)
    units = () if parent is None else units_above(state, organization, parent)
    return (organization, *units, member)


def units_above(state: State, organization: Organization, unit: Unit) -> tuple[Unit, ...]:
    """The units from the root to `unit`, inclusive."""
    way = [unit]
    parent = unit.parent
    while parent != organization.root:
        above = state.get(Unit, organization.account, parent)
        if above is None or above in way:
            break
        way.append(above)
        parent = above.parent
    return tuple(reversed(way))


def target_of(node: OrganizationNode) -> str:
    """The target id of `node`: r-..., ou-... or the twelve digits of an account."""
    return node.root if isinstance(node, Organization) else node.id


def path_of(state: State, organization: Organization, member: Member) -> str:
    """The path of the account as in aws:PrincipalOrgPaths: `o-a1/r-ab12/ou-ab12-11111111/`."""
    above = ancestry(state, organization, member)[:-1]
    return "".join(f"{part}/" for part in (organization.id, *map(target_of, above)))


def node_of(state: State, organization: Organization, target: str) -> OrganizationNode | None:
    """The node of `organization` with the id `target`, or None."""
    if target == organization.root:
        return organization
    management = organization.account
    return state.get(Unit, management, target) or state.get(Member, management, target)


def node_arn(organization: Organization, node: OrganizationNode) -> str:
    """The ARN of a root, a unit or an account."""
    kind = "root" if isinstance(node, Organization) else "ou" if isinstance(node, Unit) else "account"
    return organization_arn(organization.account, organization.id, kind, target_of(node))


def policy_arn(organization: Organization, policy: OrganizationPolicy) -> str:
    """The ARN of a policy of the organization, or of AWS."""
    if policy.aws_managed:
        return f"arn:{PARTITION}:organizations::{policy.account}:policy/{policy.type.lower()}/{policy.id}"
    return organization_arn(organization.account, organization.id, "policy", policy.type.lower(), policy.id)


def handshake_arn(handshake: Handshake) -> str:
    """The ARN of a handshake."""
    action = handshake.action.lower()
    return organization_arn(handshake.account, handshake.organization, "handshake", action, handshake.id)


def resource_policy_arn(organization: Organization, policy: str) -> str:
    """The ARN of the organization's resource policy, whose id is `policy`."""
    return organization_arn(organization.account, organization.id, "resourcepolicy", policy)


def policy_ids(node: OrganizationNode) -> tuple[str, ...]:
    """The ids of the policies of all types attached to `node`, without RCPFullAWSAccess."""
    return node.root_policies if isinstance(node, Organization) else node.policies


def policy_of(state: State, organization: Organization, policy: str) -> OrganizationPolicy | None:
    """The policy with the id `policy`, of AWS or of the organization; or None."""
    return AWS_POLICIES.get(policy) or state.get(OrganizationPolicy, organization.account, policy)


def attached(state: State, organization: Organization, target: str, kind: str) -> tuple[OrganizationPolicy, ...]:
    """The policies of the type `kind` that are attached directly to `target`, by id."""
    node = node_of(state, organization, target)
    if node is None:
        return ()
    ids = (RCP_FULL_ACCESS, *policy_ids(node)) if kind == RESOURCE_CONTROL else policy_ids(node)
    found = (policy_of(state, organization, policy) for policy in sorted(ids))
    return tuple(policy for policy in found if policy is not None and policy.type == kind)


def policy_levels(
    state: State, organization: Organization, member: Member, kind: str
) -> tuple[tuple[OrganizationNode, tuple[OrganizationPolicy, ...]], ...]:
    """The policies of the type `kind` attached at each level from the root to the account, enabled or not."""
    way = ancestry(state, organization, member)
    return tuple((node, attached(state, organization, target_of(node), kind)) for node in way)


def units_in(state: State, organization: Organization, parent: str) -> list[Unit]:
    """The units directly under `parent` (the id of the root or of a unit), unordered."""
    found = state.find(CHILD_UNITS, scoped(organization.account, parent))
    return [unit for unit in found if isinstance(unit, Unit)]


def members_in(state: State, organization: Organization, parent: str) -> list[Member]:
    """The accounts directly under `parent` (the id of the root or of a unit), unordered."""
    found = state.find(CHILD_MEMBERS, scoped(organization.account, parent))
    return [member for member in found if isinstance(member, Member)]


def children(state: State, organization: Organization, parent: str) -> tuple[tuple[Unit, ...], tuple[Member, ...]]:
    """The units and the accounts directly under `parent` (the id of the root or of a unit), by id."""
    units = sorted(units_in(state, organization, parent), key=lambda unit: unit.id)
    return tuple(units), tuple(sorted(members_in(state, organization, parent), key=lambda member: member.id))


def policies_in_force(state: State, account: str, kind: str) -> tuple[tuple[Attached, ...], ...]:
    """The policies of the type `kind` in force for `account`, by level from the root; () where it is not enabled.

    "You must enable a policy type in the root before you can attach policies of that type"; only an organization with
    all features has them. The management account is not treated differently here: the evaluator exempts it.
    """
    member = member_of(state, account)
    organization = organization_of(state, account)
    if member is None or organization is None:
        return ()
    if organization.feature_set != ALL_FEATURES or kind not in organization.policy_types:
        return ()
    return tuple(
        tuple(_attached_at(organization, node, policy) for policy in policies)
        for node, policies in policy_levels(state, organization, member, kind)
    )


def _attached_at(organization: Organization, node: OrganizationNode, policy: OrganizationPolicy) -> Attached:
    name = f"{_SHORT.get(policy.type, policy.type)} {policy.name} ({policy.id}) of {place_of(node)}"
    return Attached(policy.content, name, policy_arn(organization, policy))


def place_of(node: OrganizationNode) -> str:
    """A name of a level for people: `the root r-ab12`, `unit Dev (ou-ab12-11111111)`, `account Prod (222233334444)`."""
    if isinstance(node, Organization):
        return f"the root {node.root}"
    return f"{'unit' if isinstance(node, Unit) else 'account'} {node.name} ({node.id})"


class _Suspended:
    """A cache of the suspended accounts, valid while their index is the identical value."""

    kept: tuple[Any, frozenset[str]] = (None, frozenset())


def suspended(state: State) -> frozenset[str]:
    """The closed accounts. Cached, as every call needs them: while none is closed, it takes one comparison."""
    postings = state.indexes.get(SUSPENDED_MEMBERS.name)
    known, accounts = _Suspended.kept
    if postings is not known:
        accounts = frozenset(account for _, _, account in state.references(SUSPENDED_MEMBERS, SUSPENDED))
        _Suspended.kept = postings, accounts
    return accounts
