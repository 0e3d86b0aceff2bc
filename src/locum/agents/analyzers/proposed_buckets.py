"""The policy that a bucket would have: its bucket policy with what its ACL grants, as far as it is not restricted.

Access Analyzer API Reference, S3BucketConfiguration; IAM User Guide, "Previewing access with IAM Access Analyzer APIs".
Where the bucket owner enforces its ownership, ACLs do not count: that cannot be proposed, and stays as it is. So do the
settings of Block Public Access of the account.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from locum.agents.analyzers.proposed_policies import InvalidConfiguration
from locum.backends.public_policies import is_public
from locum.backends.s3_policies import (
    ALL_USERS,
    AUTHENTICATED_USERS,
    LOG_DELIVERY,
    PUBLIC_GROUPS,
    Grant,
    Grants,
    merged,
    own_statements,
)
from locum.calls import Runtime
from locum.calls.backend_answers import backend_answer
from locum.core.arn import BUCKETS
from locum.core.errors import Fault
from locum.core.identifiers import canonical_user_id
from locum.state.analyzers import Analyzer

_CANONICAL: Final = re.compile(r"[0-9a-f]{64}")
_GROUPS: Final = frozenset({ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY})
_ABSENT: Final = frozenset(
    {"NoSuchBucketPolicy", "NoSuchPublicAccessBlockConfiguration", "OwnershipControlsNotFoundError"}
)
"""The errors of S3 for what is not set."""
_ENFORCED: Final = "BucketOwnerEnforced"
_BLOCK: Final = "PublicAccessBlockConfiguration"

Content = Mapping[str, Any]


class _Bucket:
    """A bucket of an analyzer's account, which may be `there` already."""

    def __init__(self, runtime: Runtime, analyzer: Analyzer, arn: str, *, there: bool) -> None:
        self._runtime = runtime
        self._analyzer = analyzer
        self.arn = arn
        self.there = there

    async def told(self, operation: str, service: str = "s3") -> Mapping[str, Any]:
        """What S3 answers about the bucket or, where it is S3 Control, the account; nothing where nothing is set."""
        account = self._analyzer.account
        named = {"AccountId": account} if service == "s3control" else {"Bucket": self.arn.removeprefix(BUCKETS)}
        if not self.there and service == "s3":
            return {}
        try:
            return await backend_answer(self._runtime, service, operation, named, account, self._analyzer.region)
        except Fault as fault:
            if fault.code in _ABSENT:
                return {}
            raise


async def bucket_policy(
    runtime: Runtime, analyzer: Analyzer, arn: str, policy: str | None, content: Content, *, there: bool
) -> tuple[str, int]:
    """The policy that the bucket would have (empty for none), and how many statements of it are not its ACL's.

    `policy` is the proposed bucket policy: empty to remove the one that is there, None to leave it. Raises
    InvalidConfiguration; Fault where the backend does not tell what is there.
    """
    bucket = _Bucket(runtime, analyzer, arn, there=there)
    if (await bucket.told("HeadBucket")).get("BucketRegion") not in (None, analyzer.region):
        raise InvalidConfiguration("The bucket is in another Region.")
    text = (await bucket.told("GetBucketPolicy")).get("Policy") if policy is None else policy or None
    ignore, restrict = await _block(bucket, content.get("bucketPublicAccessBlock"))
    grants = await _grants(bucket, content.get("bucketAclGrants"))
    counted = tuple(it for it in grants if not (ignore and it[0] in PUBLIC_GROUPS))
    restricted = (analyzer.account,) if restrict and text is not None and is_public(text) else ()
    of_bucket = Grants(_others(counted, analyzer.account), (), (), versioned=False)
    policy = merged(text, arn, analyzer.account, analyzer.account, of_bucket, restricted)
    return policy or "", own_statements(text)


async def _block(bucket: _Bucket, proposed: Content | None) -> tuple[bool, bool]:
    """Whether public ACLs are ignored and public buckets restricted: by the bucket's settings or by its account's."""
    own = proposed
    if own is None:
        set_now = (await bucket.told("GetPublicAccessBlock")).get(_BLOCK) or {}
        own = {name[0].lower() + name[1:]: value for name, value in set_now.items()}
    account = (await bucket.told("GetPublicAccessBlock", "s3control")).get(_BLOCK) or {}
    return (
        bool(own.get("ignorePublicAcls") or account.get("IgnorePublicAcls")),
        bool(own.get("restrictPublicBuckets") or account.get("RestrictPublicBuckets")),
    )


async def _grants(bucket: _Bucket, proposed: Any) -> tuple[Grant, ...]:
    """The grants of the ACL as proposed, or as it is. Raises InvalidConfiguration."""
    if proposed is None:
        listed = (await bucket.told("GetBucketAcl")).get("Grants") or ()
        return tuple((_grantee_now(it["Grantee"]), it["Permission"]) for it in listed)
    rules = (await bucket.told("GetBucketOwnershipControls")).get("OwnershipControls", {}).get("Rules") or ()
    grants = tuple((_grantee(it["grantee"]), it["permission"]) for it in proposed)
    return () if any(rule["ObjectOwnership"] == _ENFORCED for rule in rules) else grants


def _grantee_now(grantee: Content) -> str:
    return str(grantee.get("ID") or grantee.get("URI") or "")


def _grantee(grantee: Content) -> str:
    """The grantee of a proposed grant: a canonical user id or the URI of a group. Raises InvalidConfiguration."""
    user, group = str(grantee.get("id") or ""), str(grantee.get("uri") or "")
    if len(grantee) != 1 or not (_CANONICAL.fullmatch(user) or group in _GROUPS):
        raise InvalidConfiguration("The grantee of an ACL is a canonical user id or a group of S3.")
    return user or group


def _others(grants: tuple[Grant, ...], account: str) -> tuple[Grant, ...]:
    """The grants to others than the owner, who has access anyway."""
    return tuple(it for it in grants if it[0] != canonical_user_id(account))
