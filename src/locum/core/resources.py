"""Properties of the resource of a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from locum.core.arn import Arn
from locum.core.identifiers import ACCOUNT_ID


@dataclass(frozen=True, slots=True)
class ResourceFacts:
    """The properties of a resource that authorization needs. None: unknown or absent.

    `account` owns the resource (an S3 bucket's ARN does not contain it). `policy` is the text of its
    resource-based policy, UNREADABLE where there is one that cannot be told. `tags` are the tags of the resource
    itself. `arn` is the one that AWS authorizes, where a call names the resource in another way (a KMS alias, a secret
    by its name). `attributes` has what else is asked of a resource of its service, by name (`partition_key`; of a VPC
    endpoint, its `vpc` and `service`).
    """

    account: str | None = None
    policy: str | None = None
    tags: Mapping[str, str] | None = None
    arn: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


class Endpoint(NamedTuple):
    """The VPC endpoint that a call came through: its id, VPC, account and policy."""

    id: str
    vpc: str
    account: str
    policy: str = ""


def owner_of(resource: str, known: ResourceFacts) -> str:
    """The account that owns a resource, by its ARN or by what is known of it; empty where neither says."""
    arn = Arn.find(resource)
    named = arn.account if arn is not None and ACCOUNT_ID.fullmatch(arn.account) else ""
    return named or known.account or ""


UNREADABLE = "unreadable"
"""In place of the text of a policy that is there and cannot be told: no policy, so that it is treated as malformed."""

UNKNOWN = ResourceFacts()
