"""What a backend may look up of identities: answered by whoever has them, at the time of the call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple


class RoleView(NamedTuple):
    """As much of a role as a service reads of one that is passed to it."""

    arn: str
    id: str
    name: str


class ProfileView(NamedTuple):
    """As much of an instance profile as a service reads of one."""

    arn: str
    id: str
    name: str
    roles: list[RoleView]


class Directory(NamedTuple):
    """Look-ups in the identities as they are now."""

    role: Callable[[str], RoleView | None]
    """By ARN."""
    profiles: Callable[[str], Iterable[ProfileView]]
    """Those of an account."""
