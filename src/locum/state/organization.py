"""AWS Organizations. Everything of an organization is kept under the account that manages it."""

from __future__ import annotations

from types import MappingProxyType
from typing import ClassVar

from locum.core.arn import PARTITION
from locum.state.entities import MANAGED, Entity, Tags

ROOT_NAME = "Root"
FULL_ACCESS = "p-FullAWSAccess"
"""AWS's service control policy that allows everything: on every target, until it is detached there."""

RCP_FULL_ACCESS = "p-RCPFullAWSAccess"
"""AWS's resource control policy that allows everything. "You cannot detach this policy": so nothing has to say that
it is attached."""


class Organization(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="organization"):
    """An organization. `account` manages it; `id` is o-..., `root` the id of its only root, r-....

    `policy_types` are those enabled in the root. `features` are IAM's central root access features, by their IAM name.
    `services` maps a service principal with trusted access to when it was enabled. `root_policies` are the ids of the
    policies attached to the root, of all types.
    """

    key_field: ClassVar[str] = "account"

    id: str
    root: str
    created: int
    feature_set: str = "ALL"
    policy_types: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    services: dict[str, int] = {}
    resource_policy: str = ""
    root_policies: tuple[str, ...] = (FULL_ACCESS,)
    root_tags: Tags = {}
    resource_policy_id: str = ""
    resource_policy_tags: Tags = {}


class Unit(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="organizational-unit"):
    """An organizational unit, ou-...; `parent` is the id of the root or of another unit.

    `policies` are the ids of those attached to it.
    """

    id: str
    name: str
    parent: str
    policies: tuple[str, ...] = (FULL_ACCESS,)
    tags: Tags = {}


class Member(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="organization-member"):
    """An account `id` in the organization, the managing one too. `parent` is the id of the root or of a unit.

    `delegations` maps a service principal for which it is the delegated administrator to when it became that;
    `delegated_since` is when it became the first of them. `policies` are the ids of those attached to it. `closed` is
    when it was closed, or 0: then `status` is SUSPENDED.
    """

    id: str
    parent: str
    name: str
    email: str
    joined: int
    joined_by: str = "CREATED"
    status: str = "ACTIVE"
    closed: int = 0
    policies: tuple[str, ...] = (FULL_ACCESS,)
    tags: Tags = {}
    delegations: dict[str, int] = {}
    delegated_since: int = 0


class OrganizationPolicy(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="organization-policy"):
    """A policy of the organization, p-...; `type` as SERVICE_CONTROL_POLICY. `updated` is when it last changed.

    What it is attached to is kept there: every account has p-FullAWSAccess.
    """

    id: str
    type: str
    name: str
    description: str = ""
    content: str
    updated: int = 0
    aws_managed: bool = False
    tags: Tags = {}


class Handshake(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="handshake"):
    """A request (h-...) to the account, e-mail address or organization `target`.

    `action` is INVITE, ENABLE_ALL_FEATURES (the request to the organization as a whole) or APPROVE_ALL_FEATURES (to one
    invited account; `parent` is the former). `state` does not know that time has passed: see `expires`.
    `accepted_by` is the account that accepted. `answered` is when `state` became final, or 0.
    """

    id: str
    organization: str
    action: str
    target: str
    target_type: str
    state: str
    requested: int
    expires: int
    answered: int = 0
    accepted_by: str = ""
    parent: str = ""
    notes: str = ""
    tags: Tags = {}


class AccountCreation(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="account-creation"):
    """A request to create an account (car-...), ended as soon as made. `created` is the account's id, or empty."""

    id: str
    name: str
    requested: int
    completed: int
    created: str = ""
    failure: str = ""


def organization_arn(management: str, organization: str, kind: str, *parts: str) -> str:
    """`arn:aws:organizations::MANAGEMENT:KIND/ORGANIZATION/PARTS`: of what is in an organization, and of itself."""
    return f"arn:{PARTITION}:organizations::{management}:{'/'.join((kind, organization, *parts))}"


AWS_POLICIES = MappingProxyType(
    {
        policy.id: policy
        for policy in (
            OrganizationPolicy(
                account=MANAGED,
                id=FULL_ACCESS,
                type="SERVICE_CONTROL_POLICY",
                name="FullAWSAccess",
                description="Allows access to every operation",
                content='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
                aws_managed=True,
            ),
            OrganizationPolicy(
                account=MANAGED,
                id=RCP_FULL_ACCESS,
                type="RESOURCE_CONTROL_POLICY",
                name="RCPFullAWSAccess",
                description="Allows access to every resource",
                content='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*",'
                '"Resource":"*"}]}',
                aws_managed=True,
            ),
        )
    }
)
"""AWS's own policies by their ids: the same in every organization, and no entities of any."""
