"""The policy by which S3 decides on a bucket or object in moto: the bucket policy with what ACLs grant.

Amazon S3 User Guide, "Access control list (ACL) overview" (the table "Mapping of ACL permissions and access policy
permissions"), "Controlling ownership of objects", "Blocking public access". A grant of an ACL becomes a statement, so
that there is one evaluation, and one explanation:

1. ACLs do not count where the bucket owner enforces its ownership. Public grants do not count under IgnorePublicAcls.
2. RestrictPublicBuckets denies a public bucket to all but its account and the services; through an access point, also
   to all but the account of that.
3. An object that another account owns is granted by its ACL alone: of the bucket policy, its denials count, and
   what allows to write and delete.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Final, NamedTuple

from moto.s3.models import OWNER

from locum.backends.moto.models import models_of
from locum.backends.public_policies import is_public
from locum.core.identifiers import canonical_user_id

ENFORCED: Final = "BucketOwnerEnforced"
PREFERRED: Final = "BucketOwnerPreferred"
OBJECT_OWNER: Final = "locum_owner"
"""The attribute of an object in moto for the account that owns it, where that is not the bucket's."""
ALL_USERS: Final = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS: Final = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
PUBLIC_GROUPS: Final = frozenset({ALL_USERS, AUTHENTICATED_USERS})
_LOG_DELIVERY: Final = "http://acs.amazonaws.com/groups/s3/LogDelivery"

Actions = Mapping[str, tuple[str, ...]]

_OF_BUCKET: Final[Actions] = {
    "READ": ("s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"),
    "READ_ACP": ("s3:GetBucketAcl",),
    "WRITE_ACP": ("s3:PutBucketAcl",),
}
_IN_BUCKET: Final[Actions] = {"WRITE": ("s3:PutObject",)}
_OF_OBJECT: Final[Actions] = {
    "READ": ("s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTorrent"),
    "READ_ACP": ("s3:GetObjectAcl", "s3:GetObjectVersionAcl"),
    "WRITE_ACP": ("s3:PutObjectAcl", "s3:PutObjectVersionAcl"),
}
_FULL: Final = "FULL_CONTROL"
_WRITING: Final = (
    "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts", "s3:RestoreObject",
)  # fmt: skip
"""What a bucket policy may allow on objects that the bucket owner does not own."""

Grant = tuple[str, str]
"""A grantee, which is a canonical user id or the URI of a group, and a permission."""


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
    found = [block for block in (own, of_account) if block is not None]
    if not found:
        return _NO_BLOCK
    names = ("block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets")
    return Block(*(any(getattr(block, name) for block in found) for name in names))


def policy_of(
    account: str, bucket: Any, key: Any, policy: str | None, block: Block, others: tuple[str, ...] = ()
) -> str | None:
    """The policy that counts for `bucket`, which `account` owns, or for its object `key`; None where there is none.

    `policy` is the bucket policy, `block` has the settings that count (`block_of`), and `others` are further accounts
    that RestrictPublicBuckets does not keep out.
    """
    restrict = block.restrict and policy is not None and is_public(policy)
    enforced = bucket.ownership_rule == ENFORCED
    of_bucket = () if enforced else _grants(bucket.acl, account, ignore=block.ignore)
    owner = account if enforced or key is None else getattr(key, OBJECT_OWNER, account)
    inherited = key is None or key.acl is bucket.acl  # by moto, not by S3
    of_object = () if enforced or inherited else _grants(key.acl, owner, ignore=block.ignore)
    if not (restrict or of_bucket or of_object or owner != account):
        return policy
    restricted = (account, *others) if restrict else ()
    return _merged(policy, bucket.arn, account, owner, of_bucket, of_object, restricted)


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


