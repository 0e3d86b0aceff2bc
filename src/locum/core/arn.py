"""Amazon Resource Names.

    arn:partition:service:region:account:resource

The sixth field keeps its colons. AWS General Reference, "Amazon Resource Names (ARNs)".
"""

from __future__ import annotations

from typing import Final, NamedTuple, Self

PARTITION = "aws"
BUCKETS: Final = f"arn:{PARTITION}:s3:::"
"""The beginning of the ARNs of S3's buckets, which have no region and no account, and of their objects."""


class Arn(NamedTuple):
    """An ARN: its fields after the leading `arn`."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse an ARN. Raises ValueError where it has not six fields, or the first is not `arn`."""
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn":
            raise ValueError(f"not an ARN: {text!r} (arn:partition:service:region:account:resource)")
        return cls(*parts[1:])

    @classmethod
    def find(cls, text: str) -> Self | None:
        """Parse an ARN; None where `text` is not one."""
        parts = text.split(":", 5)
        return cls(*parts[1:]) if len(parts) == 6 and parts[0] == "arn" else None

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


def iam_arn(account: str, kind: str, path: str, name: str) -> str:
    """The ARN of an IAM resource: `kind` is `user`, `role`, `instance-profile` ...; `path` has both slashes."""
    return f"arn:{PARTITION}:iam::{account}:{kind}{path}{name}"


def root_arn(account: str) -> str:
    """The ARN of an account's root user, which denotes the account in a policy."""
    return f"arn:{PARTITION}:iam::{account}:root"


def is_service_linked(arn: str) -> bool:
    """Whether `arn` is that of a service-linked role, by the start of its path."""
    fields = arn.split(":", 5)
    return len(fields) == 6 and fields[2] == "iam" and fields[5].startswith("role/aws-service-role/")


def assumed_role_arn(account: str, role_name: str, session_name: str) -> str:
    """The ARN of a role session, which does not contain the role's path."""
    return f"arn:{PARTITION}:sts::{account}:assumed-role/{role_name}/{session_name}"


def federated_user_arn(account: str, name: str) -> str:
    """The ARN of a GetFederationToken session."""
    return f"arn:{PARTITION}:sts::{account}:federated-user/{name}"


def queue_url(queue: Arn) -> str:
    """The URL by which SQS is told of a queue."""
    return f"https://sqs.{queue.region}.amazonaws.com/{queue.account}/{queue.resource}"
