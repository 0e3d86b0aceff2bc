"""Access points of S3: where one in a call becomes its bucket.

A call names an access point in place of a bucket by its alias, its host name or its ARN, and in the source of a copy
by alias or ARN. Here, and nowhere else, that becomes the bucket that the call is then decided on, with the access point
besides (`locum.authz.access_points`), and carried out on. What was sent stays in the record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final
from urllib.parse import quote

from locum import authz, wire
from locum.authz.access_points import (
    KIND,
    OBJECT_KIND,
    SUPPORTED,
    VPC,
    AccessPoint,
    Through,
    access_point_of,
    is_access_point,
    only_on_points,
    planned_through,
)
from locum.authz.services.s3 import s3_source
from locum.calls.request_context import RequestContext
from locum.calls.runtime import Runtime
from locum.core.arn import BUCKETS, Arn
from locum.core.calls import Call
from locum.core.errors import Fault
from locum.core.resources import ResourceFacts
from locum.core.s3_errors import ACCESS_DENIED, METHOD_NOT_ALLOWED, NO_SUCH_ACCESS_POINT, NO_SUCH_BUCKET

_ALIAS: Final = "-s3alias"
_RANDOM: Final = 34  # characters between the beginning of the name and that


def named(context: RequestContext) -> bool:
    """Whether a call of S3 may name an access point, by the form of what it names."""
    params = context.params
    bucket = params.get("Bucket")
    if bucket is not None and (_is_alias(bucket) or bucket[:4] == "arn:" or bucket[-12:].isdigit()):
        return True
    return "CopySource" in params


def _is_alias(bucket: str) -> bool:
    """Whether a bucket's name has the form of an access point's alias."""
    return bucket[-8:].lower() == _ALIAS


async def enter(runtime: Runtime, context: RequestContext) -> None:
    """Put the buckets in place of the access points that `context` names, and note them there.

    Raises Fault where there is no such access point, or it does not take the call.
    """
    params = context.params
    target, source = await _target(runtime, context), None
    if "CopySource" in params:
        bucket, key, version = s3_source(str(params["CopySource"]))
        source = await _point(runtime, context, bucket, of_source=True)
    through = Through(target, source)
    if not through.points:
        return
    assert context.codec is not None
    if target is not None and context.codec.operation not in SUPPORTED:
        raise Fault(*METHOD_NOT_ALLOWED)
    for point in through.points:
        _require_origin(context, point)
    replaced: dict[str, Any] = {}
    if target is not None:
        replaced["Bucket"] = target.bucket
    if source is not None:
        replaced["CopySource"] = _copy_source(source.bucket, key, version)
    context.sent, context.params, context.through = params, {**params, **replaced}, through


def planned(context: RequestContext, plan: authz.Plan) -> authz.Plan:
    """`plan`, with what the access points that the call comes through have to permit."""
    return plan if context.through is None else planned_through(plan, context.through)


def seen(plan: authz.Plan, facts: Mapping[str, ResourceFacts]) -> dict[str, ResourceFacts]:
    """`facts`, with the policies of buckets as they count through the access points of `plan`."""
    found, through = dict(facts), None
    for check in plan.checks:
        if check.kind in (KIND, OBJECT_KIND):
            through = facts[check.resource].attributes.get("bucket_policy")
        elif through is not None:
            found[check.resource] = replace(facts[check.resource], policy=through or None)
            through = None
    return found


def again(call: Call, resources: Sequence[str]) -> tuple[Call, Through | None]:
    """A recorded call with the buckets in place of access points, and those; `resources` are the ARNs in its record.

    They are in the order of the checks: an access point, and then what is behind it. The origins are not known. None
    where there is no access point; nothing in it where the record does not tell what is behind.
    """
    if not any(map(is_access_point, resources)):
        return call, None
    points = [
        AccessPoint(arn, behind.removeprefix(BUCKETS).partition("/")[0], "", "")
        for arn, behind in pairwise(resources)
        if is_access_point(arn) and not is_access_point(behind)
    ]
    params = dict(call.params)
    target = next((point for point in points if _may_name(str(params.get("Bucket", "")), point)), None)
    source = None
    if target is not None:
        params["Bucket"] = target.bucket
    if "CopySource" in params:
        bucket, key, version = s3_source(str(params["CopySource"]))
        source = next((point for point in reversed(points) if _may_name(bucket, point)), None)
        if source is not None:
            params["CopySource"] = _copy_source(source.bucket, key, version)
    return call._replace(params=params), Through(target, source)


def _may_name(bucket: str, point: AccessPoint) -> bool:
    """Whether `bucket`, as it was sent, may be a name of `point`: its ARN, `NAME-ACCOUNT` or an alias like its own."""
    name = point.arn.rpartition("/")[2]
    if bucket[:4] == "arn:":
        return bucket.endswith(f":{point.account}:accesspoint/{name}")
    if _is_alias(bucket):
        return name.startswith(bucket[: -len("-") - _RANDOM - len(_ALIAS)])
    return bucket == f"{name}-{point.account}"


def _copy_source(bucket: str, key: str, version: str) -> str:
    return f"{bucket}/{quote(key)}" + (f"?versionId={quote(version)}" if version else "")


def told(context: RequestContext, facts: Mapping[str, ResourceFacts], fault: Fault) -> Fault:
    """The refusal of a call as its caller is told of it: a stranger learns nothing of the bucket behind access points.

    The record, which is in the history of the stranger's account, then has the access points alone.
    """
    through, account = context.through, context.caller.account
    if through is None or context.plan is None:
        return fault
    owners = {facts[check.resource].account for check in context.plan.checks if check.resource in facts}
    if account in owners:
        return fault
    context.plan = only_on_points(context.plan)
    return Fault(*ACCESS_DENIED)


async def _target(runtime: Runtime, context: RequestContext) -> AccessPoint | None:
    """The access point in place of the bucket of a call. Raises Fault where there is none of that alias or ARN."""
    bucket = str(context.params.get("Bucket") or "")
    assert context.codec is not None
    if context.codec.operation == "CreateBucket" and _is_alias(bucket):
        raise Fault("InvalidBucketName", "The specified bucket is not valid.", 400, members={"BucketName": bucket})
    local = "" if context.service else wire.local_access_point(context.request.headers.get("host", ""))
    if local and wire.bucket_of_host(context.request.headers.get("host", "")) == bucket:
        return await _local(runtime, context, bucket, local)
    return await _point(runtime, context, bucket)


async def _local(runtime: Runtime, context: RequestContext, bucket: str, arn: str) -> AccessPoint | None:
    """The access point in a host name below `localhost`; None where it is that of a bucket.

    Raises Fault where there are both, as nobody can tell which of them is meant.
    """
    arn = _in_region(arn, context)
    point = access_point_of(arn, await _facts(runtime, context, arn))
    if point is not None and (await _facts(runtime, context, f"{BUCKETS}{bucket}")).account is not None:
        text = "The host name is that of an access point and that of a bucket. Name one of them in another way."
        raise Fault("InvalidRequest", text, 400)
    return point


async def _point(
    runtime: Runtime, context: RequestContext, bucket: str, *, of_source: bool = False
) -> AccessPoint | None:
    """The access point of an alias or ARN in place of a bucket's name; None for any other name. Raises Fault."""
    if bucket[:4] == "arn:":
        arn = _in_region(bucket, context, of_source=of_source)
    elif _is_alias(bucket):
        arn = f"{BUCKETS}{bucket}"
    else:
        return None
    facts = await _facts(runtime, context, arn)
    point = access_point_of(arn, facts)
    if point is None and facts.account is None and bucket[:4] == "arn:":
        raise Fault(*NO_SUCH_ACCESS_POINT)
    if point is None:  # of an alias as of a bucket's name, and where the bucket is gone
        raise Fault(*NO_SUCH_BUCKET, members={"BucketName": bucket})
    return point


