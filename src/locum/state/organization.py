"""Entities of AWS Organizations. All of them are stored under the organization's management account."""

from __future__ import annotations

from types import MappingProxyType
from typing import ClassVar, Final

from msgspec.structs import replace

from locum.core.arn import PARTITION
from locum.state.entities import AWS_MANAGED_ACCOUNT, Entity, Tags

ROOT_NAME = "Root"
FULL_ACCESS = "p-FullAWSAccess"
"""AWS's service control policy that allows everything: attached to every target, until it is detached."""

RCP_FULL_ACCESS = "p-RCPFullAWSAccess"
"""AWS's resource control policy that allows everything. "You cannot detach this policy", so that its attachments are
not stored."""


class Organization(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="organization"):
    """An organization. `account` is the management account; `id` is o-..., `root` the id of its only root, r-....

    `policy_types` are those enabled in the root. `features` are IAM's central root access features, by their IAM name.
    `services` maps a service principal with trusted access to the time it was enabled. `root_policies` are the ids of
    the policies of all types that are attached to the root.
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

    `policies` are the ids of the attached policies.
    """

    id: str
    name: str
    parent: str
    policies: tuple[str, ...] = (FULL_ACCESS,)
    tags: Tags = {}


SUSPENDED: Final = "SUSPENDED"
"""The status of an account that was closed."""


class Member(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="organization-member"):
    """An account `id` in the organization, which may be the management account. `parent` is the id of the root or unit.

    `delegations` maps each service principal for which it is a delegated administrator to the time of registration;
    `delegated_since` is the first of these times. `policies` are the ids of the attached policies. `closed` is the time
    it was closed (`status` is then SUSPENDED), or 0.
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

    def registered(self, service: str, now: int) -> Member:
        """It as a delegated administrator for a service from now on."""
        delegations = {**self.delegations, service: now}
        return replace(self, delegations=delegations, delegated_since=self.delegated_since or now)

    def deregistered(self, service: str) -> Member:
        """It as no delegated administrator for a service any more."""
        remaining = {name: since for name, since in self.delegations.items() if name != service}
        return replace(self, delegations=remaining, delegated_since=self.delegated_since if remaining else 0)


class OrganizationPolicy(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="organization-policy"):
    """A policy of the organization, p-...; `type` is SERVICE_CONTROL_POLICY, for example. `updated`: the last change.

    Attachments are stored with the targets.
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
    """A handshake (h-...) with the account, e-mail address or organization `target`.

    `action` is INVITE, ENABLE_ALL_FEATURES (the handshake of the organization as a whole) or APPROVE_ALL_FEATURES (of
    one invited account; `parent` is the former). `state` does not change when the handshake expires: see `expires`.
    `accepted_by` is the account that accepted. `answered` is the time at which `state` became final, or 0.
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
    """A CreateAccount request (car-...), completed at once. `created` is the new account's id, or empty."""

    id: str
    name: str
    requested: int
    completed: int
    created: str = ""
    failure: str = ""


def organization_arn(management: str, organization: str, kind: str, *parts: str) -> str:
    """The ARN of an organization or its resources: `arn:aws:organizations::MANAGEMENT:KIND/ORGANIZATION/PARTS`."""
    return f"arn:{PARTITION}:organizations::{management}:{'/'.join((kind, organization, *parts))}"


AWS_POLICIES = MappingProxyType(
    {
        policy.id: policy
        for policy in (
            OrganizationPolicy(
                account=AWS_MANAGED_ACCOUNT,
                id=FULL_ACCESS,
                type="SERVICE_CONTROL_POLICY",
                name="FullAWSAccess",
                description="Allows access to every operation",
                content='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
                aws_managed=True,
            ),
            OrganizationPolicy(
                account=AWS_MANAGED_ACCOUNT,
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
"""AWS's own policies by id. They are the same in every organization, and not part of the state."""
