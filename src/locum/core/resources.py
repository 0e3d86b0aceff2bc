"""Properties of the resource of a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ResourceFacts:
    """The properties of a resource that authorization needs. None: unknown or absent.

    `account` owns the resource (an S3 bucket's ARN does not contain it). `policy` is the text of its
    resource-based policy, UNREADABLE where there is one that cannot be told. `tags` are the tags of the resource
    itself. `arn` is the one that AWS authorizes, where a call names the resource in another way (a KMS alias, a secret
    by its name). `attributes` has what else the condition keys of its service need, by name (`partition_key`).
    """

    account: str | None = None
    policy: str | None = None
    tags: Mapping[str, str] | None = None
    arn: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


UNREADABLE = "unreadable"
"""In place of the text of a policy that is there and cannot be told: no policy, so that it is treated as malformed."""

UNKNOWN = ResourceFacts()
