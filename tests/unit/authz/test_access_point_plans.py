"""What a call through an access point of S3 takes: each permission on the access point, and on the bucket."""

from __future__ import annotations

from locum.authz import Check, Plan
from locum.authz.access_points import AccessPoint, Through, is_access_point, planned_through
from locum.core.partial_arn import UNKNOWN, PartialArn, arn_of

POINT = "arn:aws:s3:us-east-1:111122223333:accesspoint/point"
KEYS = {
    "s3:dataaccesspointarn": POINT,
    "s3:dataaccesspointaccount": "111122223333",
    "s3:accesspointnetworkorigin": "Internet",
}
TARGET = Through(AccessPoint(POINT, "b", "Internet", ""))


def test_each_permission_is_taken_on_both_and_both_know_the_access_point() -> None:
    listing = Check("s3:ListBucket", "arn:aws:s3:::b", "bucket", {"s3:prefix": "p"})
    plan = planned_through(Plan((listing, Check("s3:GetObject", "arn:aws:s3:::b/a/object/k", "object"))), TARGET)
    assert plan.checks == (
        Check("s3:ListBucket", POINT, "accesspoint", {"s3:prefix": "p", **KEYS}),
        Check("s3:ListBucket", "arn:aws:s3:::b", "bucket", {"s3:prefix": "p", **KEYS}),
        Check("s3:GetObject", f"{POINT}/object/a/object/k", "accesspointobject", KEYS),
        Check("s3:GetObject", "arn:aws:s3:::b/a/object/k", "object", KEYS),
    )


def test_the_source_of_a_copy_is_reached_through_its_own_access_point_alone() -> None:
    put, read = Check("s3:PutObject", "arn:aws:s3:::b/k", "object"), Check("s3:GetObject", "arn:aws:s3:::c/k", "source")
    assert planned_through(Plan((put, read)), TARGET).checks[2:] == (read,)
    source = Through(source=AccessPoint(POINT, "c", "Internet", ""))
    checks = planned_through(Plan((put, read)), source).checks
    assert [check.resource for check in checks] == [put.resource, f"{POINT}/object/k", read.resource]


def test_a_key_that_is_not_known_stays_unknown_behind_the_access_point() -> None:
    deleting = Check("s3:DeleteObject", arn_of("arn:aws:s3:::", "b", "/", UNKNOWN), "object")
    behind = planned_through(Plan((deleting,)), TARGET).checks[0].resource
    assert isinstance(behind, PartialArn)
    assert behind == arn_of(f"{POINT}/object/", UNKNOWN)


def test_an_access_point_is_told_from_what_else_s3_has() -> None:
    assert is_access_point(POINT)
    assert is_access_point(f"{POINT}/object/k")
    others = ("arn:aws:s3:::accesspoint/point", "arn:aws:s3-object-lambda:us-east-1:111122223333:accesspoint/x", "*")
    assert not any(map(is_access_point, others))
