"""The kinds of named IAM resources and their properties, for operations that are common to several kinds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from locum.core.identifiers import GROUP_ID, INSTANCE_PROFILE_ID, POLICY_ID, ROLE_ID, USER_ID, unique_id
from locum.core.principal import PrincipalKind
from locum.services.iam import limits
from locum.services.iam.faults import (
    already_exists,
    no_such_entity,
    quota_exceeded,
    unmodifiable_role,
    validation_error,
)
from locum.services.verbs import Context, Params
from locum.state import Group, InstanceProfile, Named, Policy, Role, User
from locum.state.service_linked_roles import PATH as SERVICE_LINKED

Identity = User | Group | Role
"""Entities with inline and attached policies."""

Bounded = User | Role
"""Entities with a permissions boundary."""

R = TypeVar("R", bound=Named)

_PROTECTED_PATHS: Final = (SERVICE_LINKED, "/aws-reserved/")


@dataclass(frozen=True, slots=True)
class Kind(Generic[R]):
    """A kind of resource.

    `noun` is its name in operation names. `missing` and `taken` are AWS's texts for a name that does not exist, or is
    in use. `quota` is AWS's name of the quota per account, `limit` its value. `inline_size` is the quota for all inline
    policies of one entity together.
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
        """The request member with its name, such as `RoleName`."""
        return f"{self.noun}Name"

    @property
    def label(self) -> str:
        """The lower-case noun for sentences, such as `role`."""
        return self.noun.lower()

    def all(self, context: Context) -> Iterable[R]:
        """All resources of this kind in the account, unordered."""
        return context.state.table(self.entity, context.account).values()

    def count(self, context: Context) -> int:
        """The number of resources of this kind in the account."""
        return len(context.state.table(self.entity, context.account))

    def under(self, context: Context, params: Params) -> Iterable[R]:
        """The resources whose path begins with PathPrefix."""
        prefix = params.get("PathPrefix", "/")
        return (entity for entity in self.all(context) if entity.path.startswith(prefix))

    def named(self, context: Context, name: str) -> R:
        """The resource called `name`. Raises NoSuchEntity."""
        entity = context.state.get(self.entity, context.account, name.lower())
        if entity is None:
            raise no_such_entity(self.missing.format(name))
        return entity

    def of(self, context: Context, params: Params) -> R:
        """The resource whose name is in `params`. Raises NoSuchEntity."""
        return self.named(context, params[self.param])

    def to_change(self, context: Context, params: Params) -> R:
        """The resource whose name is in `params`, for a change. Raises NoSuchEntity, UnmodifiableEntity."""
        entity = self.of(context, params)
        if isinstance(entity, Role) and is_reserved(entity.path):
            raise unmodifiable_role(entity.name)
        return entity

    def unused_name(self, context: Context, name: str) -> str:
        """Check that `name` is not in use, ignoring case, and return it. Raises EntityAlreadyExists."""
        if name.lower() in context.state.table(self.entity, context.account):
            raise already_exists(self.taken.format(name))
        return name

    def new_name(self, context: Context, name: str) -> str:
        """Check `name` and the quota for a new resource, and return it. Raises EntityAlreadyExists, LimitExceeded."""
        self.unused_name(context, name)
        if self.count(context) >= self.limit:
            raise quota_exceeded(self.quota, self.limit)
        return name

    def new_id(self, context: Context) -> str:
        """Generate a unique id."""
        return unique_id(self.id_prefix, context.entropy)


def by_name(entity: Named) -> str:
    """The sort key of lists."""
    return entity.key


def is_reserved(path: str) -> bool:
    """Whether `path` is reserved for resources of AWS services."""
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


def user_or_caller(context: Context, params: Params) -> User:
    """The user UserName, or else the calling user.

    Raises NoSuchEntity; ValidationError without a UserName where the caller is not a user.
    """
    if "UserName" in params:
        return USER.named(context, str(params["UserName"]))
    caller = context.caller.principal
    if caller.kind is not PrincipalKind.USER:
        raise validation_error("Must specify userName when calling with non-User credentials")
    return USER.named(context, caller.name)
