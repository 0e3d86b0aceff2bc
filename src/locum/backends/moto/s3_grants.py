"""Access control lists of S3: made of the parameters of a call, checked, kept in moto, and told.

Amazon S3 User Guide, "Access control list (ACL) overview". moto keeps canned ACLs in part, and no owners: of its ACLs
the grantee with the id OWNER stands for the owner of the bucket or object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from moto.s3.models import OWNER, FakeAcl, FakeGrant, FakeGrantee, get_canned_acl

from locum.backends.s3_policies import ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY, PUBLIC_GROUPS
from locum.core.errors import Fault
from locum.core.identifiers import canonical_user_id
from locum.core.s3_errors import METHOD_NOT_ALLOWED

GRANT_HEADERS: Final = {
    "GrantFullControl": "FULL_CONTROL",
    "GrantRead": "READ",
    "GrantReadACP": "READ_ACP",
    "GrantWrite": "WRITE",
    "GrantWriteACP": "WRITE_ACP",
}
"""The parameters for x-amz-grant-* headers, and the permissions that they grant."""
FOR_BUCKET_OWNER: Final = {"bucket-owner-full-control": "FULL_CONTROL", "bucket-owner-read": "READ"}
"""The canned ACLs of objects that grant something to the bucket owner."""
PUBLIC_ACLS: Final = frozenset({"public-read", "public-read-write", "authenticated-read"})
CANNED_ACLS: Final = PUBLIC_ACLS | FOR_BUCKET_OWNER.keys() | {"private", "aws-exec-read", "log-delivery-write"}
_ACCEPTED_WHERE_ENFORCED: Final = frozenset({"private", *FOR_BUCKET_OWNER})
_GROUPS: Final = frozenset({ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY})
_CANONICAL_ID: Final = re.compile(r"[0-9a-f]{64}")
_HEADER_GRANTEE: Final = re.compile(r'\b(\w++)\s*+=\s*"?([^",]+)"?')


class Grantee(NamedTuple):
    """A grantee as a request names it: by its `kind` (`id`, `uri` or `emailAddress`) and `name`."""

    kind: str
    name: str
    in_body: bool = False


def asked(params: Mapping[str, Any]) -> Iterator[tuple[Grantee, str]]:
    """The grants that the parameters of a call list, in the body or in x-amz-grant-* headers: `id="...", uri="..."`."""
    for grant in (params.get("AccessControlPolicy") or {}).get("Grants") or ():
        grantee = grant.get("Grantee") or {}
        for member, kind in (("ID", "id"), ("URI", "uri"), ("EmailAddress", "emailAddress")):
            if grantee.get(member):
                yield Grantee(kind, str(grantee[member]), in_body=True), str(grant.get("Permission", ""))
    for name, permission in GRANT_HEADERS.items():
        for kind, value in _HEADER_GRANTEE.findall(str(params.get(name, ""))):
            yield Grantee(kind if kind.lower() not in ("id", "uri") else kind.lower(), value), permission


def is_given(params: Mapping[str, Any]) -> bool:
    """Whether the parameters of a call set an ACL."""
    return "ACL" in params or "AccessControlPolicy" in params or any(params.get(name) for name in GRANT_HEADERS)


def is_public(params: Mapping[str, Any]) -> bool:
    """Whether an ACL in the parameters grants anything to everybody, or to every account."""
    return params.get("ACL") in PUBLIC_ACLS or any(grantee.name in PUBLIC_GROUPS for grantee, _ in asked(params))


def check_acl(params: Mapping[str, Any]) -> None:
    """Raise Fault for grantees that S3 does not take, and where a request has an ACL in its headers and in its body.

    S3 API Reference, PutBucketAcl: "As of October 1, 2025, Amazon S3 has discontinued support for Email Grantee Access
    Control Lists [...] the request will receive an HTTP 405 (Method Not Allowed) error".
    """
    if "AccessControlPolicy" in params and ("ACL" in params or any(params.get(name) for name in GRANT_HEADERS)):
        raise Fault("UnexpectedContent", "This request does not support content", 400)
    for grantee, _ in asked(params):
        if grantee.kind == "id" and not _CANONICAL_ID.fullmatch(grantee.name):
            raise _invalid("Invalid id", "CanonicalUser/ID" if grantee.in_body else "id", grantee.name)
        if grantee.kind == "uri" and grantee.name not in _GROUPS:
            raise _invalid("Invalid group uri", "Group/URI" if grantee.in_body else "uri", grantee.name)
        if grantee.kind not in ("id", "uri"):
            raise Fault(*METHOD_NOT_ALLOWED)


def _invalid(text: str, argument: str, value: str) -> Fault:
    return Fault("InvalidArgument", text, 400, members={"ArgumentName": argument, "ArgumentValue": value})


def is_accepted_where_enforced(params: Mapping[str, Any], writer: str, bucket_owner: str) -> bool:
    """Whether an object may have this ACL though the bucket owner enforces its ownership: it grants no one else.

    Amazon S3 User Guide, "Controlling ownership of objects": "PUT requests that don't specify an ACL or PUT requests
    with bucket owner full control ACLs, such as the bucket-owner-full-control canned ACL or an equivalent form".
    """
    canned = params.get("ACL")
    if canned is not None:
        own = writer == bucket_owner and canned in _ACCEPTED_WHERE_ENFORCED
        return own or canned == "bucket-owner-full-control"
    return all(grantee.name == canonical_user_id(bucket_owner) for grantee, _ in asked(params))


def acl_of_object(params: Mapping[str, Any], owner: str, bucket_owner: str) -> FakeAcl:
    """The ACL of an object that `owner` owns, by the parameters of the call that sets it."""
    acl = acl_of_bucket(params)
    permission = FOR_BUCKET_OWNER.get(params.get("ACL", ""))
    if permission is not None and owner != bucket_owner:
        acl.grants.append(_grant(Grantee("id", canonical_user_id(bucket_owner)), permission))
    return acl


def acl_of_bucket(params: Mapping[str, Any]) -> FakeAcl:
    """The ACL of a bucket, by the parameters of the call that makes it or sets its ACL."""
    listed = [_grant(grantee, permission) for grantee, permission in asked(params)]
    if listed or "AccessControlPolicy" in params:
        return FakeAcl(listed)
    return get_canned_acl(params.get("ACL", "private"))


def _grant(grantee: Grantee, permission: str) -> FakeGrant:
    by_id = grantee.kind == "id"
    kept = FakeGrantee(grantee_id=grantee.name if by_id else "", uri="" if by_id else grantee.name)
    return FakeGrant([kept], [permission])


def grants_others(acl: Any, owner: str) -> bool:
    """Whether an ACL grants anything to anyone but the account `owner`, whose it is."""
    own = (OWNER, canonical_user_id(owner))
    return acl is not None and any(
        (grantee.id or grantee.uri) not in own for grant in acl.grants for grantee in grant.grantees
    )


def told(acl: Any, owner: str) -> dict[str, Any]:
    """The answer to GetBucketAcl and GetObjectAcl; `acl` None where the owner alone is granted anything."""
    own = canonical_user_id(owner)
    grants = get_canned_acl("private").grants if acl is None else acl.grants
    return {
        "Owner": {"ID": own},
        "Grants": [
            {"Grantee": _told_grantee(grantee, own), "Permission": permission}
            for grant in grants
            for grantee in grant.grantees
            for permission in grant.permissions
        ],
    }


def _told_grantee(grantee: Any, owner: str) -> dict[str, str]:
    if grantee.uri:
        return {"Type": "Group", "URI": grantee.uri}
    return {"Type": "CanonicalUser", "ID": owner if grantee.id == OWNER else grantee.id}
