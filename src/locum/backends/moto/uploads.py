"""Multipart uploads of S3 in moto: each belongs to its bucket and its key, and was begun by an account.

moto finds an upload by its id alone, so that the parts of one object would become another one.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final

from moto.s3.models import FakeKey

from locum.backends.moto.encryption import UPLOAD_BUCKET_KEY
from locum.backends.moto.s3_owners import INITIATOR, bucket_of, owner_of_upload, remember_acl
from locum.backends.port import BackendCall
from locum.core.errors import Fault
from locum.core.http import HttpResponse

_OF_UPLOADS: Final = frozenset(
    {"UploadPart", "UploadPartCopy", "CompleteMultipartUpload", "AbortMultipartUpload", "ListParts"}
)
_UPLOAD_ID: Final = re.compile(rb"<UploadId>([^<]+)</UploadId>")


def check(call: BackendCall) -> None:
    """Raise Fault NoSuchUpload where a call names an upload that is not the key's.

    Whoever may put the object may go on with its upload, also of another account.
    """
    if call.operation not in _OF_UPLOADS:
        return
    bucket = bucket_of(call)
    if bucket is None:
        return  # for moto to tell
    upload_id, key = str(call.params.get("UploadId", "")), call.params["Key"]
    upload = bucket.multiparts.get(upload_id)
    if upload is None and call.operation == "CompleteMultipartUpload" and _completed(bucket, key, upload_id):
        return  # a retry, which S3 answers as it did before
    if upload is None or upload.key_name != key:
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
    bucket = bucket_of(call)
    upload = None if found is None or bucket is None else bucket.multiparts.get(found[1].decode())
    if upload is not None:
        setattr(upload, INITIATOR, call.origin.account)
        setattr(upload, UPLOAD_BUCKET_KEY, call.params.get("BucketKeyEnabled"))
        remember_acl(call, upload)


def owner(call: BackendCall) -> str:
    """The account that `call` tells of as the owner: of an upload whose parts it lists, else of the bucket."""
    bucket = bucket_of(call) if call.operation == "ListParts" else None
    upload = None if bucket is None else bucket.multiparts.get(call.params["UploadId"])
    return call.account if upload is None else owner_of_upload(call, upload)


def attributes(bucket: Any, key: str, ids: Collection[str]) -> dict[str, str]:
    """The attributes of an object's facts for these uploads: who began each, and how it is encrypted."""
    named = [upload for upload in map(bucket.multiparts.get, ids) if upload is not None and upload.key_name == key]
    initiators = {f"initiator/{upload.id}": getattr(upload, INITIATOR, "") for upload in named}
    return initiators | {f"encryption/{up.id}": str(up.sse_encryption) for up in named if up.sse_encryption}


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
