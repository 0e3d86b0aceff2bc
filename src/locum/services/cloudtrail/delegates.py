"""Delegated administrators of CloudTrail, which are those of Organizations for its service principal.

CloudTrail API Reference, RegisterOrganizationDelegatedAdmin, DeregisterOrganizationDelegatedAdmin. User Guide,
"Required permissions to assign a delegated administrator": the caller needs the permissions of Organizations as well,
and those to make the service-linked role.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Final

from locum.core.actors import on_behalf_of
from locum.core.calls import Ask, ServiceCall
from locum.core.errors import Fault
from locum.services.asking import Asking, asking
from locum.services.cloudtrail.organization import GLOBAL, check_access, linked_role
from locum.services.verbs import Context, Operation, Outcome, Params, asks_and_writes
from locum.state import Member, put
from locum.state.organizations import delegates_of, organization_of
from locum.state.trails import CLOUDTRAIL

MOST: Final = 3
"""User Guide, "Organization delegated administrator": "An organization can have a maximum of three"."""


def register_organization_delegated_admin(ctx: Context, params: Params) -> Asking:
    """cloudtrail:RegisterOrganizationDelegatedAdmin."""
    member = _member(ctx, params["MemberAccountId"])
    if CLOUDTRAIL in member.delegations:
        raise Fault("AccountRegisteredException", "The account is already registered as a delegated administrator.")
    if member.closed:
        raise Fault("OperationNotPermittedException", "A suspended account cannot be a delegated administrator.")
    if len(delegates_of(ctx.state, ctx.account, CLOUDTRAIL)) >= MOST:
        message = f"An organization can have up to {MOST} delegated administrators of CloudTrail."
        raise Fault("DelegatedAdminAccountLimitExceededException", message)
    yield from _permitted(ctx, "RegisterDelegatedAdministrator", member)
    effects = yield from linked_role(ctx)
    return Outcome({}, (put(member.registered(CLOUDTRAIL, int(ctx.now))),), effects)


def deregister_organization_delegated_admin(ctx: Context, params: Params) -> Asking:
    """cloudtrail:DeregisterOrganizationDelegatedAdmin. What the account has made for the organization stays."""
    member = _member(ctx, params["DelegatedAdminAccountId"])
    if CLOUDTRAIL not in member.delegations:
        raise _not_registered()
    yield from _permitted(ctx, "DeregisterDelegatedAdministrator", member)
    return Outcome({}, (put(member.deregistered(CLOUDTRAIL)),))


def _member(ctx: Context, account: str) -> Member:
    """The account in the organization that the caller's account manages, which lets CloudTrail in. Raises Fault."""
    organization = organization_of(ctx.state, ctx.account)
    if organization is None:
        raise Fault("OrganizationsNotInUseException", "Your account is not in an organization.")
    if organization.account != ctx.account:
        message = "Your account is not the management account of the organization."
        raise Fault("NotOrganizationManagementAccountException", message)
    check_access(organization)
    if account == ctx.account:
        message = "The management account of an organization cannot be its delegated administrator."
        raise Fault("CannotDelegateManagementAccountException", message)
    member = ctx.state.get(Member, ctx.account, account)
    if member is None:
        raise Fault("AccountNotFoundException", f"The account {account} is not in the organization.")
    return member


def _permitted(ctx: Context, operation: str, member: Member) -> Generator[Ask, Mapping[str, Any], None]:
    """Have it decided whether the caller may do the same in Organizations. Raises Fault."""
    caller = on_behalf_of(ctx.caller, CLOUDTRAIL)
    params = {"AccountId": member.id, "ServicePrincipal": CLOUDTRAIL}
    try:
        yield Ask(ServiceCall(caller, "organizations", operation, params, GLOBAL), decided_only=True)
    except Fault as fault:
        message = f"The request requires the permission organizations:{operation}."
        raise Fault("InsufficientDependencyServiceAccessPermissionException", message) from fault


def _not_registered() -> Fault:
    message = "The account is not registered as a delegated administrator of CloudTrail."
    return Fault("AccountNotRegisteredException", message)


OPERATIONS: Final[dict[str, Operation]] = {
    "DeregisterOrganizationDelegatedAdmin": asks_and_writes(asking(deregister_organization_delegated_admin)),
    "RegisterOrganizationDelegatedAdmin": asks_and_writes(asking(register_organization_delegated_admin)),
}
