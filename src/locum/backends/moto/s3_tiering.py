"""Configurations of S3 Intelligent-Tiering, which moto does not know: they are kept with a bucket, and move nothing.

Amazon S3 API Reference, PutBucketIntelligentTieringConfiguration and its kin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from locum.backends.moto.s3_owners import bucket_of
from locum.backends.port import BackendCall
from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.core.s3_errors import NO_SUCH_BUCKET

_KEPT: Final = "locum_tiering"
"""The attribute of a bucket in moto for its configurations, by their ids."""
_ABSENT: Final = ("NoSuchConfiguration", "The specified configuration does not exist.", 404)
_MOST: Final = 1000

Kept = dict[str, Mapping[str, Any]]


def _put(kept: Kept, call: BackendCall) -> dict[str, Any]:
    if call.params["Id"] not in kept and len(kept) >= _MOST:
        text = (
            "You are attempting to create a new configuration but have already reached the 1,000-configuration limit."
        )
        raise Fault("TooManyConfigurations", text, 400)
    kept[call.params["Id"]] = call.params["IntelligentTieringConfiguration"]
    return {}


def _get(kept: Kept, call: BackendCall) -> dict[str, Any]:
    if call.params["Id"] not in kept:
        raise Fault(*_ABSENT)
    return {"IntelligentTieringConfiguration": kept[call.params["Id"]]}


def _delete(kept: Kept, call: BackendCall) -> dict[str, Any]:
    if kept.pop(call.params["Id"], None) is None:
        raise Fault(*_ABSENT)
    return {}


def _list(kept: Kept, _call: BackendCall) -> dict[str, Any]:
    return {"IsTruncated": False, "IntelligentTieringConfigurationList": [kept[name] for name in sorted(kept)]}


def _carried_out(work: Callable[[Kept, BackendCall], dict[str, Any]]) -> Callable[[BackendCall], HttpResponse]:
    def carry_out(call: BackendCall) -> HttpResponse:
        bucket = bucket_of(call)
        try:
            if bucket is None:
                raise Fault(*NO_SUCH_BUCKET)
            return call.codec.serialize(work(bucket.__dict__.setdefault(_KEPT, {}), call), "")
        except Fault as fault:
            return call.codec.fault(fault, "")

    return carry_out


OPERATIONS: Final[Mapping[str, Callable[[BackendCall], HttpResponse]]] = {
    "DeleteBucketIntelligentTieringConfiguration": _carried_out(_delete),
    "GetBucketIntelligentTieringConfiguration": _carried_out(_get),
    "ListBucketIntelligentTieringConfigurations": _carried_out(_list),
    "PutBucketIntelligentTieringConfiguration": _carried_out(_put),
}
"""The operations, each of which answers the response."""
