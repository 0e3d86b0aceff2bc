"""The operations of S3 that may be passed to moto.

moto distinguishes S3's operations by sub-resources and ignores unknown ones: `DELETE /bucket?analytics` would delete
the bucket, and `GET /bucket/key?retention` would read the object, for a caller who may do neither. So only operations
that moto knows are passed to it.
"""

from __future__ import annotations

from typing import Final

from locum.backends.port import BackendCall
from locum.core.errors import Fault

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
    """Raise Fault for an operation that moto would mistake for another, or where ExpectedBucketOwner does not match."""
    if call.operation not in KNOWN:
        raise not_implemented(call)
    expected = call.params.get("ExpectedBucketOwner")
    if expected is not None and expected != call.account:
        raise Fault("AccessDenied", "Access Denied", 403)


def not_implemented(call: BackendCall) -> Fault:
    """The error for a call that moto cannot carry out."""
    return Fault(
        "NotImplemented",
        f"The embedded backend does not implement {call.service}:{call.operation}. "
        "The call was authenticated and allowed; name another backend for this service to carry it out.",
        501,
    )
