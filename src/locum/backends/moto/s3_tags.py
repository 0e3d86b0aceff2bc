"""Tags of buckets: those of stacks, which moto refuses, stay until CloudFormation changes them.

Amazon S3 User Guide, "Using cost allocation S3 bucket tags"; PutBucketTagging replaces all tags, those of AWS's among
them: who leaves one out, or gives another value, is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from moto.s3.models import s3_backends

from locum.backends.moto.s3_owners import bucket_of
from locum.backends.port import BackendCall
from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.core.system_tags import OF_STACKS

_CLOUDFORMATION: Final = "cloudformation.amazonaws.com"
_REMOVED: Final = ("InvalidTag", "System tags cannot be removed by requester", 400)
_CHANGED: Final = ("InvalidTag", "System tags cannot be added/updated by requester", 400)


def put(call: BackendCall) -> HttpResponse | None:
    """Carry out PutBucketTagging where tags of stacks are concerned; else None."""
    given = {tag["Key"]: tag["Value"] for tag in (call.params.get("Tagging") or {}).get("TagSet") or ()}
    bucket, kept = bucket_of(call), _of_stacks(_tags(call))
    asked = _of_stacks(given)
    if bucket is None or not (kept or asked):
        return None
    if call.origin.account != _CLOUDFORMATION and asked != kept:
        return call.codec.fault(Fault(*(_CHANGED if asked.items() - kept.items() else _REMOVED)), "")
    _keep(call, bucket, {**kept, **given})
    return HttpResponse(204)


def delete(call: BackendCall) -> HttpResponse | None:
    """Carry out DeleteBucketTagging where the bucket has tags of stacks, which stay; else None."""
    bucket, kept = bucket_of(call), _of_stacks(_tags(call))
    if bucket is None or not kept:
        return None
    if call.origin.account != _CLOUDFORMATION:
        return call.codec.fault(Fault(*_REMOVED), "")
    _keep(call, bucket, kept)
    return HttpResponse(204)


def _tags(call: BackendCall) -> dict[str, str]:
    bucket = bucket_of(call)
    found: dict[str, str] = {} if bucket is None else _models(call).tagger.get_tag_dict_for_resource(bucket.arn)
    return found


def _keep(call: BackendCall, bucket: Any, tags: Mapping[str, str]) -> None:
    models = _models(call)
    models.tagger.delete_all_tags_for_resource(bucket.arn)
    models.tagger.tag_resource(bucket.arn, [{"Key": key, "Value": tags[key]} for key in tags])


def _models(call: BackendCall) -> Any:
    return s3_backends[call.account]["aws"]


def _of_stacks(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key.startswith(OF_STACKS)}
