"""The operations of S3 that may be passed to moto.

moto distinguishes S3's operations by sub-resources and ignores unknown ones: `DELETE /bucket?analytics` would delete
the bucket, and `GET /bucket/key?retention` would read the object, for a caller who may do neither. So only operations
that moto knows are passed to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from moto.s3.models import s3_backends

from locum.backends.port import BackendCall
from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.core.identifiers import ACCOUNT_ID
from locum.core.s3_errors import ACCESS_DENIED, MALFORMED_XML

_ON_BUCKETS: Final = frozenset(
    {
        "CreateBucket", "DeleteBucket", "HeadBucket", "ListBuckets", "ListMultipartUploads", "ListObjects",
        "ListObjectsV2", "ListObjectVersions", "DeleteObjects", "GetBucketLocation", "GetBucketPolicyStatus",
        "GetBucketAccelerateConfiguration", "PutBucketAccelerateConfiguration",
        "GetBucketAcl", "PutBucketAcl",
        "GetBucketCors", "PutBucketCors", "DeleteBucketCors",
        "GetBucketEncryption", "PutBucketEncryption", "DeleteBucketEncryption",
        "DeleteBucketIntelligentTieringConfiguration", "GetBucketIntelligentTieringConfiguration",
        "ListBucketIntelligentTieringConfigurations", "PutBucketIntelligentTieringConfiguration",
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
        "GetObjectRetention", "GetObjectTagging", "HeadObject", "ListParts", "PutObject", "PutObjectAcl",
        "PutObjectLegalHold", "PutObjectRetention", "PutObjectTagging", "RestoreObject", "SelectObjectContent",
        "UploadPart", "UploadPartCopy",
    }
)  # fmt: skip
KNOWN: Final = _ON_BUCKETS | _ON_OBJECTS
"""The operations of S3 that moto distinguishes, or that are carried out without it."""

_LARGEST_BATCH: Final = 1000
_HEADER: Final = "x-amz-server-side-encryption"
_UNDER_KMS: Final = "aws:kms"
_ENCRYPTIONS: Final = frozenset({"AES256", _UNDER_KMS, "aws:kms:dsse", "aws:fsx"})


def check(call: BackendCall) -> None:
    """Raise Fault for what moto would mistake: an operation, kinds of encryption, an expected owner that is another."""
    if call.operation not in KNOWN:
        raise not_implemented(call)
    if call.operation == "DeleteObjects":
        _check_batch(call.params)
    if not _ASKS_FOR_ENCRYPTION.isdisjoint(call.params):
        _check_encryption(call)
    _check_owner(call, "ExpectedBucketOwner", call.params.get("Bucket", ""))
    if "ExpectedSourceBucketOwner" in call.params:
        source = unquote(str(call.params.get("CopySource", ""))).removeprefix("/")
        _check_owner(call, "ExpectedSourceBucketOwner", source.partition("/")[0])


def _check_batch(params: Mapping[str, Any]) -> None:
    """Raise Fault for a list of objects to delete that is empty, or longer than S3 takes, or has one without a key."""
    objects = (params.get("Delete") or {}).get("Objects") or ()
    if not 0 < len(objects) <= _LARGEST_BATCH or not all(item.get("Key") for item in objects):
        raise Fault(*MALFORMED_XML)


_ASKS_FOR_ENCRYPTION: Final = frozenset({"ServerSideEncryption", "SSECustomerAlgorithm", "SSEKMSKeyId"})


def _check_encryption(call: BackendCall) -> None:
    """Raise Fault for headers that ask for more than one kind of server-side encryption, or for none that exists."""
    params = call.params
    kind, of_customer = params.get("ServerSideEncryption"), params.get("SSECustomerAlgorithm", "AES256")
    if of_customer != "AES256":
        text = "The encryption request you specified is not valid. The valid value is AES256."
        raise Fault("InvalidEncryptionAlgorithmError", text, 400)
    if kind is not None and "SSECustomerAlgorithm" in params:
        text = "Server Side Encryption with Customer provided key is incompatible with the encryption method specified"
    elif kind is not None and kind not in _ENCRYPTIONS:
        text = "The encryption method specified is not supported"
    elif "SSEKMSKeyId" in params and not str(kind).startswith(_UNDER_KMS):
        text = f"Server Side Encryption with AWS KMS managed key requires HTTP header {_HEADER} : aws:kms"
    else:
        return
    raise Fault("InvalidArgument", text, 400, members={"ArgumentName": _HEADER, "ArgumentValue": str(kind or "null")})


def without_content(call: BackendCall, response: HttpResponse) -> HttpResponse:
    """The response to PutBucketPolicy: S3 answers it with 204, though its model does not say so."""
    return HttpResponse(204, response.headers) if response.status == 200 else response


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
        raise Fault(*ACCESS_DENIED)


def not_implemented(call: BackendCall) -> Fault:
    """The error for a call that moto cannot carry out."""
    return Fault(
        "NotImplemented",
        f"The embedded backend does not implement {call.service}:{call.operation}. "
        "The call was authenticated and allowed; name another backend for this service to carry it out.",
        501,
    )
