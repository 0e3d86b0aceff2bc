"""The policy by which S3 decides on a bucket or object in moto: the bucket policy with what ACLs grant.

Amazon S3 User Guide, "Access control list (ACL) overview" (the table "Mapping of ACL permissions and access policy
permissions"), "Controlling ownership of objects", "Blocking public access". A grant of an ACL becomes a statement, so
that there is one evaluation, and one explanation:

1. ACLs do not count where the bucket owner enforces its ownership. Public grants do not count under IgnorePublicAcls.
2. RestrictPublicBuckets denies a public bucket to all but its account and the services; through an access point, also
   to all but the account of that.
3. An object that another account owns is read, and its ACL read and set, by its ACL alone: of the bucket policy, its
   denials count, and what allows all else.
4. Each version of an object has an ACL of its own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
LOG_DELIVERY: Final = "http://acs.amazonaws.com/groups/s3/LogDelivery"

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
_ON_VERSIONS: Final[Actions] = {
    permission: tuple(action for action in actions if "Version" in action) for permission, actions in _OF_OBJECT.items()
}
_OF_BUCKET_OWNER: Final = (
    "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts", "s3:RestoreObject", "s3:GetObjectTagging", "s3:GetObjectVersionTagging",
    "s3:PutObjectTagging", "s3:PutObjectVersionTagging", "s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging",
    "s3:GetObjectRetention", "s3:PutObjectRetention", "s3:BypassGovernanceRetention", "s3:GetObjectLegalHold",
    "s3:PutObjectLegalHold",
)  # fmt: skip
"""The actions that a bucket policy may allow on objects of other owners: to write, delete, tag and lock them.

S3 API Reference, PutObjectTagging: "By default, the bucket owner has this permission and can grant this permission to
others."
"""

_ON_LATEST: Final[Actions] = {
    permission: tuple(action for action in actions if "Version" not in action)
    for permission, actions in _OF_OBJECT.items()
}
_NO_CONDITION: Final[Mapping[str, Any]] = {}

Grant = tuple[str, str]
"""A grantee, which is a canonical user id or the URI of a group, and a permission."""
VersionGrants = tuple[str, tuple[Grant, ...]]
"""The id of a version, and the grants of its ACL."""


class Grants(NamedTuple):
    """The grants of ACLs to others: of a bucket's, of an object's, and of its versions' if it has several."""

    bucket: tuple[Grant, ...]
    object: tuple[Grant, ...]
    versions: tuple[VersionGrants, ...]
    versioned: bool


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
    return _merged(policy, bucket.arn, account, owner, grants, (account, *others) if restrict else ())


def current(versions: Sequence[Any]) -> Any:
    """The current version of an object; None where there is none, or a delete marker."""
    return versions[-1] if versions and hasattr(versions[-1], "acl") else None


def is_listed(account: str, bucket: Any) -> bool:
    """Whether the ACL of a bucket lets anyone list its objects but the account that owns it."""
    if bucket.ownership_rule == ENFORCED or not _grants(bucket.acl, account, ignore=False):
        return False
    grants = _grants(bucket.acl, account, ignore=block_of(account, bucket).ignore)
    return any(permission in ("READ", _FULL) for _, permission in grants)


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


@lru_cache(4096)
def _merged(
    policy: str | None,
    arn: str,
    account: str,
    owner: str,
    grants: Grants,
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
        listed += _of_owner(arn, account, owner, grants.object)
    listed += _statements(grants.bucket, _OF_BUCKET, arn)
    listed += _statements(grants.bucket, _IN_BUCKET, f"{arn}/*")
    listed += _statements(grants.object, _ON_LATEST if grants.versioned else _OF_OBJECT, f"{arn}/*")
    for version, of_version in grants.versions:
        listed += _statements(of_version, _ON_VERSIONS, f"{arn}/*", {"StringEquals": {"s3:VersionId": version}})
    if restricted:
        listed.append(restriction(arn, *restricted))
    if not listed:
        return None
    return json.dumps({**document, "Statement": listed})


def _statements(
    grants: Iterable[Grant], table: Actions, resource: str, further: Mapping[str, Any] = _NO_CONDITION
) -> Iterator[dict[str, Any]]:
    for grantee, permission in grants:
        principal, condition = _principal(grantee)
        actions = _actions(permission, table)
        if principal is not None and actions:
            statement = {"Effect": "Allow", "Principal": principal, "Action": actions, "Resource": resource}
            conditions = {**condition, **further}
            yield {**statement, "Condition": conditions} if conditions else statement


def _actions(permission: str, table: Actions) -> list[str]:
    permissions = table if permission == _FULL else (permission,)
    return [action for name in permissions for action in table.get(name, ())]


def _principal(grantee: str) -> tuple[Any, dict[str, Any]]:
    """The principal and the conditions for a grantee; no principal for one that a policy cannot name (an address)."""
    if grantee == ALL_USERS:
        return "*", {}
    if grantee == AUTHENTICATED_USERS:
        return "*", {"Null": {"aws:PrincipalAccount": "false"}}
    if grantee == LOG_DELIVERY:
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
    kept = [a for a in _OF_BUCKET_OWNER if any(fnmatchcase(a.lower(), pattern) for pattern in patterns) is not negated]
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
    own = {"StringEquals": {"aws:PrincipalAccount": account}}
    replacing = {"Null": {"s3:ObjectCreationOperation": "true"}}  # false where a new object gets an ACL
    for withheld, condition in (
        ([action for action in everything if action not in (*granted, "s3:PutObjectAcl")], own),
        ([] if "s3:PutObjectAcl" in granted else ["s3:PutObjectAcl"], own | replacing),
    ):
        if withheld:
            yield {**head, "Effect": "Deny", "Principal": "*", "Action": withheld, "Condition": condition}
