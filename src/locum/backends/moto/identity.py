"""What moto's other services look up in moto's IAM, answered from Locum's state.

moto's Lambda, Batch, CodePipeline and EC2 ask their IAM for a role or an instance profile. They are
given an IAM backend whose look-ups end here, so that they accept what exists in Locum, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from moto.iam.exceptions import NotFoundException
from moto.iam.models import IAMBackend, iam_backends


class RoleView(NamedTuple):
    """As much of a role as moto's services read of one."""

    arn: str
    id: str
    name: str


class ProfileView(NamedTuple):
    """As much of an instance profile as moto's services read of one."""

    arn: str
    id: str
    name: str
    roles: list[RoleView]


class Directory(NamedTuple):
    """Look-ups in the state as it is at the time of the call."""

    role: Callable[[str], RoleView | None]
    """By ARN."""
    profiles: Callable[[str], Iterable[ProfileView]]
    """Those of an account."""


class DirectoryIam(IAMBackend):
    """moto's IAM backend with its look-ups turned to a Directory."""

    directory: Directory

    def get_role_by_arn(self, arn: str) -> Any:
        role = self.directory.role(arn)
        if role is None:
            raise NotFoundException(f"Role {arn} not found")
        return role

    def get_instance_profiles(self) -> Any:
        return list(self.directory.profiles(self.account_id))


def lend(directory: Directory, account: str) -> None:
    """Put a directory in the place of moto's IAM for `account`."""
    backends = iam_backends[account]
    backend = backends.get("aws")
    if not isinstance(backend, DirectoryIam):
        backend = backends["aws"] = DirectoryIam("aws", account)
    backend.directory = directory
