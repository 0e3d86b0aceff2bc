"""The accounts of an organization: reading, closing and removing them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from locum.core.clock import DAY
from locum.services.organizations import limits, shapes
from locum.services.organizations.access import Scope, administered_reads, by_management, by_members
from locum.services.organizations.faults import (
    account_not_found,
    constraint_violation,
    fault,
    not_all_features,
)
from locum.services.organizations.pagination import listed
from locum.services.pagination import Ordered
from locum.services.verbs import Context, Operation, Outcome, Params, writes
from locum.state import Account, Member, put, remove
from locum.state.indexes import CLOSED_MEMBERS
from locum.state.organization import SUSPENDED
from locum.state.organizations import ALL_FEATURES


def known_account(context: Context) -> Account:
    """The caller's account, with a name and an e-mail address, which every account of AWS has."""
    account = context.account
    known = context.state.get(Account, account, account) or Account(account=account, created=int(context.now))
    return replace(known, name=known.name or account, email=known.email or f"root@{account}.example.com")


def joined(member: Member) -> str:
    """The sort key of lists of accounts: the time they joined."""
    return f"{member.joined:012}{member.id}"


def account_of(scope: Scope, account: str) -> Member:
    """The membership of `account` in the organization. Raises AccountNotFoundException."""
    found = scope.member(account)
    if found is None:
        raise account_not_found()
    return found


def describe_account(scope: Scope, params: Params) -> Outcome:
    """DescribeAccount."""
    return Outcome({"Account": shapes.member(scope, account_of(scope, params["AccountId"]))})


class _SortedMembers:
    """A cache of the sorted accounts, valid while their table is the identical value."""

    kept: tuple[Mapping[str, Member] | None, Ordered[Member]] = (None, Ordered())


def list_accounts(scope: Scope, params: Params) -> Outcome:
    """ListAccounts."""
    table = scope.context.state.table(Member, scope.management)
    known, members = _SortedMembers.kept
    if table is not known:
        members = Ordered(sorted(table.values(), key=joined))
        _SortedMembers.kept = (table, members)
    return listed(params, "Accounts", members, joined, lambda member: shapes.member(scope, member))


def close_account(scope: Scope, params: Params) -> Outcome:
    """CloseAccount. It takes effect at once, on AWS within minutes.

    The account stays in the organization, suspended.
    """
    member = account_of(scope, params["AccountId"])
    if member.id == scope.management:
        raise constraint_violation(
            "CANNOT_CLOSE_MANAGEMENT_ACCOUNT", "You can't close the management account of an organization."
        )
    if scope.organization.feature_set != ALL_FEATURES:
        raise not_all_features()
    if member.closed:
        raise fault("AccountAlreadyClosed", "The provided account is already closed.")
    since, state = scope.now - limits.CLOSING_DAYS * DAY, scope.context.state
    closed = [one for one in state.find(CLOSED_MEMBERS, scope.management) if isinstance(one, Member)]
    if sum(one.closed > since for one in closed) >= limits.closings(len(state.table(Member, scope.management)) - 1):
        raise constraint_violation(
            "CLOSE_ACCOUNT_QUOTA_EXCEEDED", "You have exceeded close account quota for the past 30 days."
        )
    return Outcome({}, (put(replace(member, status=SUSPENDED, closed=max(scope.now, 1))),))


def remove_account_from_organization(scope: Scope, params: Params) -> Outcome:
    """RemoveAccountFromOrganization: the account becomes a standalone account.

    A closed account cannot be removed: its state is part of the membership, and only AWS can reopen an account.
    """
    member = account_of(scope, params["AccountId"])
    check_departure(scope.management, member)
    if member.closed:
        raise constraint_violation(
            "ACCOUNT_CANNOT_LEAVE_ORGANIZATION",
            "A closed account can't be removed from the organization while it is suspended.",
        )
    return Outcome({}, (remove(member),))


def leave_organization(scope: Scope, _params: Params) -> Outcome:
    """LeaveOrganization."""
    member = account_of(scope, scope.context.account)
    check_departure(scope.management, member)
    return Outcome({}, (remove(member),))


def check_departure(management: str, member: Member) -> None:
    """Check that an account may leave. Raises MasterCannotLeaveOrganizationException, ConstraintViolationException.

    AWS's other requirements for standalone accounts (a payment method, four days of age) are not checked.
    """
    if member.id == management:
        raise fault("MasterCannotLeaveOrganization", "You can't remove a management account from an organization.")
    if member.delegations:
        raise constraint_violation(
            "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG",
            "You attempted to remove an account that is registered as a delegated administrator for a service "
            "integrated with your organization. To complete this operation, you must first deregister this account as "
            "a delegated administrator.",
        )


OPERATIONS: Final[dict[str, Operation]] = {
    "CloseAccount": writes(by_management(close_account)),
    "RemoveAccountFromOrganization": writes(by_management(remove_account_from_organization)),
    "LeaveOrganization": writes(by_members(leave_organization)),
    **dict(
        (
            administered_reads("DescribeAccount", describe_account),
            administered_reads("ListAccounts", list_accounts),
        )
    ),
}
