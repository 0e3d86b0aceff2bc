"""What can be looked up other than by name. An index maps a value to the entities that have it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from locum.state.certificates import ServerCertificate, ServiceSpecificCredential, SigningCertificate, SshPublicKey
from locum.state.entities import (
    AccessKey,
    Entity,
    Group,
    Instance,
    InstanceProfile,
    Policy,
    ProfileAssociation,
    Role,
    User,
)
from locum.state.organization import Handshake, Member, Organization, OrganizationPolicy, Unit
from locum.state.signin import MfaDevice


class Index(NamedTuple):
    """`values(entity)` are the values under which an entity of `kinds` is found."""

    name: str
    kinds: tuple[type[Entity], ...]
    values: Callable[[Any], Iterable[str]]


def scoped(account: str, key: str) -> str:
    """The index value of something that is unique only within its account."""
    return f"{account}/{key}"


UNIQUE_ID: Final = Index(
    "unique-id", (User, Group, Role, Policy, InstanceProfile, ServerCertificate), lambda e: (e.id,)
)
ACCESS_KEY_ID: Final = Index("access-key-id", (AccessKey,), lambda k: (k.id,))
KEYS_OF_USER: Final = Index("keys-of-user", (AccessKey,), lambda k: (scoped(k.account, k.user),))
CREDENTIALS_OF_USER: Final = Index(
    "credentials-of-user",
    (SshPublicKey, SigningCertificate, ServiceSpecificCredential),
    lambda c: (scoped(c.account, c.user),),
)
MFA_OF_USER: Final = Index("mfa-of-user", (MfaDevice,), lambda d: (scoped(d.account, d.user),) if d.enabled else ())
MEMBERS_OF_GROUP: Final = Index("members-of-group", (User,), lambda u: (scoped(u.account, g) for g in u.groups))
ATTACHED_POLICY: Final = Index(
    "attached-policy", (User, Group, Role), lambda e: (scoped(e.account, arn) for arn in e.attached)
)
BOUNDARY_POLICY: Final = Index(
    "boundary-policy", (User, Role), lambda e: (scoped(e.account, e.boundary),) if e.boundary else ()
)
PROFILES_OF_ROLE: Final = Index(
    "profiles-of-role", (InstanceProfile,), lambda p: (scoped(p.account, r) for r in p.roles)
)
ORGANIZATION_ID: Final = Index("organization-id", (Organization,), lambda o: (o.id,))
MEMBERSHIP: Final = Index("membership", (Member,), lambda m: (m.id,))
"""By the account that is a member: it is in one organization at most."""

CHILDREN: Final = Index("children", (Unit, Member), lambda c: (c.parent,))
POLICIES_OF_TARGET: Final = Index("policies-of-target", (OrganizationPolicy,), lambda p: p.targets)
HANDSHAKES_OF: Final = Index("handshakes-of", (Handshake,), lambda h: (h.target,))
INSTANCE_ID: Final = Index("instance-id", (Instance,), lambda i: (i.id,))
RESERVATION: Final = Index("reservation", (Instance,), lambda i: (scoped(i.account, i.reservation),))
CLIENT_TOKEN: Final = Index(
    "client-token", (Instance,), lambda i: (scoped(i.account, i.client_token),) if i.client_token else ()
)
ASSOCIATIONS_OF_INSTANCE: Final = Index(
    "associations-of-instance", (ProfileAssociation,), lambda a: (scoped(a.account, a.instance),)
)
ASSOCIATIONS_OF_PROFILE: Final = Index(
    "associations-of-profile", (ProfileAssociation,), lambda a: (scoped(a.account, a.profile),)
)

INDEXES: Final = (
    UNIQUE_ID,
    ACCESS_KEY_ID,
    KEYS_OF_USER,
    CREDENTIALS_OF_USER,
    MFA_OF_USER,
    MEMBERS_OF_GROUP,
    ATTACHED_POLICY,
    BOUNDARY_POLICY,
    PROFILES_OF_ROLE,
    ORGANIZATION_ID,
    MEMBERSHIP,
    CHILDREN,
    POLICIES_OF_TARGET,
    HANDSHAKES_OF,
    INSTANCE_ID,
    RESERVATION,
    CLIENT_TOKEN,
    ASSOCIATIONS_OF_INSTANCE,
    ASSOCIATIONS_OF_PROFILE,
)
