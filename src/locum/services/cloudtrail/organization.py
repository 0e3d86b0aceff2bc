"""What an account needs for trails and event data stores of its organization, and who owns them.

CloudTrail User Guide, "Creating a trail for an organization", "Organization event data stores" and "Organization
delegated administrator": "The management account remains the owner of any CloudTrail organization resources the
delegated administrator creates."
"""

from __future__ import annotations

from typing import Final

from locum.core.errors import Fault
from locum.services import linked_roles
from locum.services.linked_roles import MakingRole, has_linked_role
from locum.services.verbs import Context
from locum.state import Organization
from locum.state.organizations import ALL_FEATURES, delegator_of, organization_of
from locum.state.trails import CLOUDTRAIL

GLOBAL: Final = "us-east-1"
"""The region of Organizations."""


def check_organization(ctx: Context) -> Organization:
    """The caller's organization, which lets CloudTrail in, and for which the caller's account may act. Raises Fault."""
    organization = organization_of(ctx.state, ctx.account)
    if organization is None:
        message = "The request is for an organization, and your account is not in one."
        raise Fault("OrganizationsNotInUseException", message)
    if not acts_for(ctx, organization.account):
        message = "The request is for an organization, and your account is not its management account."
        raise Fault("NotOrganizationMasterAccountException", message)
    check_access(organization)
    if organization.account != ctx.account and not has_linked_role(ctx.state, organization.account, CLOUDTRAIL):
        message = "The management account of the organization does not have the service-linked role of CloudTrail."
        raise Fault("NoManagementAccountSLRExistsException", message)
    return organization


def check_access(organization: Organization) -> None:
    """Check that an organization has all features, and lets CloudTrail in. Raises Fault."""
    if organization.feature_set != ALL_FEATURES:
        message = "All features must be enabled in the organization."
        raise Fault("OrganizationNotInAllFeaturesModeException", message)
    if CLOUDTRAIL not in organization.services:
        message = "Trusted access of CloudTrail is not enabled in the organization."
        raise Fault("CloudTrailAccessNotEnabledException", message)


def owner_of(ctx: Context, organization: bool) -> str:
    """The account that owns what the caller makes, for itself or for its organization. Raises Fault."""
    return check_organization(ctx).account if organization else ctx.account


def acts_for(ctx: Context, account: str) -> bool:
    """Whether the caller's account is `account`, or the delegated administrator of its organization."""
    return ctx.account == account or delegator_of(ctx.state, ctx.account, CLOUDTRAIL) == account


def check_conversion(ctx: Context, owner: str, before: bool, after: bool) -> None:
    """Check that a trail or an event data store of `owner` may become one of an organization, or cease to be.

    Only the management account converts. Raises Fault.
    """
    if before == after:
        return
    if ctx.account != owner:
        message = "Only the management account can convert a resource of the organization."
        raise Fault("NotOrganizationMasterAccountException", message)
    if check_organization(ctx).account != owner:
        message = "Only the management account can convert a resource to one of the organization."
        raise Fault("NotOrganizationMasterAccountException", message)


def linked_role(ctx: Context) -> MakingRole:
    """The call of the caller that makes the service-linked role of the management account, where it is not there.

    Raises Fault InsufficientIAMAccessPermissionException where the caller may not.
    """
    try:
        return (yield from linked_roles.linked_role(ctx, CLOUDTRAIL))
    except Fault as fault:
        message = "You do not have the permissions to create the service-linked role of CloudTrail."
        raise Fault("InsufficientIAMAccessPermissionException", message) from fault


def linked_role_of(ctx: Context, organization: bool) -> MakingRole:
    """`linked_role`, for what the management account makes for its organization."""
    of_organization = organization_of(ctx.state, ctx.account) if organization else None
    if of_organization is None or of_organization.account != ctx.account:
        return ()
    return (yield from linked_role(ctx))
