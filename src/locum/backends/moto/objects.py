"""Simple reads and writes of S3 objects in moto's model, without its handler.

Most calls to S3 are such, for which moto's handler takes a quarter of a millisecond longer to read and half a one to
write. The handler is used for requests with anything more: a range, a precondition, a version, a customer-provided key,
metadata.
"""

from __future__ import annotations

from typing import Any, Final

from moto.s3.models import ARCHIVE_STORAGE_CLASSES, FakeKey, s3_backends

from locum.backends.moto.lookups import Within
from locum.backends.port import BackendCall
from locum.core.http import HttpResponse

_WRITTEN_PLAINLY: Final = frozenset(
    {"Bucket", "Key", "Body", "ContentType", "ContentLength", "ContentMD5", "ChecksumAlgorithm", "ExpectedBucketOwner"}
    | {f"Checksum{algorithm}" for algorithm in ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")}
)
_LONGEST_KEY: Final = 1024  # octets
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


def write(call: BackendCall) -> HttpResponse | None:
    """Carry out a simple PutObject; None, with nothing done, where moto's handler has to be used.

    To be called within the fence (`Within`), as moto's code is.
    """
    params, headers = call.params, call.request.headers
    if not params.keys() <= _WRITTEN_PLAINLY or not _HEADERS_FOR_HANDLER.isdisjoint(headers):
        return None
    algorithm = params.get("ChecksumAlgorithm", "")
    checksum = params.get(f"Checksum{algorithm}")
    if algorithm and not checksum:
        return None
    models = s3_backends[call.account]["aws"]
    bucket = models.buckets.get(params["Bucket"])
    if bucket is None or bucket.object_lock_enabled or len(params["Key"].encode()) > _LONGEST_KEY:
        return None
    key = models.put_object(bucket.name, params["Key"], call.body, "STANDARD")
    if "ContentType" in params:
        key.set_metadata({"Content-Type": params["ContentType"]})
    if algorithm:
        key.checksum_algorithm, key.checksum_value = algorithm, checksum
    models.tagger.delete_all_tags_for_resource(key.arn)  # of the object that it replaces
    described: dict[str, Any] = key.response_dict
    del described["content-length"]
    if algorithm:
        described[f"x-amz-checksum-{algorithm.lower()}"] = checksum
    return HttpResponse(200, _listed(described))


def _listed(headers: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in headers.items()]
