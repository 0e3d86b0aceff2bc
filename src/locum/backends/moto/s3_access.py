"""The policy by which S3 decides on a bucket or object in moto: the bucket policy with what ACLs grant.

Amazon S3 User Guide, "Access control list (ACL) overview" (the table "Mapping of ACL permissions and access policy
permissions"), "Controlling ownership of objects", "Blocking public access". What it consists of (`s3_policies`):

1. ACLs do not count where the bucket owner enforces its ownership. Public grants do not count under IgnorePublicAcls.
2. RestrictPublicBuckets denies a public bucket to all but its account and the services; through an access point, also
   to all but the account of that.
3. An object that another account owns is read, and its ACL read and set, by its ACL alone: of the bucket policy, its
   denials count, and what allows all else.
4. Each version of an object has an ACL of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from moto.s3.models import OWNER

from locum.backends.moto.models import models_of
from locum.backends.public_policies import is_public
from locum.backends.s3_policies import FULL, PUBLIC_GROUPS, Grant, Grants, VersionGrants, merged
from locum.core.identifiers import canonical_user_id

ENFORCED: Final = "BucketOwnerEnforced"
PREFERRED: Final = "BucketOwnerPreferred"
OBJECT_OWNER: Final = "locum_owner"
"""The attribute of an object in moto for the account that owns it, where that is not the bucket's."""


class Block(NamedTuple):
    """The settings of Block Public Access that are on, for a bucket or for its account."""

    acls: bool = False
    ignore: bool = False
    policy: bool = False
    restrict: bool = False


_NO_BLOCK: Final = Block()


def block_of(account: str, bucket: Any = None) -> Block:
    """The settings that apply to `bucket`: its own, and those of its account. "the most restrictive combination"."""
    own = None if bucket is None else bucket.public_access_block
    control = models_of("s3control", account, "aws") if "moto.s3control.models" in sys.modules else None
    of_account = None if control is None else control.public_access_block
    if own is None and of_account is None:
        return _NO_BLOCK
    found = [block for block in (own, of_account) if block is not None]
    names = ("block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets")
    return Block(*(any(getattr(block, name) for block in found) for name in names))


def policy_of(
    account: str,
    bucket: Any,
    versions: Sequence[Any],
    policy: str | None,
    block: Block,
    others: tuple[str, ...] = (),
) -> str | None:
    """The policy that counts for `bucket`, which `account` owns, or for its object; None where there is none.

    `versions` are those of the object, the latest last, with delete markers. `policy` is the bucket policy, `block`
    has the settings that count (`block_of`), and `others` are further accounts that RestrictPublicBuckets does not
    keep out.
    """
    key = current(versions)
    restrict = block.restrict and policy is not None and is_public(policy)
    enforced = bucket.ownership_rule == ENFORCED
    of_bucket = () if enforced else _grants(bucket.acl, account, ignore=block.ignore)
    owner = account if enforced or key is None else getattr(key, OBJECT_OWNER, account)
    of_object = () if enforced or key is None else _object_grants(bucket, key, account, block)
    of_versions: tuple[VersionGrants, ...] = ()
    if len(versions) > 1 and not enforced:
        found = ((v.version_id, _object_grants(bucket, v, account, block)) for v in versions if hasattr(v, "acl"))
        of_versions = tuple(pair for pair in found if pair[1])
    if not (restrict or of_bucket or of_object or of_versions or owner != account):
        return policy
    grants = Grants(of_bucket, of_object, of_versions, len(versions) > 1)
    return merged(policy, bucket.arn, account, owner, grants, (account, *others) if restrict else ())


def current(versions: Sequence[Any]) -> Any:
    """The current version of an object; None where there is none, or a delete marker."""
    return versions[-1] if versions and hasattr(versions[-1], "acl") else None


def is_listed(account: str, bucket: Any) -> bool:
    """Whether the ACL of a bucket lets anyone list its objects but the account that owns it."""
    if bucket.ownership_rule == ENFORCED or not _grants(bucket.acl, account, ignore=False):
        return False
    grants = _grants(bucket.acl, account, ignore=block_of(account, bucket).ignore)
    return any(permission in ("READ", FULL) for _, permission in grants)


def _object_grants(bucket: Any, key: Any, account: str, block: Block) -> tuple[Grant, ...]:
    """The grants of the ACL of a version of an object, which moto may have given its bucket's."""
    if key.acl is bucket.acl:
        return ()
    return _grants(key.acl, getattr(key, OBJECT_OWNER, account), ignore=block.ignore)


def _grants(acl: Any, owner: str, *, ignore: bool) -> tuple[Grant, ...]:
    """The grants of an ACL to others than the owner, who has access anyway."""
    if acl is None or (len(acl.grants) == 1 and acl.grants[0].grantees[0].id == OWNER):
        return ()
    own = (OWNER, canonical_user_id(owner))
    pairs = (
        (grantee.id or grantee.uri, permission)
        for grant in acl.grants
        for grantee in grant.grantees
        for permission in grant.permissions
    )
    return tuple(pair for pair in pairs if pair[0] not in own and not (ignore and pair[0] in PUBLIC_GROUPS))
