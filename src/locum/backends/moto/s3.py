"""What moto's S3 is asked at all.

moto tells S3's operations apart by the sub-resources that it knows; a sub-resource that it does not know is to it a
call on the bucket or the object itself. `DELETE /bucket?analytics` would delete the bucket, and
`GET /bucket/key?retention` would read the object, for a caller who may do neither. So it is only asked what it knows.
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
"""The operations of S3 that moto tells apart."""


def check(call: BackendCall) -> None:
    """Raise Fault where moto must not be asked: an operation it mistakes, or a bucket that is another account's."""
    if call.operation not in KNOWN:
        raise not_implemented(call)
    expected = call.params.get("ExpectedBucketOwner")
    if expected is not None and expected != call.account:
        raise Fault("AccessDenied", "Access Denied", 403)


def not_implemented(call: BackendCall) -> Fault:
    """What is answered to a call that moto cannot carry out."""
    return Fault(
        "NotImplemented",
        f"The embedded backend does not implement {call.service}:{call.operation}. "
        "The call was authenticated and allowed; name another backend for this service to carry it out.",
        501,
    )
