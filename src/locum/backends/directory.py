"""Look-ups of roles and instance profiles for a backend, made at the time of the call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple


class RoleView(NamedTuple):
    """The properties of a role that a service reads when the role is passed to it."""

    arn: str
    id: str
    name: str


class ProfileView(NamedTuple):
    """The properties of an instance profile that a service reads."""

    arn: str
    id: str
    name: str
    roles: list[RoleView]


class Directory(NamedTuple):
    """Look-ups in the current state."""

    role: Callable[[str], RoleView | None]
    """A role by its ARN."""
    profiles: Callable[[str], Iterable[ProfileView]]
    """The instance profiles of an account."""
