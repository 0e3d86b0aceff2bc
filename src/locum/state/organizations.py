"""Reads over what the state knows of organizations: whose an account is, and what lies on the way down to it.

Organizations User Guide, "Terminology and concepts": one root; below it units and accounts, an account in one
unit (or the root) only, and in one organization at most. Pure; every function costs the depth of the tree.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from locum.core.arn import PARTITION
from locum.state.events import kind_of
from locum.state.indexes import CHILD_MEMBERS, CHILD_UNITS, MEMBERSHIP, scoped
from locum.state.organization import (
    AWS_POLICIES,
    RCP_FULL_ACCESS,
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
SUSPENDED: Final = "SUSPENDED"

ALL_FEATURES: Final = "ALL"

ROOT_CREDENTIALS: Final = "RootCredentialsManagement"
ROOT_SESSIONS: Final = "RootSessions"
"""The features of centralized root access, as ListOrganizationsFeatures calls them."""

ROOT_ACCESS_SERVICE: Final = "iam.amazonaws.com"
"""The service whose trusted access centralized root access takes, and whose delegated administrator has a part in it.
"""

OrganizationNode = Organization | Unit | Member
"""What policies are attached to: the root (for which the organization stands), a unit, an account."""

TABLES: Final = (kind_of(Organization), kind_of(Unit), kind_of(Member), kind_of(OrganizationPolicy))
"""The tables that everything here follows from: where none of them changed, no answer did."""

_SHORT: Final = {SERVICE_CONTROL: "SCP", RESOURCE_CONTROL: "RCP"}


class Attached(NamedTuple):
    """A policy at one level. `name` says which it is, and at which level; `arn` is its own."""

    document: str
    name: str
    arn: str


def member_of(state: State, account: str) -> Member | None:
    """The membership of `account`, wherever it is a member; None where it is in no organization."""
    return state.first(Member, MEMBERSHIP, account)


def organization_of(state: State, account: str) -> Organization | None:
    """The organization that `account` is in, as its management account or as a member; None where it is in none."""
    member = member_of(state, account)
    return None if member is None else state.get(Organization, member.account, member.account)


def is_management(organization: Organization, account: str) -> bool:
    """Whether `account` manages `organization`."""
    return organization.account == account


def is_delegated(state: State, account: str, service: str) -> bool:
    """Whether `account` is the delegated administrator for `service` (a service principal) of its organization."""
    member = member_of(state, account)
    return member is not None and service in member.delegations


def administers_root_access(state: State, organization: Organization, account: str) -> bool:
    """Whether `account`, which is in `organization`, may have to do with the root users of its other accounts."""
    return is_management(organization, account) or is_delegated(state, account, ROOT_ACCESS_SERVICE)


def ancestry(state: State, organization: Organization, member: Member) -> tuple[OrganizationNode, ...]:
    """The way down to the account: the organization (its root), each unit, the member itself."""
    parent = state.get(Unit, organization.account, member.parent)
    units = () if parent is None else units_above(state, organization, parent)
    return (organization, *units, member)


def units_above(state: State, organization: Organization, unit: Unit) -> tuple[Unit, ...]:
    """The units from the root down to `unit`, itself included."""
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
    """The id that policies name `node` by as their target: r-..., ou-... or the twelve digits of an account."""
    return node.root if isinstance(node, Organization) else node.id


def path_of(state: State, organization: Organization, member: Member) -> str:
    """The path that aws:PrincipalOrgPaths has for the account: `o-a1/r-ab12/ou-ab12-11111111/`."""
    above = ancestry(state, organization, member)[:-1]
    return "".join(f"{part}/" for part in (organization.id, *map(target_of, above)))


def node_of(state: State, organization: Organization, target: str) -> OrganizationNode | None:
    """What of `organization` has the id `target`, or None."""
    if target == organization.root:
        return organization
    management = organization.account
    return state.get(Unit, management, target) or state.get(Member, management, target)


def node_arn(organization: Organization, node: OrganizationNode) -> str:
    """The ARN of the root, a unit or an account."""
    kind = "root" if isinstance(node, Organization) else "ou" if isinstance(node, Unit) else "account"
    return organization_arn(organization.account, organization.id, kind, target_of(node))


def policy_arn(organization: Organization, policy: OrganizationPolicy) -> str:
    """The ARN of a policy; AWS's own are of no organization."""
    if policy.aws_managed:
        return f"arn:{PARTITION}:organizations::{policy.account}:policy/{policy.type.lower()}/{policy.id}"
    return organization_arn(organization.account, organization.id, "policy", policy.type.lower(), policy.id)