async def _facts(runtime: Runtime, context: RequestContext, arn: str) -> ResourceFacts:
    return await runtime.backends.of("s3").facts("s3", arn, context.caller.account, context.region)


def _in_region(text: str, context: RequestContext, *, of_source: bool = False) -> str:
    """The ARN `text` of an access point, in the region of the call where it has none. Raises Fault for another ARN.

    An access point is called in its region. S3 User Guide, "Access point compatibility": "same-Region copies only".
    """
    arn = Arn.find(text)
    if arn is None or not is_access_point(text):
        raise Fault("InvalidBucketName", "The specified bucket is not valid.", 400, members={"BucketName": text})
    elsewhere = bool(arn.region) and arn.region != context.region
    if elsewhere and of_source:
        raise Fault("InvalidRequest", "The access point of the source is in another region.", 400)
    if elsewhere and context.caller.access_key_id:
        message = f"The authorization header is malformed; the region '{context.region}' is wrong; expecting"
        raise Fault("AuthorizationHeaderMalformed", f"{message} '{arn.region}'", 400, members={"Region": arn.region})
    return str(arn._replace(region=arn.region or context.region))


def _require_origin(context: RequestContext, point: AccessPoint) -> None:
    """Raise Fault AccessDenied where a call comes from elsewhere than the VPC of an access point that has one.

    S3 User Guide, "Creating access points restricted to a virtual private cloud": "Amazon S3 rejects any request made
    to the access point that doesn't originate from that VPC."
    """
    if point.origin == VPC and (context.endpoint is None or context.endpoint.vpc != point.vpc):
        raise Fault(*ACCESS_DENIED)
