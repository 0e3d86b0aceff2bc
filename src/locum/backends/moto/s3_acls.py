"""The ACLs and public policies that S3 refuses, and the owners of objects, which moto does not know.

Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage", "Controlling ownership of objects and
disabling ACLs for your bucket".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from moto.s3.models import OWNER, FakeAcl, FakeGrant, FakeGrantee, FakeKey, get_canned_acl, s3_backends

from locum.backends.moto import access_points
from locum.backends.moto.s3_access import (
    ENFORCED,
    OBJECT_OWNER,
    PREFERRED,
    PUBLIC_GROUPS,
    Block,
    block_of,
)
from locum.backends.port import BackendCall
from locum.backends.public_policies import is_public
from locum.core.arn import Arn
from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.core.identifiers import ACCOUNT_ID, canonical_user_id

_GRANTS: Final = {
    "GrantFullControl": "FULL_CONTROL",
    "GrantRead": "READ",
    "GrantReadACP": "READ_ACP",
    "GrantWrite": "WRITE",
    "GrantWriteACP": "WRITE_ACP",
}
_GRANTEE: Final = re.compile(r'(\w+)\s*=\s*"?([^",]+)"?')
_GRANTEES: Final = {"id": "ID", "uri": "URI"}
_SETTING: Final = frozenset({"PutBucketAcl", "PutObjectAcl"})
_MAKING: Final = frozenset({"PutObject", "CopyObject", "CreateMultipartUpload"})
_MADE: Final = frozenset({"PutObject", "CopyObject", "CompleteMultipartUpload"})
_PUBLIC_ACLS: Final = frozenset({"public-read", "public-read-write", "authenticated-read"})
_FOR_BUCKET_OWNER: Final = {"bucket-owner-full-control": "FULL_CONTROL", "bucket-owner-read": "READ"}
_ACL: Final = "locum_acl"
"""The attribute of an upload for the parameters that give its object an ACL."""
_CANNED_ACLS: Final = _PUBLIC_ACLS | _FOR_BUCKET_OWNER.keys() | {"private", "aws-exec-read", "log-delivery-write"}
_OWNERS: Final = re.compile(rf"{OWNER}|bcaf1ffd86f41161ca5fb16fd081034f".encode())
"""The ids that moto has for the owner of everything, and of all buckets."""
_TELLING_OWNERS: Final = frozenset(
    {
        "GetBucketAcl", "GetObjectAcl", "ListBuckets", "ListMultipartUploads", "ListObjects", "ListObjectsV2",
        "ListObjectVersions", "ListParts",
    }
)  # fmt: skip
_ENFORCED_TEXT: Final = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"


def check(call: BackendCall) -> None:
    """Raise Fault for an ACL or a policy that the bucket's ownership or Block Public Access does not allow."""
    operation, params = call.operation, call.params
    if params.get("ACL", "private") not in _CANNED_ACLS:
        members = {"ArgumentName": "x-amz-acl", "ArgumentValue": str(params["ACL"])}
        raise Fault("InvalidArgument", "Unknown canned ACL", 400, members=members)
    if operation == "CreateBucket":
        _check_new_bucket(call)
        return
    if operation not in _SETTING | _MAKING and operation not in ("PutBucketPolicy", "PutBucketOwnershipControls"):
        return
    bucket = _bucket(call)
    if bucket is None:
        return
    if operation == "PutBucketPolicy":
        if block_of(call.account, bucket).policy and is_public(_text(params.get("Policy", ""))):
            raise _blocked(call, "public policies", "BlockPublicPolicy")
    elif operation == "PutBucketOwnershipControls":
        rules = params.get("OwnershipControls", {}).get("Rules") or ()
        if any(rule.get("ObjectOwnership") == ENFORCED for rule in rules) and _grants_others(bucket, call.account):
            raise Fault("InvalidBucketAclWithObjectOwnership", _ENFORCED_TEXT, 400)
    else:
        _check_acl(call, bucket)


def _check_new_bucket(call: BackendCall) -> None:
    params = call.params
    given = params.get("ACL", "private") != "private" or any(params.get(name) for name in _GRANTS)
    if given and params.get("ObjectOwnership") == ENFORCED:
        raise Fault("InvalidBucketAclWithObjectOwnership", _ENFORCED_TEXT, 400)
    if block_of(call.account).acls and _public(params):
        raise _blocked(call, "public access control lists (ACLs)", "BlockPublicAcls")


def _check_acl(call: BackendCall, bucket: Any) -> None:
    params = call.params
    given = "ACL" in params or "AccessControlPolicy" in params or any(params.get(name) for name in _GRANTS)
    setting = call.operation in _SETTING
    if bucket.ownership_rule == ENFORCED and (setting or given):
        if setting or params.get("ACL") != "bucket-owner-full-control":
            raise Fault("AccessControlListNotSupported", "The bucket does not allow ACLs", 400)
    elif given and _public(params) and _block(call, bucket).acls:
        raise _blocked(call, "public access control lists (ACLs)", "BlockPublicAcls")


def _block(call: BackendCall, bucket: Any) -> Block:
    """The settings of Block Public Access for a call, which may come through an access point."""
    point = access_points.find(Arn.parse(call.access_point)) if call.access_point else None
    return block_of(call.account, bucket) if point is None else access_points.block(point)


def _public(params: Mapping[str, Any]) -> bool:
    """Whether an ACL in the parameters grants anything to everybody, or to every account."""
    if params.get("ACL") in _PUBLIC_ACLS:
        return True
    grants = (params.get("AccessControlPolicy") or {}).get("Grants") or ()
    uris = [str((grant.get("Grantee") or {}).get("URI", "")) for grant in grants]
    headers = " ".join(str(params.get(name, "")) for name in _GRANTS)
    return any(group in uris or group in headers for group in PUBLIC_GROUPS)