def handshake_arn(handshake: Handshake) -> str:
    """The ARN of a handshake."""
    action = handshake.action.lower()
    return organization_arn(handshake.account, handshake.organization, "handshake", action, handshake.id)


def resource_policy_arn(organization: Organization, policy: str) -> str:
    """The ARN of the organization's resource policy, with the id `policy`."""
    return organization_arn(organization.account, organization.id, "resourcepolicy", policy)


def policy_ids(node: OrganizationNode) -> tuple[str, ...]:
    """The ids of the policies attached to `node`, of all types, save the one that cannot be detached."""
    return node.root_policies if isinstance(node, Organization) else node.policies


def policy_of(state: State, organization: Organization, policy: str) -> OrganizationPolicy | None:
    """The policy with the id `policy`, one of AWS's own or of the organization; or None."""
    return AWS_POLICIES.get(policy) or state.get(OrganizationPolicy, organization.account, policy)


def attached(state: State, organization: Organization, target: str, kind: str) -> tuple[OrganizationPolicy, ...]:
    """The policies of the type `kind` that are attached to `target` itself, by their ids."""
    node = node_of(state, organization, target)
    if node is None:
        return ()
    ids = (RCP_FULL_ACCESS, *policy_ids(node)) if kind == RESOURCE_CONTROL else policy_ids(node)
    found = (policy_of(state, organization, policy) for policy in sorted(ids))
    return tuple(policy for policy in found if policy is not None and policy.type == kind)


def policy_levels(
    state: State, organization: Organization, member: Member, kind: str
) -> tuple[tuple[OrganizationNode, tuple[OrganizationPolicy, ...]], ...]:
    """What of the type `kind` is attached at each level from the root to the account, whether enabled or not."""
    way = ancestry(state, organization, member)
    return tuple((node, attached(state, organization, target_of(node), kind)) for node in way)


def units_in(state: State, organization: Organization, parent: str) -> list[Unit]:
    """The units directly under `parent` (the id of the root or of a unit), in no order."""
    found = state.find(CHILD_UNITS, scoped(organization.account, parent))
    return [unit for unit in found if isinstance(unit, Unit)]


def members_in(state: State, organization: Organization, parent: str) -> list[Member]:
    """The accounts directly under `parent` (the id of the root or of a unit), in no order."""
    found = state.find(CHILD_MEMBERS, scoped(organization.account, parent))
    return [member for member in found if isinstance(member, Member)]


def children(state: State, organization: Organization, parent: str) -> tuple[tuple[Unit, ...], tuple[Member, ...]]:
    """The units and the accounts directly under `parent` (the id of the root or of a unit), by their ids."""
    units = sorted(units_in(state, organization, parent), key=lambda unit: unit.id)
    return tuple(units), tuple(sorted(members_in(state, organization, parent), key=lambda member: member.id))


def in_force(state: State, account: str, kind: str) -> tuple[tuple[Attached, ...], ...]:
    """The levels of the type `kind` that speak of `account`, root to account; none where that type is not in force.

    "You must enable a policy type in the root before you can attach policies of that type"; only an organization with
    all features has them. The management account's are told like any other's: that it is exempt is for the evaluator.
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
    """What a person calls a level: `the root r-ab12`, `unit Dev (ou-ab12-11111111)`, `account Prod (222233334444)`."""
    if isinstance(node, Organization):
        return f"the root {node.root}"
    return f"{'unit' if isinstance(node, Unit) else 'account'} {node.name} ({node.id})"


class _Suspended:
    """The suspended accounts of the members last asked about: they stay the same while the table does."""

    kept: tuple[Any, frozenset[str]] = (None, frozenset())


_MEMBERS: Final = kind_of(Member)


def suspended(state: State) -> frozenset[str]:
    """The accounts that are closed. Asked at every call: it costs a comparison while no member changes."""
    members = state.tables.get(_MEMBERS)
    known, accounts = _Suspended.kept
    if members is not known:
        accounts = frozenset(member.id for member in state.every(Member) if member.status == SUSPENDED)
        _Suspended.kept = members, accounts
    return accounts
