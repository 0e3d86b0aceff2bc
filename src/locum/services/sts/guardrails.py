"""What an organization says of a role that a service assumes: RCPs of the role's account, and the keys of the source.

Organizations User Guide, "RCP effects on permissions": they speak of whoever wants the resource, services too. IAM
User Guide, "AWS global condition context keys": aws:SourceOrgID and aws:SourceOrgPaths tell "the organization ID of the
resource making a service-to-service request".
"""

from __future__ import annotations

from locum.core.principal import ContextValue
from locum.policy import CompiledPolicy, PolicyKind
from locum.policy.stored import compiled
from locum.state import State, organizations
from locum.state.organizations import RESOURCE_CONTROL


def resource_controls(state: State, account: str) -> tuple[tuple[CompiledPolicy, ...], ...]:
    """The RCPs in force for what `account` owns, level by level; none where it manages its organization."""
    organization = organizations.organization_of(state, account)
    if organization is None or organizations.is_management(organization, account):
        return ()
    levels = organizations.in_force(state, account, RESOURCE_CONTROL)
    return tuple(
        tuple(compiled(found.document, PolicyKind.RCP, found.name, found.arn) for found in level) for level in levels
    )


def source_context(state: State, account: str) -> dict[str, ContextValue]:
    """The condition keys of the organization that `account`, for which a service calls, is in."""
    member = organizations.member_of(state, account)
    organization = organizations.organization_of(state, account)
    if member is None or organization is None:
        return {}
    path = organizations.path_of(state, organization, member)
    return {"aws:sourceorgid": organization.id, "aws:sourceorgpaths": (path,)}
