"""Access points of S3: the permissions on them that a call takes besides those on the bucket.

Amazon S3 User Guide, "Configuring IAM policies for using access points": "For an application or user to be able to
access objects through an access point, both the access point and the underlying bucket must permit the request." Each
permission on the bucket or on an object is taken twice, first on the access point: by its policy, and as its account's.
Both know the access point, so that a bucket may leave the decision to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from locum.authz.call import Check, Plan, Value
from locum.core.arn import BUCKETS, Arn
from locum.core.partial_arn import UNKNOWN, PartialArn, arn_of
from locum.core.resources import ResourceFacts

SUPPORTED: Final = frozenset(
    {
        "AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateMultipartUpload", "DeleteObject",
        "DeleteObjectTagging", "DeleteObjects", "GetBucketAcl", "GetBucketCors", "GetBucketLocation",
        "GetBucketNotificationConfiguration", "GetBucketPolicy", "GetObject", "GetObjectAcl", "GetObjectAttributes",
        "GetObjectLegalHold", "GetObjectRetention", "GetObjectTagging", "HeadBucket", "HeadObject",
        "ListMultipartUploads", "ListObjectVersions", "ListObjects", "ListObjectsV2", "ListParts", "PutObject",
        "PutObjectAcl", "PutObjectLegalHold", "PutObjectRetention", "PutObjectTagging", "RestoreObject", "UploadPart",
        "UploadPartCopy",
        "DeleteObjectAnnotation", "GetObjectAnnotation", "ListObjectAnnotations", "PutObjectAnnotation",
        "UpdateObjectEncryption",
    }
)  # fmt: skip
"""The operations that an access point takes.

S3 User Guide, "Access point compatibility"; of newer ones (annotations), the Service Authorization Reference has the
objects behind access points among the resources.
"""
KIND: Final = "accesspoint"
OBJECT_KIND: Final = "accesspointobject"
"""The resource types of the Service Authorization Reference: an access point, and an object behind it."""
VPC: Final = "VPC"
_SOURCE: Final = "source"
_ORIGIN: Final = "s3:accesspointnetworkorigin"
_OF_TARGET: Final = frozenset({"bucket", "object"})


class AccessPoint(NamedTuple):
    """An access point: its ARN, the name of its bucket, its network origin (`Internet` or `VPC`), and which VPC."""

    arn: str
    bucket: str
    origin: str
    vpc: str

    @property
    def account(self) -> str:
        """The account that owns the access point."""
        return self.arn.split(":", 5)[4]


class Through(NamedTuple):
    """The access points that a call comes through: to the bucket that it names, and to the source of its copy."""

    target: AccessPoint | None = None
    source: AccessPoint | None = None

    @property
    def points(self) -> tuple[AccessPoint, ...]:
        """Those that there are."""
        return tuple(point for point in self if point is not None)

    @property
    def target_arn(self) -> str:
        """The ARN of the access point to the bucket that the call names; empty where it names a bucket."""
        return "" if self.target is None else self.target.arn


def access_point_of(arn: str, facts: ResourceFacts) -> AccessPoint | None:
    """The access point that a backend has the `facts` of, by its ARN or by its alias as a bucket's; None for none."""
    attributes = facts.attributes
    if not attributes.get("bucket"):
        return None
    return AccessPoint(facts.arn or arn, attributes["bucket"], attributes["network_origin"], attributes.get("vpc", ""))


def is_access_point(arn: str) -> bool:
    """Whether `arn` is that of an access point."""
    parsed = Arn.find(arn)
    if parsed is None or parsed.service != "s3" or not parsed.account:  # a bucket's ARN has none
        return False
    return parsed.resource.startswith("accesspoint/")


def planned_through(plan: Plan, through: Through) -> Plan:
    """`plan`, on the bucket and its objects, with what has to be permitted on the access points before."""
    return plan._replace(checks=tuple(_checks(plan, through)))


def placed(plan: Plan, facts: Mapping[str, ResourceFacts]) -> Plan:
    """`plan`, made of a record, with the network origins of the access points, which the record does not have."""

    def of(check: Check) -> Check:
        point = facts.get(str(check.context.get("s3:dataaccesspointarn", "")))
        if point is None:
            return check
        return check._replace(context={**check.context, _ORIGIN: point.attributes.get("network_origin", "")})

    return plan._replace(checks=tuple(map(of, plan.checks)))


def recorded(check: Check) -> tuple[str, str]:
    """The ARN and the resource type that a record has: CloudTrail's have the access point itself beside an object."""
    if check.kind == OBJECT_KIND:
        return check.resource.partition("/object/")[0], KIND
    return check.resource, check.kind


def only_on_points(plan: Plan) -> Plan:
    """`plan` without what is about the bucket behind an access point, of which a stranger is told nothing."""
    return plan._replace(checks=tuple(check for check in plan.checks if check.kind in (KIND, OBJECT_KIND)))


def _checks(plan: Plan, through: Through) -> Iterator[Check]:
    for check in plan.checks:
        point = through.source if check.kind == _SOURCE else through.target if check.kind in _OF_TARGET else None
        if point is None:
            yield check
            continue
        context: Mapping[str, Value] = {**check.context, **_keys(point)}
        _, slash, name = check.resource.removeprefix(BUCKETS).partition("/")
        key = UNKNOWN if isinstance(check.resource, PartialArn) else name
        if slash:
            yield Check(check.action, arn_of(f"{point.arn}/object/", key), OBJECT_KIND, context)
        else:
            yield Check(check.action, point.arn, KIND, context)
        yield check._replace(context=context)


def _keys(point: AccessPoint) -> dict[str, Value]:
    return {
        "s3:dataaccesspointarn": point.arn,
        "s3:dataaccesspointaccount": point.account,
        _ORIGIN: point.origin,
    }
