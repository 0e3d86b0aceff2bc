"""Owners of S3 objects, and ACLs of buckets, objects and their versions, which moto does not keep as S3 does.

Amazon S3 User Guide, "Controlling ownership of objects and disabling ACLs for your bucket".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from moto.s3 import notifications
from moto.s3.models import OWNER, FakeKey, s3_backends

from locum.backends.moto.s3_access import ENFORCED, OBJECT_OWNER, PREFERRED
from locum.backends.moto.s3_grants import GRANT_HEADERS, acl_of_bucket, acl_of_object, told
from locum.backends.port import BackendCall
from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.core.identifiers import ACCOUNT_ID, canonical_user_id
from locum.core.s3_errors import METHOD_NOT_ALLOWED, NO_SUCH_VERSION

_MADE: Final = frozenset({"PutObject", "CopyObject", "CompleteMultipartUpload"})
_OF_BUCKETS: Final = frozenset({"CreateBucket", "PutBucketAcl"})
_WITHOUT_CONFLICT: Final = "us-east-1"
_ACL: Final = "locum_acl"
"""The attribute of an upload for the parameters that give its object an ACL."""
INITIATOR: Final = "locum_initiator"
"""The attribute of an upload for the account that began it."""
_OWNERS: Final = re.compile(rf"{OWNER}|bcaf1ffd86f41161ca5fb16fd081034f".encode())
"""The ids that moto has for the owner of everything, and of all buckets."""
_TELLING_OWNERS: Final = frozenset(
    {"ListBuckets", "ListMultipartUploads", "ListObjects", "ListObjectsV2", "ListObjectVersions", "ListParts"}
)


def bucket_of(call: BackendCall) -> Any:
    """The bucket of a call in moto; None where there is none."""
    return s3_backends[call.account]["aws"].buckets.get(call.params.get("Bucket", ""))


def made_again(call: BackendCall) -> HttpResponse | None:
    """Carry out CreateBucket for a bucket that the caller has, which moto would give other settings; else None.

    S3 API Reference, CreateBucket: in us-east-1 "Amazon S3 returns 200 OK and resets the bucket access control lists".
    """
    bucket = bucket_of(call)
    if bucket is None or not call.region == bucket.region_name == _WITHOUT_CONFLICT:
        return None
    return call.codec.serialize({"Location": f"/{bucket.name}"}, "")


def version_of(call: BackendCall) -> Any:
    """The version of an object that a call names, its latest where it names none; None where moto has none."""
    bucket = bucket_of(call)
    versions = () if bucket is None else bucket.keys.getlist(call.params["Key"], ())
    return _version(versions, call.params.get("VersionId")) if versions else None


def set_object_acl(call: BackendCall) -> HttpResponse | None:
    """Carry out PutObjectAcl, of which moto takes neither a version nor a body; None where moto has no such object."""
    bucket = bucket_of(call)
    versions = () if bucket is None else bucket.keys.getlist(call.params["Key"], ())
    if not versions:
        return None
    key = _version(versions, call.params.get("VersionId"))
    if key is None:
        return call.codec.fault(Fault(*NO_SUCH_VERSION), "")
    if not isinstance(key, FakeKey):
        return call.codec.fault(Fault(*METHOD_NOT_ALLOWED), "")
    key.set_acl(acl_of_object(call.params, getattr(key, OBJECT_OWNER, call.account), call.account))
    notifications.send_event(call.account, notifications.S3NotificationEvent.OBJECT_ACL_UPDATE_EVENT, bucket, key)
    return call.codec.serialize({}, "")


def _version(versions: Any, version_id: str | None) -> Any:
    """The version with this id of an object, its latest where there is no id; None where there is none."""
    if version_id is None:
        return versions[-1]
    return next((version for version in versions if version.version_id == version_id), None)


def remember_owner(call: BackendCall, response: HttpResponse) -> None:
    """Give a new object its owner and its ACL, and a bucket its ACL.

    moto gives an object the ACL of its bucket where the call has none in a header. "When you create a bucket or an
    object, Amazon S3 creates a default ACL that grants the resource owner full control over the resource."
    """
    if call.operation not in _MADE | _OF_BUCKETS or response.status >= 300:
        return
    bucket = bucket_of(call)
    if call.operation in _OF_BUCKETS:
        if bucket is not None:
            bucket.set_acl(acl_of_bucket(call.params))
        return
    key = None if bucket is None else bucket.keys.get(call.params["Key"])
    if not isinstance(key, FakeKey):
        return
    params, writer = call.params, call.origin.account
    if call.operation == "CompleteMultipartUpload":
        params, writer = getattr(key.multipart, _ACL, params), getattr(key.multipart, INITIATOR, writer)
    owner = _owner_of_new(bucket, writer, call.account, params)
    if owner != call.account:
        setattr(key, OBJECT_OWNER, owner)
    key.set_acl(acl_of_object(params, owner, call.account))


def remember_acl(call: BackendCall, upload: Any) -> None:
    """Keep the ACL with which an upload was begun, for its object."""
    names = ("ACL", *GRANT_HEADERS)
    setattr(upload, _ACL, {name: call.params[name] for name in names if name in call.params})


def owner_of_upload(call: BackendCall, upload: Any) -> str:
    """The account that will own the object of an upload."""
    return _owner_of_new(bucket_of(call), getattr(upload, INITIATOR, ""), call.account, getattr(upload, _ACL, {}))


def _owner_of_new(bucket: Any, writer: str, bucket_owner: str, params: Mapping[str, Any]) -> str:
    """The owner of an object that `writer` writes; that of a service or of nobody is the bucket owner's."""
    rule = bucket.ownership_rule
    given_up = rule == PREFERRED and params.get("ACL") == "bucket-owner-full-control"
    return bucket_owner if rule == ENFORCED or given_up or not ACCOUNT_ID.fullmatch(writer) else writer


# -- answers ---------------------------------------------------------------------------------------------


def with_acl(call: BackendCall, response: HttpResponse) -> HttpResponse:
    """The answer to GetBucketAcl or GetObjectAcl in place of moto's `response`, where that is no error.

    "Requests to read ACLs are still supported" where the bucket owner enforces its ownership: it has full control.
    """
    bucket = bucket_of(call)
    if response.status >= 300 or bucket is None:
        return response
    acl, owner = bucket.acl, call.account
    if call.operation == "GetObjectAcl":
        key = version_of(call)
        acl = None if key is None or key.acl is bucket.acl else key.acl
        owner = getattr(key, OBJECT_OWNER, owner)
    if bucket.ownership_rule == ENFORCED:
        acl, owner = None, call.account
    return call.codec.serialize(told(acl, owner), "")


def with_canonical_ids(call: BackendCall, response: HttpResponse, owner: str) -> HttpResponse:
    """`response` with the canonical user id of the account `owner` in place of the one that moto has for every one."""
    if call.operation not in _TELLING_OWNERS or not isinstance(response.body, bytes):
        return response
    body = _OWNERS.sub(canonical_user_id(owner).encode(), response.body)
    return HttpResponse(response.status, response.headers, body)
