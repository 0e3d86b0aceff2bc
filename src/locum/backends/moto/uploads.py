"""Multipart uploads of S3 in moto: each belongs to its bucket, its key and the account that began it.

moto finds an upload by its id alone, so that the parts of one object would become another one.
"""

from __future__ import annotations

import re
from typing import Any, Final

from moto.s3.models import FakeKey, s3_backends

from locum.backends.moto.encryption import UPLOAD_BUCKET_KEY
from locum.backends.moto.s3_acls import remember_acl
from locum.backends.port import BackendCall
from locum.core.errors import Fault
from locum.core.http import HttpResponse

_OF_INITIATOR: Final = frozenset({"UploadPart", "UploadPartCopy", "CompleteMultipartUpload"})
_OF_UPLOADS: Final = _OF_INITIATOR | {"AbortMultipartUpload", "ListParts"}
_UPLOAD_ID: Final = re.compile(rb"<UploadId>([^<]+)</UploadId>")
_INITIATOR: Final = "locum_initiator"
"""The attribute of an upload for the account that began it."""


def check(call: BackendCall) -> None:
    """Raise Fault NoSuchUpload where a call names an upload that is not the key's, or not the caller's to go on with.

    Amazon S3 User Guide, "Multipart upload API and permissions": parts are uploaded, and the upload is completed, by
    its initiator; bucket owner and initiator may list its parts and abort it, and whom the bucket owner lets.
    """
    if call.operation not in _OF_UPLOADS:
        return
    bucket = s3_backends[call.account]["aws"].buckets.get(call.params["Bucket"])
    if bucket is None:
        return  # for moto to tell
    upload_id, key = str(call.params.get("UploadId", "")), call.params["Key"]
    upload = bucket.multiparts.get(upload_id)
    if upload is None and call.operation == "CompleteMultipartUpload" and _completed(bucket, key, upload_id):
        return  # a retry, which S3 answers as it did before
    if upload is None or upload.key_name != key or not _may_go_on(call, upload):
        raise Fault(
            "NoSuchUpload",
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
            "completed.",
            404,
            members={"UploadId": upload_id},
        )


def remember(call: BackendCall, response: HttpResponse) -> None:
    """Keep what moto does not of an upload: the account that began it, its ACL, and its use of the Bucket Key."""
    if call.operation != "CreateMultipartUpload" or not isinstance(response.body, bytes):
        return
    found = _UPLOAD_ID.search(response.body)
    bucket = s3_backends[call.account]["aws"].buckets.get(call.params["Bucket"])
    upload = None if found is None or bucket is None else bucket.multiparts.get(found[1].decode())
    if upload is not None:
        setattr(upload, _INITIATOR, call.origin.account)
        setattr(upload, UPLOAD_BUCKET_KEY, call.params.get("BucketKeyEnabled"))
        remember_acl(call, upload)


def name_no_null_version(call: BackendCall, response: HttpResponse) -> None:
    """Drop the version `null` from the response to a completed upload, which S3 sends for no new object.

    A client that looks at the new object by the version that it was told would need s3:GetObjectVersion for it.
    """
    if call.operation == "CompleteMultipartUpload":
        null = ("x-amz-version-id", "null")
        response.headers = [pair for pair in response.headers if (pair[0].lower(), pair[1]) != null]


def _completed(bucket: Any, name: str, upload_id: str) -> bool:
    """Whether the object `name` is what the upload became."""
    key = bucket.keys.get(name)
    return isinstance(key, FakeKey) and bool(key.multipart) and key.multipart.id == upload_id


def _may_go_on(call: BackendCall, upload: Any) -> bool:
    return call.operation not in _OF_INITIATOR or getattr(upload, _INITIATOR, "") == call.origin.account
