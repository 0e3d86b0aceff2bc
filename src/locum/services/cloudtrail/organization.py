"""What an account needs for trails and event data stores of its organization.

CloudTrail User Guide, "Creating a trail for an organization" and "Organization event data stores".
"""

from __future__ import annotations

from typing import Final

from locum.core.errors import Fault
from locum.services.verbs import Context
from locum.state.organizations import organization_of

CLOUDTRAIL: Final = "cloudtrail.amazonaws.com"


def check_organization(ctx: Context) -> None:
    """Check that the caller's account manages an organization that lets CloudTrail in. Raises Fault."""
    organization = organization_of(ctx.state, ctx.account)
    if organization is None:
        message = "The request is for an organization, and your account is not in one."
        raise Fault("OrganizationsNotInUseException", message)
    if organization.account != ctx.account:
        message = "The request is for an organization, and your account is not its management account."
        raise Fault("NotOrganizationMasterAccountException", message)
    if organization.feature_set != "ALL":
        message = "All features must be enabled in the organization."
        raise Fault("OrganizationNotInAllFeaturesModeException", message)
    if CLOUDTRAIL not in organization.services:
        message = "Trusted access of CloudTrail is not enabled in the organization."
        raise Fault("CloudTrailAccessNotEnabledException", message)
