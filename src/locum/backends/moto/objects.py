"""The plain read of an S3 object, straight from moto's model: what most calls to S3 are.

moto's handler takes a quarter of a millisecond to find out that a request is a plain GET. It is asked all
the same whenever a request has anything more to say: a range, a precondition, a version, a customer's key.
"""

from __future__ import annotations

from typing import Any, Final

from moto.s3.models import ARCHIVE_STORAGE_CLASSES, FakeKey, s3_backends

from locum.backends.port import BackendCall
from locum.core.http import HttpResponse

OPERATIONS: Final = frozenset({"GetObject", "HeadObject"})
_PLAIN_PARAMETERS: Final = frozenset({"Bucket", "Key", "ChecksumMode", "RequestPayer", "ExpectedBucketOwner"})
_SAYS_MORE: Final = frozenset({"origin"})


def read(call: BackendCall) -> HttpResponse | None:
    """The answer to a plain GetObject or HeadObject, or None: moto's handler is to be asked."""
    params = call.params
    if not params.keys() <= _PLAIN_PARAMETERS or not _SAYS_MORE.isdisjoint(call.request.headers):
        return None
    bucket = s3_backends[call.account]["aws"].buckets.get(params["Bucket"])
    key = None if bucket is None else bucket.keys.get(params["Key"])
    if not isinstance(key, FakeKey) or key.storage_class in ARCHIVE_STORAGE_CLASSES or key.multipart:
        return None
    headers: dict[str, Any] = dict(key.response_dict)
    if key.version_id != "null":
        headers["x-amz-version-id"] = key.version_id
    if params.get("ChecksumMode") == "ENABLED" and key.checksum_algorithm:
        if key.checksum_type == "COMPOSITE":
            return None
        headers[f"x-amz-checksum-{key.checksum_algorithm.lower()}"] = key.checksum_value
        if key.checksum_type:
            headers["x-amz-checksum-type"] = key.checksum_type
    headers.update(key.metadata)
    headers["Accept-Ranges"] = "bytes"
    if call.operation == "GetObject":
        del headers["content-length"]
        return HttpResponse(200, _listed(headers), key.value)
    return HttpResponse(200, _listed(headers))


def _listed(headers: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in headers.items()]
