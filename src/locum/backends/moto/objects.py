"""Simple reads of S3 objects from moto's model, without its handler.

Most calls to S3 are such reads, for which moto's handler takes a quarter of a millisecond longer. The handler is used
for requests with anything more: a range, a precondition, a version, a customer-provided key.
"""

from __future__ import annotations

from typing import Any, Final

from moto.s3.models import ARCHIVE_STORAGE_CLASSES, FakeKey, s3_backends

from locum.backends.moto.lookups import Within
from locum.backends.port import BackendCall
from locum.core.http import HttpResponse

OPERATIONS: Final = frozenset({"GetObject", "HeadObject"})
_PLAIN_PARAMETERS: Final = frozenset({"Bucket", "Key", "ChecksumMode", "RequestPayer", "ExpectedBucketOwner"})
_HEADERS_FOR_HANDLER: Final = frozenset({"origin"})


def read(call: BackendCall) -> HttpResponse | None:
    """The response to a simple GetObject or HeadObject; None where moto's handler has to be used."""
    params = call.params
    if not params.keys() <= _PLAIN_PARAMETERS or not _HEADERS_FOR_HANDLER.isdisjoint(call.request.headers):
        return None
    regions = dict.get(s3_backends, call.account)  # not through the fence, which takes a microsecond
    bucket = None if regions is None else regions["aws"].buckets.get(params["Bucket"])
    key = None if bucket is None else bucket.keys.get(params["Key"])
    if not isinstance(key, FakeKey) or key.storage_class in ARCHIVE_STORAGE_CLASSES or key.multipart:
        return None
    with Within("s3", call.account):
        headers: dict[str, Any] = key.response_dict
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
