"""AWS Organizations. Everything of an organization is kept under the account that manages it."""

from __future__ import annotations

from typing import ClassVar

from locum.core.arn import PARTITION
from locum.state.entities import Entity, Tags

ROOT_NAME = "Root"


class Organization(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="organization"):
    """An organization. `account` manages it; `id` is o-..., `root` the id of its only root, r-....

    `policy_types` are those enabled in the root. `features` are IAM's central root access features, by their IAM name.
    `services` maps a service principal with trusted access to when it was enabled.
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
    root_tags: Tags = {}
    resource_policy_id: str = ""
    resource_policy_tags: Tags = {}


class Unit(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="organizational-unit"):
    """An organizational unit, ou-...; `parent` is the id of the root or of another unit."""

    id: str
    name: str
    parent: str
    tags: Tags = {}


class Member(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="organization-member"):
    """An account `id` in the organization, the managing one too. `parent` is the id of the root or of a unit.

    `delegations` maps a service principal for which it is the delegated administrator to when it became that.
    """

    id: str
    parent: str
    name: str
    email: str
    joined: int
    joined_by: str = "CREATED"
    status: str = "ACTIVE"
    tags: Tags = {}
    delegations: dict[str, int] = {}
    delegated_since: int = 0


class OrganizationPolicy(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="organization-policy"):
    """A policy of the organization, p-...; `type` as SERVICE_CONTROL_POLICY. `targets` are root, unit and account ids.

    AWS's own (p-FullAWSAccess, p-RCPFullAWSAccess) are kept like the others, for what they are attached to.
    """

    id: str
    type: str
    name: str
    description: str = ""
    content: str
    aws_managed: bool = False
    targets: tuple[str, ...] = ()
    tags: Tags = {}


class Handshake(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="handshake"):
    """An invitation (h-...) to the account or e-mail address `target`. `resources` are shown as they are."""

    id: str
    organization: str
    action: str
    target: str
    target_type: str
    state: str
    requested: int
    expires: int
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
    """`arn:aws:organizations::MANAGEMENT:KIND/ORGANIZATION/PARTS`."""
    return f"arn:{PARTITION}:organizations::{management}:{'/'.join((kind, organization, *parts))}"
