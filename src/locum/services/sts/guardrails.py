"""What an organization says of a role that a service assumes: RCPs of the role's account, and the keys of the source.

Organizations User Guide, "RCP effects on permissions": they speak of whoever wants the resource, services too. IAM
User Guide, "AWS global condition context keys": aws:SourceOrgID and aws:SourceOrgPaths tell "the organization ID of the
resource making a service-to-service request".
"""

from __future__ import annotations

from functools import lru_cache

from locum import policy
from locum.core.principal import ContextValue
from locum.state import State, organizations
from locum.state.organizations import RESOURCE_CONTROL

_UNREADABLE = (
    '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}}'
)


def resource_controls(state: State, account: str) -> tuple[tuple[policy.CompiledPolicy, ...], ...]:
    """The RCPs in force for what `account` owns, level by level; none where it manages its organization."""
    organization = organizations.organization_of(state, account)
    if organization is None or organizations.is_management(organization, account):
        return ()
    levels = organizations.in_force(state, account, RESOURCE_CONTROL)
    return tuple(tuple(_compiled(found.document, found.name, found.arn) for found in level) for level in levels)


def source_context(state: State, account: str) -> dict[str, ContextValue]:
    """The condition keys of the organization that `account`, for which a service calls, is in."""
    member = organizations.member_of(state, account)
    organization = organizations.organization_of(state, account)
    if member is None or organization is None:
        return {}
    path = organizations.path_of(state, organization, member)
    return {"aws:sourceorgid": organization.id, "aws:sourceorgpaths": (path,)}


@lru_cache(1024)
def _compiled(text: str, name: str, arn: str) -> policy.CompiledPolicy:
    """`text`, compiled; one that cannot be read denies everything, for it may have meant to deny this."""
    try:
        document = policy.parse(text, policy.PolicyKind.RCP)
    except policy.MalformedPolicy:
        document = policy.parse(_UNREADABLE, policy.PolicyKind.RCP)
    return policy.compile(document, policy.Source(policy.PolicyKind.RCP, name, arn))
