"""The policy by which S3 decides on a bucket or object: the bucket policy with what ACLs grant, and what is restricted.

Amazon S3 User Guide, "Access control list (ACL) overview" (the table "Mapping of ACL permissions and access policy
permissions"), "Blocking public access". A grant of an ACL becomes a statement, so that there is one evaluation, and one
explanation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Final, NamedTuple

from locum.core.identifiers import canonical_user_id

ALL_USERS: Final = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS: Final = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
PUBLIC_GROUPS: Final = frozenset({ALL_USERS, AUTHENTICATED_USERS})
LOG_DELIVERY: Final = "http://acs.amazonaws.com/groups/s3/LogDelivery"

OWN_STATEMENTS: Final = "own_statements"
"""The attribute in the facts of a bucket for what `own_statements` says of it."""

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
FULL: Final = "FULL_CONTROL"
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


@lru_cache(4096)
def merged(
    policy: str | None,
    arn: str,
    account: str,
    owner: str,
    grants: Grants,
    restricted: tuple[str, ...],
) -> str | None:
    """The bucket policy `policy` of the bucket `arn` of `account`, with `grants`; None where there is nothing in it.

    It is that of an object of `owner`, where that is another account. `restricted`: the accounts, with the services, to
    which the bucket is restricted; empty where it is not.
    """
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
    permissions = table if permission == FULL else (permission,)
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
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
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
    everything = _actions(FULL, _OF_OBJECT)
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


def own_statements(policy: str | None) -> int:
    """The number of statements of a bucket policy; those of ACLs are behind them in the policy that counts."""
    try:
        statements = json.loads(policy)["Statement"] if policy is not None else []
    except (ValueError, KeyError, TypeError):
        return 0
    return len(statements) if isinstance(statements, list) else 1
