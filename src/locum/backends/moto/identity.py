"""The look-ups of moto's other services in its IAM, answered from Locum's state.

moto's Lambda, Batch, CodePipeline and EC2 look up roles and instance profiles in moto's IAM. It is replaced by an IAM
backend with the roles and profiles of Locum.
"""

from __future__ import annotations

from typing import Any

from moto.iam.exceptions import NotFoundException
from moto.iam.models import IAMBackend, iam_backends

from locum.backends.directory import Directory


class DirectoryIam(IAMBackend):
    """A backend of moto's IAM that looks up roles and instance profiles in a Directory."""

    directory: Directory

    def get_role_by_arn(self, arn: str) -> Any:
        role = self.directory.role(arn)
        if role is None:
            raise NotFoundException(f"Role {arn} not found")
        return role

    def get_instance_profiles(self) -> Any:
        return list(self.directory.profiles(self.account_id))


def lend(directory: Directory, account: str) -> None:
    """Replace moto's IAM for `account` by `directory`."""
    backends = iam_backends[account]
    backend = backends.get("aws")
    if not isinstance(backend, DirectoryIam):
        backend = backends["aws"] = DirectoryIam("aws", account)
    backend.directory = directory
