"""Answers that S3 itself gives only to callers with further permissions.

S3 API Reference, GetObject: "If the object you request doesn't exist, the error that Amazon S3 returns depends
on whether you also have the s3:ListBucket permission": 404 with it, 403 without. A listing of the key would have that
key as its prefix, so that a policy with a condition on s3:prefix lets those know who may list there.
"""

from __future__ import annotations

from typing import Final

from locum.authz import Check
from locum.authz.services.s3 import s3_source
from locum.calls.errors_in_answers import error_in
from locum.core.arn import PARTITION
from locum.core.calls import Call
from locum.core.http import HttpResponse

_FROM_SOURCE: Final = frozenset({"CopyObject", "UploadPartCopy"})
_ABSENT: Final = frozenset({"NoSuchKey", "NoSuchVersion", "404"})
"""The errors for an object that is not there; the answer to a HEAD has its status alone."""


def listing_of(call: Call, answer: HttpResponse) -> Check | None:
    """The permission without which a caller may not know that an object is missing; None where `answer` tells no such.

    Of a copy, it is the source that is missing.
    """
    error = error_in(answer)
    if error is None or error.code not in _ABSENT:
        return None
    bucket, key, kind = call.params.get("Bucket"), call.params.get("Key"), "bucket"
    if call.operation in _FROM_SOURCE:
        kind = "source"
        bucket, key, _ = s3_source(str(call.params.get("CopySource", "")))
    if not bucket or not key:
        return None
    arn = bucket if bucket.startswith("arn:") else f"arn:{PARTITION}:s3:::{bucket}"
    return Check("s3:ListBucket", arn, kind, {"s3:prefix": key})
