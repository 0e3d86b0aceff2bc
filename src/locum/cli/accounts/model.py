"""What IAM has of an account: identity providers, policies, groups, users, roles, instance profiles.

The members are those of `aws iam get-account-authorization-details`. Documents are JSON values. What that command does
not tell (descriptions, durations, tags of policies and profiles) is None where it is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Document = Any
"""A policy document, as the value of its JSON."""

Tags = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """What all have. `noun` is that of IAM's operations."""

    name: str
    path: str = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Entity):
    """A customer managed policy. `versions` are the documents by id, oldest first; `default` is the id of one."""

    versions: Mapping[str, Document]
    default: str
    description: str | None = None
    tags: Tags | None = None

    @property
    def document(self) -> Document:
        """That of the default version."""
        return self.versions[self.default]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity(Entity):
    """What users, groups and roles have: inline policies by name, and the ARNs of attached ones."""

    inline: Mapping[str, Document] = field(default_factory=dict)
    attached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(Identity):
    """A group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User(Identity):
    """A user, with the names of its groups. `boundary` is an ARN, or empty."""

    groups: tuple[str, ...] = ()
    boundary: str = ""
    tags: Tags | None = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role(Identity):
    """A role. `boundary` is an ARN, or empty; `max_session` is in seconds."""

    trust: Document
    boundary: str = ""
    tags: Tags | None = field(default_factory=dict)
    description: str | None = None
    max_session: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile(Entity):
    """An instance profile, with the names of its roles, of which there is one at most."""

    roles: tuple[str, ...] = ()
    tags: Tags | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcProvider(Entity):
    """An OpenID Connect provider. Its name is its URL without a scheme."""

    client_ids: tuple[str, ...] = ()
    thumbprints: tuple[str, ...] = ()
    tags: Tags | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The identities of an account, each kind by name in lower case, as names differ not by case alone.

    `id` is empty where nothing tells it. `aws_versions` are the default versions of the policies of AWS that are told
    of, by ARN.
    """

    id: str = ""
    providers: Mapping[str, OidcProvider] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    users: Mapping[str, User] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    aws_versions: Mapping[str, str] = field(default_factory=dict)

    def identities(self) -> Iterator[Identity]:
        """The users, groups and roles."""
        yield from self.users.values()
        yield from self.groups.values()
        yield from self.roles.values()

    def named_policies(self) -> Iterator[str]:
        """The ARNs of policies that are attached, or permissions boundaries."""
        for one in self.identities():
            yield from one.attached
            if isinstance(one, User | Role) and one.boundary:
                yield one.boundary
