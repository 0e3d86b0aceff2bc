"""What is known of a resource that a call is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResourceFacts:
    """Facts for a decision. None: not known, or there is none.

    `account` owns the resource (an S3 bucket's ARN does not say who). `policy` is the text of its
    resource-based policy. `tags` are the tags of the resource itself. `arn` is the one that AWS decides on, where
    a call named the resource in another way (a KMS alias, a secret by its name).
    """

    account: str | None = None
    policy: str | None = None
    tags: Mapping[str, str] | None = None
    arn: str | None = None


UNKNOWN = ResourceFacts()
