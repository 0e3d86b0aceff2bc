"""The tree of units and accounts: listing children and parents, and moving accounts."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.services.organizations import shapes
from locum.services.organizations.access import Scope, administered_reads, by_management
from locum.services.organizations.accounts import account_of, joined
from locum.services.organizations.faults import fault, parent_not_found
from locum.services.organizations.pagination import listed
from locum.services.verbs import Operation, Outcome, Params, writes
from locum.state import Member, Unit, organizations, put


def parent_of(scope: Scope, parent: str, missing: Fault | None = None) -> str:
    """Check that `parent` is the id of the root or a unit, and return it.

    Raises `missing`, or ParentNotFoundException.
    """
    if parent != scope.organization.root and scope.unit(parent) is None:
        raise missing or parent_not_found()
    return parent


def units_in(scope: Scope, parent: str) -> list[Unit]:
    """The units directly under `parent`, unordered."""
    return organizations.units_in(scope.context.state, scope.organization, parent)


def accounts_in(scope: Scope, parent: str) -> list[Member]:
    """The accounts directly under `parent`, unordered."""
    return organizations.members_in(scope.context.state, scope.organization, parent)


def list_accounts_for_parent(scope: Scope, params: Params) -> Outcome:
    """ListAccountsForParent."""
    members = accounts_in(scope, parent_of(scope, params["ParentId"]))
    return listed(params, "Accounts", members, joined, lambda member: shapes.member(scope, member))


def list_organizational_units_for_parent(scope: Scope, params: Params) -> Outcome:
    """ListOrganizationalUnitsForParent."""
    units = units_in(scope, parent_of(scope, params["ParentId"]))
    return listed(params, "OrganizationalUnits", units, lambda unit: unit.id, lambda unit: shapes.unit(scope, unit))


def list_children(scope: Scope, params: Params) -> Outcome:
    """ListChildren."""
    parent, kind = parent_of(scope, params["ParentId"]), params["ChildType"]
    found = accounts_in(scope, parent) if kind == "ACCOUNT" else units_in(scope, parent)
    return listed(params, "Children", found, lambda child: child.key, lambda child: {"Id": child.key, "Type": kind})


def list_parents(scope: Scope, params: Params) -> Outcome:
    """ListParents: "a child can have only a single parent"."""
    child = scope.member(params["ChildId"]) or scope.unit(params["ChildId"])
    if child is None:
        raise fault("ChildNotFound", "You specified a child that doesn't exist.")
    kind = "ROOT" if child.parent == scope.organization.root else "ORGANIZATIONAL_UNIT"
    return listed(params, "Parents", (child.parent,), str, lambda parent: {"Id": parent, "Type": kind})


def move_account(scope: Scope, params: Params) -> Outcome:
    """MoveAccount."""
    member = account_of(scope, params["AccountId"])
    no_source = fault("SourceParentNotFound", "You specified a source parent that doesn't exist.")
    no_destination = fault("DestinationParentNotFound", "You specified a destination parent that doesn't exist.")
    source = parent_of(scope, params["SourceParentId"], no_source)
    destination = parent_of(scope, params["DestinationParentId"], no_destination)
    if member.parent == destination:
        raise fault("DuplicateAccount", "That account is already present in the specified destination.")
    if member.parent != source:
        raise no_source
    return Outcome({}, (put(replace(member, parent=destination)),))


OPERATIONS: Final[dict[str, Operation]] = {
    "MoveAccount": writes(by_management(move_account)),
    **dict(
        (
            administered_reads("ListAccountsForParent", list_accounts_for_parent),
            administered_reads("ListOrganizationalUnitsForParent", list_organizational_units_for_parent),
            administered_reads("ListChildren", list_children),
            administered_reads("ListParents", list_parents),
        )
    ),
}
