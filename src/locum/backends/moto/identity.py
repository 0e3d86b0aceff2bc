"""What moto's other services look up in moto's IAM, answered from Locum's state.

moto's Lambda, Batch, CodePipeline and EC2 ask their IAM for a role or an instance profile. They are
given an IAM backend whose look-ups end here, so that they accept what exists in Locum, and nothing else.
"""

from __future__ import annotations

from typing import Any

from moto.iam.exceptions import NotFoundException
from moto.iam.models import IAMBackend, iam_backends

from locum.backends.directory import Directory


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
