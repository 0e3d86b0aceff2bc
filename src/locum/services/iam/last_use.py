"""Last uses of principals and access keys, from the recorded calls.

IAM User Guide, "Refine permissions in AWS using last accessed information": "includes all attempts to access an AWS
API, not just the successful attempts". A principal is identified by its unique id: one that was recreated under
the same name has no uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from locum.services.verbs import Context, LastUse
from locum.state import AccessKey, Role

_GLOBAL_REGION: Final = "us-east-1"
_GLOBAL_SERVICES: Final = frozenset({"account", "cloudfront", "iam", "organizations", "route53", "shield", "waf"})


def uses(context: Context, principal: str | None = None, account: str = "") -> Sequence[LastUse]:
    """The last uses of a principal (a unique id; the account id for its root user), or of all in an account."""
    return () if context.usage is None else context.usage.uses(account or context.account, principal)


def latest(found: Iterable[LastUse]) -> LastUse | None:
    """The latest of the uses, or None."""
    return max(found, key=lambda use: use.at, default=None)


def service_of(use: LastUse) -> str:
    """The namespace of the service, such as `s3`."""
    return use.action.partition(":")[0]


def region_of(use: LastUse) -> str:
    """The region of the use. Services that have one endpoint for all regions are used in us-east-1."""
    return _GLOBAL_REGION if service_of(use) in _GLOBAL_SERVICES else use.region


def of_key(context: Context, owner: str, key: AccessKey) -> LastUse | None:
    """The last use of a long-term access key of the principal `owner`."""
    return latest(use for use in uses(context, owner, key.account) if use.access_key_id == key.id)


def role_last_used(context: Context, role: Role) -> dict[str, Any]:
    """The RoleLastUsed structure, empty for a role that was never used."""
    last = latest(uses(context, role.id, role.account))
    return {} if last is None else {"LastUsedDate": int(last.at), "Region": region_of(last)}