@lru_cache(4096)
def _merged(
    policy: str | None,
    arn: str,
    account: str,
    owner: str,
    of_bucket: tuple[Grant, ...],
    of_object: tuple[Grant, ...],
    restricted: tuple[str, ...],
) -> str | None:
    try:
        document = json.loads(policy) if policy is not None else {"Version": "2012-10-17", "Statement": []}
        statements = document["Statement"]
        listed = list(statements) if isinstance(statements, list) else [statements]
    except (ValueError, KeyError, TypeError):
        return policy  # which denies everything
    if owner != account:
        listed = [kept for statement in listed for kept in _of_foreign_object(statement)]
        listed += _of_owner(arn, account, owner, of_object)
    for grants, table, resource in (
        (of_bucket, _OF_BUCKET, arn),
        (of_bucket, _IN_BUCKET, f"{arn}/*"),
        (of_object, _OF_OBJECT, f"{arn}/*"),
    ):
        listed += _statements(grants, table, resource)
    if restricted:
        listed.append(restriction(arn, *restricted))
    if not listed:
        return None
    return json.dumps({**document, "Statement": listed})


def _statements(grants: Iterable[Grant], table: Actions, resource: str) -> Iterator[dict[str, Any]]:
    for grantee, permission in grants:
        principal, condition = _principal(grantee)
        actions = _actions(permission, table)
        if principal is not None and actions:
            statement = {"Effect": "Allow", "Principal": principal, "Action": actions}
            yield {**statement, "Resource": resource, **condition}


def _actions(permission: str, table: Actions) -> list[str]:
    permissions = table if permission == _FULL else (permission,)
    return [action for name in permissions for action in table.get(name, ())]


def _principal(grantee: str) -> tuple[Any, dict[str, Any]]:
    """The Principal and Condition for a grantee; no principal for one that policies cannot name (an e-mail address)."""
    if grantee == ALL_USERS:
        return "*", {}
    if grantee == AUTHENTICATED_USERS:
        return "*", {"Condition": {"Null": {"aws:PrincipalAccount": "false"}}}
    if grantee == _LOG_DELIVERY:
        return {"Service": "logging.s3.amazonaws.com"}, {}
    return ({"CanonicalUser": grantee}, {}) if grantee.isalnum() else (None, {})


def restriction(arn: str, *accounts: str) -> dict[str, Any]:
    """RestrictPublicBuckets: to "only AWS service principals and authorized users within the bucket owner's account and
    access point owner's account".
    """
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {
            "StringNotEquals": {"aws:PrincipalAccount": list(accounts)},
            "Bool": {"aws:PrincipalIsAWSService": "false"},
        },
    }


def _of_foreign_object(statement: Any) -> Iterator[Any]:
    """The parts of a statement that count for an object that the bucket owner does not own.

    A bucket policy grants nothing on such an object, but the bucket owner may deny access to it, and delete it.
    """
    if not isinstance(statement, dict) or statement.get("Effect") != "Allow":
        yield statement
        return
    negated = "NotAction" in statement
    named = statement.get("NotAction", statement.get("Action"))
    patterns = [str(pattern).lower() for pattern in (named if isinstance(named, list) else [named])]
    kept = [a for a in _WRITING if any(fnmatchcase(a.lower(), pattern) for pattern in patterns) is not negated]
    if kept:
        yield {name: value for name, value in statement.items() if name != "NotAction"} | {"Action": kept}


def _of_owner(arn: str, account: str, owner: str, grants: tuple[Grant, ...]) -> Iterator[dict[str, Any]]:
    """The statements for the account that owns an object in a bucket of `account`, and against the latter."""
    everything = _actions(_FULL, _OF_OBJECT)
    head = {"Resource": f"{arn}/*"}
    yield {**head, "Effect": "Allow", "Principal": {"AWS": owner}, "Action": everything}
    bucket_owner = canonical_user_id(account)
    granted = {
        action
        for grantee, permission in grants
        if grantee == bucket_owner or grantee in PUBLIC_GROUPS
        for action in _actions(permission, _OF_OBJECT)
    }
    withheld = [action for action in everything if action not in granted]
    if withheld:
        owner_only = {"Condition": {"StringEquals": {"aws:PrincipalAccount": account}}}
        yield {**head, "Effect": "Deny", "Principal": "*", "Action": withheld, **owner_only}
