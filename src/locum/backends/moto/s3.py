"""The operations of S3 that may be passed to moto.

moto distinguishes S3's operations by sub-resources and ignores unknown ones: `DELETE /bucket?analytics` would delete
the bucket, and `GET /bucket/key?retention` would read the object, for a caller who may do neither. So only operations
that moto knows are passed to it.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from moto.s3.models import s3_backends

from locum.backends.port import BackendCall
from locum.core.errors import Fault
from locum.core.identifiers import ACCOUNT_ID

_ON_BUCKETS: Final = frozenset(
    {
        "CreateBucket", "DeleteBucket", "HeadBucket", "ListBuckets", "ListMultipartUploads", "ListObjects",
        "ListObjectsV2", "ListObjectVersions", "DeleteObjects", "GetBucketLocation", "GetBucketPolicyStatus",
        "GetBucketAccelerateConfiguration", "PutBucketAccelerateConfiguration",
        "GetBucketAcl", "PutBucketAcl",
        "GetBucketCors", "PutBucketCors", "DeleteBucketCors",
        "GetBucketEncryption", "PutBucketEncryption", "DeleteBucketEncryption",
        "GetBucketInventoryConfiguration", "PutBucketInventoryConfiguration", "ListBucketInventoryConfigurations",
        "GetBucketLifecycle", "PutBucketLifecycle",
        "GetBucketLifecycleConfiguration", "PutBucketLifecycleConfiguration", "DeleteBucketLifecycle",
        "GetBucketLogging", "PutBucketLogging",
        "GetBucketNotification", "PutBucketNotification",
        "GetBucketNotificationConfiguration", "PutBucketNotificationConfiguration",
        "GetBucketOwnershipControls", "PutBucketOwnershipControls", "DeleteBucketOwnershipControls",
        "GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy",
        "GetBucketReplication", "PutBucketReplication", "DeleteBucketReplication",
        "GetBucketTagging", "PutBucketTagging", "DeleteBucketTagging",
        "GetBucketVersioning", "PutBucketVersioning",
        "GetBucketWebsite", "PutBucketWebsite", "DeleteBucketWebsite",
        "GetObjectLockConfiguration", "PutObjectLockConfiguration",
        "GetPublicAccessBlock", "PutPublicAccessBlock", "DeletePublicAccessBlock",
    }
)  # fmt: skip
_ON_OBJECTS: Final = frozenset(
    {
        "AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateMultipartUpload", "DeleteObject",
        "DeleteObjectTagging", "GetObject", "GetObjectAcl", "GetObjectAttributes", "GetObjectLegalHold",
        "GetObjectTagging", "HeadObject", "ListParts", "PutObject", "PutObjectAcl", "PutObjectLegalHold",
        "PutObjectRetention", "PutObjectTagging", "RestoreObject", "SelectObjectContent", "UploadPart",
        "UploadPartCopy",
    }
)  # fmt: skip
KNOWN: Final = _ON_BUCKETS | _ON_OBJECTS
"""The operations of S3 that moto distinguishes."""


def check(call: BackendCall) -> None:
    """Raise Fault for an operation that moto would mistake for another, or where the expected owner does not match."""
    if call.operation not in KNOWN:
        raise not_implemented(call)
    _check_owner(call, "ExpectedBucketOwner", call.params.get("Bucket", ""))
    if "ExpectedSourceBucketOwner" in call.params:
        source = unquote(str(call.params.get("CopySource", ""))).removeprefix("/")
        _check_owner(call, "ExpectedSourceBucketOwner", source.partition("/")[0])


def _check_owner(call: BackendCall, member: str, bucket: str) -> None:
    """Raise Fault where the owner that a call expects of `bucket` is another, if there is such a bucket.

    Amazon S3 User Guide, "Verifying bucket ownership with bucket owner condition".
    """
    expected = call.params.get(member)
    if expected is None:
        return
    if not ACCOUNT_ID.fullmatch(expected):
        text = "The value of the expected bucket owner parameter must be an AWS account ID"
        raise Fault("InvalidBucketOwnerAWSAccountID", text, 400)
    owner = s3_backends.bucket_accounts.get(bucket)
    if owner is not None and owner[1] != expected:
        raise Fault("AccessDenied", "Access Denied", 403)


def not_implemented(call: BackendCall) -> Fault:
    """The error for a call that moto cannot carry out."""
    return Fault(
        "NotImplemented",
        f"The embedded backend does not implement {call.service}:{call.operation}. "
        "The call was authenticated and allowed; name another backend for this service to carry it out.",
        501,
    )
