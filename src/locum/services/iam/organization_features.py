"""Centralized root access: the features that allow managing the root users of member accounts.

IAM User Guide, "Centralize root access for member accounts". The features are stored with the organization, and
enforced by sts:AssumeRoot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.services.verbs import Context, Operation, Outcome, Params, Verb, reads, writes
from locum.state import Organization, organizations, put
from locum.state.organizations import ROOT_ACCESS_SERVICE, ROOT_CREDENTIALS, ROOT_SESSIONS


def list_organizations_features(context: Context, _params: Params) -> Outcome:
    """ListOrganizationsFeatures. Raises as `_administered`."""
    return Outcome(_shown(_administered(context)))


def _enabling(feature: str) -> Verb:
    """Make an Enable operation, which delegated administrators cannot use: CallerIsNotManagementAccountException."""

    def enable(context: Context, _params: Params) -> Outcome:
        organization = _administered(context)
        if not organizations.is_management(organization, context.account):
            raise _fault(
                "CallerIsNotManagementAccountException",
                f"Account {context.account} is not the management account of the organization.",
            )
        return _changed(organization, {*organization.features, feature})

    return enable


def _disabling(feature: str) -> Verb:
    def disable(context: Context, _params: Params) -> Outcome:
        organization = _administered(context)
        return _changed(organization, {*organization.features} - {feature})

    return disable


def _changed(organization: Organization, features: set[str]) -> Outcome:
    changed = replace(organization, features=tuple(sorted(features)))
    return Outcome(_shown(changed), () if changed == organization else (put(changed),))


def _shown(organization: Organization) -> dict[str, Any]:
    return {"OrganizationId": organization.id, "EnabledFeatures": list(organization.features)}


def _administered(context: Context) -> Organization:
    """The organization whose root access the caller's account administers.

    Raises OrganizationNotFoundException, OrganizationNotInAllFeaturesModeException,
    AccountNotManagementOrDelegatedAdministratorException, ServiceAccessNotEnabledException.
    """
    account = context.account
    organization = organizations.organization_of(context.state, account)
    if organization is None:
        raise _fault("OrganizationNotFoundException", f"No organization is associated with account {account}.")
    for holds, code, message in _CONDITIONS:
        if not holds(context, organization):
            raise _fault(code, message.format(account))
    return organization


_CONDITIONS: Final[tuple[tuple[Callable[[Context, Organization], bool], str, str], ...]] = (
    (
        lambda context, organization: organization.feature_set == organizations.ALL_FEATURES,
        "OrganizationNotInAllFeaturesModeException",
        "The organization of input account {} does not have all features enabled.",
    ),
    (
        lambda context, organization: organizations.administers_root_access(
            context.state, organization, context.account
        ),
        "AccountNotManagementOrDelegatedAdministratorException",
        "Account {} is not the management account or a delegated administrator for IAM.",
    ),
    (
        lambda context, organization: ROOT_ACCESS_SERVICE in organization.services,
        "ServiceAccessNotEnabledException",
        "Trusted Access for IAM not enabled by organization of input account {}.",
    ),
)
"""The conditions, in this order, with the error for each that is not met."""


def _fault(code: str, message: str) -> Fault:
    return Fault(code, message, 400)


OPERATIONS: Final[dict[str, Operation]] = {
    "DisableOrganizationsRootCredentialsManagement": writes(_disabling(ROOT_CREDENTIALS)),
    "DisableOrganizationsRootSessions": writes(_disabling(ROOT_SESSIONS)),
    "EnableOrganizationsRootCredentialsManagement": writes(_enabling(ROOT_CREDENTIALS)),
    "EnableOrganizationsRootSessions": writes(_enabling(ROOT_SESSIONS)),
    "ListOrganizationsFeatures": reads(list_organizations_features),
}
