"""The kinds of resource that IAM names: one row a kind, so that a verb is written once for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from locum.core.identifiers import GROUP_ID, INSTANCE_PROFILE_ID, POLICY_ID, ROLE_ID, USER_ID, unique_id
from locum.services.iam import limits
from locum.services.iam.faults import already_exists, no_such_entity, quota_exceeded, unmodifiable_role
from locum.services.verbs import Context, Params
from locum.state import Group, InstanceProfile, Named, Policy, Role, User
from locum.state.service_linked_roles import PATH as SERVICE_LINKED

Identity = User | Group | Role
"""What can have inline and attached policies."""

Bounded = User | Role
"""What can have a permissions boundary."""

R = TypeVar("R", bound=Named)

_PROTECTED_PATHS: Final = (SERVICE_LINKED, "/aws-reserved/")


@dataclass(frozen=True, slots=True)
class Kind(Generic[R]):
    """A kind of resource.

    `noun` is what operation names call it; `param` is the member with its name. `missing` and `taken` are
    AWS's texts where there is none, or already one, of a name. `quota` is AWS's word for the number of them in
    an account, `limit` that number. `inline_size` is the quota for all its inline policies together.
    """

    entity: type[R]
    noun: str
    id_prefix: str
    missing: str
    taken: str
    quota: str
    limit: int
    inline_size: int = 0

    @property
    def param(self) -> str:
        """`RoleName`."""
        return f"{self.noun}Name"

    @property
    def label(self) -> str:
        """`role`, as in a sentence."""
        return self.noun.lower()

    def all(self, context: Context) -> Iterable[R]:
        """All of the account's, in no order."""
        return context.state.table(self.entity, context.account).values()

    def count(self, context: Context) -> int:
        """How many there are in the account."""
        return len(context.state.table(self.entity, context.account))

    def under(self, context: Context, params: Params) -> Iterable[R]:
        """Those whose path begins with PathPrefix."""
        prefix = params.get("PathPrefix", "/")
        return (entity for entity in self.all(context) if entity.path.startswith(prefix))

    def named(self, context: Context, name: str) -> R:
        """The one called `name`. Raises NoSuchEntity."""
        entity = context.state.get(self.entity, context.account, name.lower())
        if entity is None:
            raise no_such_entity(self.missing.format(name))
        return entity

    def of(self, context: Context, params: Params) -> R:
        """The one that `params` name. Raises NoSuchEntity."""
        return self.named(context, params[self.param])

    def to_change(self, context: Context, params: Params) -> R:
        """The one that `params` name. Raises NoSuchEntity, and UnmodifiableEntity where only AWS changes it."""
        entity = self.of(context, params)
        if isinstance(entity, Role) and is_reserved(entity.path):
            raise unmodifiable_role(entity.name)
        return entity

    def vacant(self, context: Context, name: str) -> str:
        """`name`, which nothing of this kind has. Raises EntityAlreadyExists; case does not tell names apart."""
        if name.lower() in context.state.table(self.entity, context.account):
            raise already_exists(self.taken.format(name))
        return name

    def admit(self, context: Context, name: str) -> str:
        """`name`, for one more of this kind. Raises EntityAlreadyExists, LimitExceeded."""
        self.vacant(context, name)
        if self.count(context) >= self.limit:
            raise quota_exceeded(self.quota, self.limit)
        return name

    def new_id(self, context: Context) -> str:
        """A fresh unique id."""
        return unique_id(self.id_prefix, context.entropy)


def by_name(entity: Named) -> str:
    """The order of lists."""
    return entity.key


def is_reserved(path: str) -> bool:
    """Whether only AWS makes resources under `path`."""
    return path.startswith(_PROTECTED_PATHS)


USER: Final = Kind(
    User,
    "User",
    USER_ID,
    "The user with name {} cannot be found.",
    "User with name {} already exists.",
    "UsersPerAccount",
    limits.USERS,
    limits.USER_POLICY_SIZE,
)
GROUP: Final = Kind(
    Group,
    "Group",
    GROUP_ID,
    "The group with name {} cannot be found.",
    "Group with name {} already exists.",
    "GroupsPerAccount",
    limits.GROUPS,
    limits.GROUP_POLICY_SIZE,
)
ROLE: Final = Kind(
    Role,
    "Role",
    ROLE_ID,
    "The role with name {} cannot be found.",
    "Role with name {} already exists.",
    "RolesPerAccount",
    limits.ROLES,
    limits.ROLE_POLICY_SIZE,
)
INSTANCE_PROFILE: Final = Kind(
    InstanceProfile,
    "InstanceProfile",
    INSTANCE_PROFILE_ID,
    "Instance Profile {} cannot be found.",
    "Instance Profile {} already exists.",
    "InstanceProfilesPerAccount",
    limits.INSTANCE_PROFILES,
)
POLICY: Final = Kind(
    Policy,
    "Policy",
    POLICY_ID,
    "Policy {} was not found.",
    "A policy called {} already exists. Duplicate names are not allowed.",
    "PoliciesPerAccount",
    limits.POLICIES,
)
