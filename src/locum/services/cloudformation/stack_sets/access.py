"""For whom a call about stack sets acts, and CloudFormation's trusted access to the organization.

CloudFormation User Guide, "Activate trusted access for StackSets with AWS Organizations": only the management account
activates it, and "StackSets creates the necessary IAM roles in the organization's management account and target
(member) accounts". Trusted access that was enabled by Organizations alone lacks the role of the management account, and
does not suffice. "Stack sets with service-managed permissions are created in the management account, including stack
sets that are created by delegated administrators."
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.core.actors import on_behalf_of
from locum.core.calls import Ask, Effect, ServiceCall
from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.services.asking import Asking, asking
from locum.services.cloudformation.stack_sets.lookup import not_found, stack_set_named
from locum.services.cloudformation.templates import CLOUDFORMATION, invalid
from locum.services.linked_roles import has_linked_role, linked_role_call
from locum.services.verbs import Context, Operation, Outcome, Params, asks_and_writes, reads
from locum.state import Organization, StackSet, State, put
from locum.state.organizations import ALL_FEATURES, delegates_of, is_delegated, is_management, organization_of
from locum.state.stack_sets import SERVICE_MANAGED

MEMBER_SERVICE: Final = "member.org.stacksets.cloudformation.amazonaws.com"
"""The service principal with trusted access, for which administrators are delegated, and of the role in members."""

ADMIN_SERVICE: Final = "stacksets.cloudformation.amazonaws.com"
"""The service principal of the role in the management account."""

_GLOBAL: Final = "us-east-1"  # of Organizations
_NO_ADMINISTRATOR: Final = (
    "You must be the management account or delegated admin account of an organization before operating a "
    "SERVICE_MANAGED stack set"
)
_NOT_ENABLED: Final = "You must enable organizations access to operate a service managed stack set"


def is_enabled(state: State, organization: Organization) -> bool:
    """Whether trusted access is activated for the organization."""
    trusted = MEMBER_SERVICE in organization.services and organization.feature_set == ALL_FEATURES
    return trusted and has_linked_role(state, organization.account, ADMIN_SERVICE)


def owner_of(ctx: Context, params: Params) -> str:
    """The account whose stack sets a call is about. Raises Fault ValidationError for one that acts for another."""
    if params.get("CallAs", "SELF") == "SELF":
        return ctx.account
    organization = organization_of(ctx.state, ctx.account)
    if organization is None or not is_delegated(ctx.state, ctx.account, MEMBER_SERVICE):
        raise invalid("Account used is not a delegated administrator")
    return organization.account


def check_organization(state: State, owner: str) -> Organization:
    """The organization that `owner` manages, if StackSets has access to it. Raises Fault ValidationError."""
    organization = organization_of(state, owner)
    if organization is None or not is_management(organization, owner):
        raise invalid(_NO_ADMINISTRATOR)
    if not is_enabled(state, organization):
        raise invalid(_NOT_ENABLED)
    return organization


def named(ctx: Context, params: Params) -> StackSet:
    """The stack set that a call names, which is not deleted. Raises Fault StackSetNotFoundException.

    A delegated administrator sees those with service-managed permissions alone.
    """
    name, owner = params["StackSetName"], owner_of(ctx, params)
    found = stack_set_named(ctx.state, owner, ctx.region, name)
    if found is None or found.deleted or (owner != ctx.account and found.model != SERVICE_MANAGED):
        raise not_found(name)
    return found


def operated(ctx: Context, params: Params) -> StackSet:
    """`named`, for a call that begins an operation: a service-managed set needs trusted access. Raises Fault."""
    found = named(ctx, params)
    if found.model == SERVICE_MANAGED:
        check_organization(ctx.state, found.account)
    return found


# -- trusted access -----------------------------------------------------------------------------------------


def activate_organizations_access(ctx: Context, _params: Params) -> Asking:
    """cloudformation:ActivateOrganizationsAccess, for which the caller needs organizations:EnableAWSServiceAccess."""
    organization = _managed(ctx)
    if organization.feature_set != ALL_FEATURES:
        raise _refused("Your organization must have all features enabled to activate organizations access")
    yield _ask(ctx, "EnableAWSServiceAccess")
    services = {MEMBER_SERVICE: int(ctx.now), **organization.services}
    effects: tuple[Effect, ...] = ()
    if not has_linked_role(ctx.state, ctx.account, ADMIN_SERVICE):
        made = linked_role_call(ctx.account, ADMIN_SERVICE)
        effects = (Effect(request_id(ctx.entropy), made, awaited=True),)
    return Outcome({}, (put(replace(organization, services=services)),), effects)


def deactivate_organizations_access(ctx: Context, _params: Params) -> Asking:
    """cloudformation:DeactivateOrganizationsAccess, for which the caller needs organizations:DisableAWSServiceAccess.

    Delegated administrators are deregistered, as with DisableAWSServiceAccess.
    """
    organization = _managed(ctx)
    yield _ask(ctx, "DisableAWSServiceAccess")
    services = {name: since for name, since in organization.services.items() if name != MEMBER_SERVICE}
    events = [put(it.deregistered(MEMBER_SERVICE)) for it in delegates_of(ctx.state, ctx.account, MEMBER_SERVICE)]
    return Outcome({}, (put(replace(organization, services=services)), *events))


def describe_organizations_access(ctx: Context, params: Params) -> Outcome:
    """cloudformation:DescribeOrganizationsAccess."""
    owner = owner_of(ctx, params)
    organization = organization_of(ctx.state, owner)
    if organization is None or not is_management(organization, owner):
        raise _refused(_NO_ADMINISTRATOR)
    return Outcome({"Status": "ENABLED" if is_enabled(ctx.state, organization) else "DISABLED"})


def _managed(ctx: Context) -> Organization:
    """The organization that the caller's account manages. Raises Fault InvalidOperationException."""
    organization = organization_of(ctx.state, ctx.account)
    if organization is None or not is_management(organization, ctx.account):
        raise _refused("You must be the management account of an organization to operate organizations access")
    return organization


def _ask(ctx: Context, operation: str) -> Ask:
    caller = on_behalf_of(ctx.caller, CLOUDFORMATION)
    params: Mapping[str, Any] = {"ServicePrincipal": MEMBER_SERVICE}
    return Ask(ServiceCall(caller, "organizations", operation, params, _GLOBAL), decided_only=True)


def _refused(message: str) -> Fault:
    return Fault("InvalidOperationException", message, 400)


OPERATIONS: Final[dict[str, Operation]] = {
    "ActivateOrganizationsAccess": asks_and_writes(asking(activate_organizations_access)),
    "DeactivateOrganizationsAccess": asks_and_writes(asking(deactivate_organizations_access)),
    "DescribeOrganizationsAccess": reads(describe_organizations_access),
}