def _grants_others(bucket: Any, account: str) -> bool:
    own = (OWNER, canonical_user_id(account))
    return bucket.acl is not None and any(
        (grantee.id or grantee.uri) not in own for grant in bucket.acl.grants for grantee in grant.grantees
    )


def _blocked(call: BackendCall, what: str, setting: str) -> Fault:
    """The error of Block Public Access."""
    key = call.params.get("Key")
    arn = f"arn:aws:s3:::{call.params.get('Bucket', '')}{f'/{key}' if key else ''}"
    action = call.operation if call.operation in _SETTING | {"PutBucketPolicy", "CreateBucket"} else "PutObject"
    who = f"User: {call.origin.arn} is" if call.origin.arn else "Anonymous is"
    return Fault(
        "AccessDenied",
        f'{who} not authorized to perform: s3:{action} on resource: "{arn}" because {what} are blocked by the '
        f"{setting} block public access setting.",
        403,
    )


# -- owners ----------------------------------------------------------------------------------------------


def remember_owner(call: BackendCall, response: HttpResponse) -> None:
    """Give a new object its owner and its ACL, and an object its new ACL.

    moto gives an object the ACL of its bucket where the call has none in a header. "When you create a bucket or an
    object, Amazon S3 creates a default ACL that grants the resource owner full control over the resource."
    """
    if call.operation not in _MADE | {"PutObjectAcl"} or response.status >= 300:
        return
    bucket = _bucket(call)
    key = None if bucket is None else bucket.keys.get(call.params["Key"])
    if not isinstance(key, FakeKey):
        return
    params = call.params
    if call.operation == "CompleteMultipartUpload":
        params = getattr(key.multipart, _ACL, params)
    writer = call.origin.account
    if call.operation != "PutObjectAcl" and writer != call.account and _owned_by_writer(bucket, writer, params):
        setattr(key, OBJECT_OWNER, writer)
    key.set_acl(_acl(params, call.account))


def remember_acl(call: BackendCall, upload: Any) -> None:
    """Keep the ACL with which an upload was begun, for its object."""
    names = ("ACL", *_GRANTS)
    setattr(upload, _ACL, {name: call.params[name] for name in names if name in call.params})


def _acl(params: Mapping[str, Any], bucket_owner: str) -> FakeAcl:
    """The ACL of an object, by the parameters of the call that sets it."""
    if "AccessControlPolicy" in params:
        grants = params["AccessControlPolicy"].get("Grants") or ()
        return FakeAcl([_grant(grant.get("Grantee") or {}, grant.get("Permission", "")) for grant in grants])
    listed = [_grant(grantee, permission) for grantee, permission in _header_grants(params)]
    if listed:
        return FakeAcl(listed)
    canned = params.get("ACL", "private")
    acl = get_canned_acl(canned)
    if canned in _FOR_BUCKET_OWNER:
        acl.grants.append(_grant({"ID": canonical_user_id(bucket_owner)}, _FOR_BUCKET_OWNER[canned]))
    return acl


def _grant(grantee: Mapping[str, str], permission: str) -> FakeGrant:
    uri = grantee.get("URI") or grantee.get("EmailAddress") or ""
    return FakeGrant([FakeGrantee(grantee_id=grantee.get("ID") or "", uri=uri)], [permission])


def _header_grants(params: Mapping[str, Any]) -> Iterator[tuple[dict[str, str], str]]:
    """The grants in x-amz-grant-* headers: `id="...", uri="..."`."""
    for name, permission in _GRANTS.items():
        for kind, value in _GRANTEE.findall(str(params.get(name, ""))):
            yield {_GRANTEES.get(kind.lower(), "EmailAddress"): value}, permission


def _owned_by_writer(bucket: Any, writer: str, params: Mapping[str, Any]) -> bool:
    """Whether an object belongs to the account that writes it; that of a service or of nobody is the bucket owner's."""
    rule = bucket.ownership_rule
    given_up = rule == PREFERRED and params.get("ACL") == "bucket-owner-full-control"
    return rule != ENFORCED and not given_up and ACCOUNT_ID.fullmatch(writer) is not None


def with_canonical_ids(call: BackendCall, response: HttpResponse) -> HttpResponse:
    """`response` with the owner's canonical user id in place of the one that moto has for every account."""
    if call.operation not in _TELLING_OWNERS or not isinstance(response.body, bytes):
        return response
    owner = call.account
    if call.operation == "GetObjectAcl":
        bucket = _bucket(call)
        owner = getattr(None if bucket is None else bucket.keys.get(call.params["Key"]), OBJECT_OWNER, owner)
    body = _OWNERS.sub(canonical_user_id(owner).encode(), response.body)
    return HttpResponse(response.status, response.headers, body)


def policy_status(call: BackendCall, response: HttpResponse) -> HttpResponse:
    """The answer to GetBucketPolicyStatus: moto takes every condition for one that restricts."""
    bucket = _bucket(call)
    if response.status >= 300 or bucket is None or bucket.policy is None:
        return response
    return call.codec.serialize({"PolicyStatus": {"IsPublic": is_public(_text(bucket.policy))}}, "")


def _bucket(call: BackendCall) -> Any:
    return s3_backends[call.account]["aws"].buckets.get(call.params.get("Bucket", ""))


def _text(policy: Any) -> str:
    return policy.decode("utf-8", "replace") if isinstance(policy, bytes) else str(policy)
