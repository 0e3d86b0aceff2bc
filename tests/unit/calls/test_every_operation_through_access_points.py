"""Each operation that an access point of S3 takes is denied by a Deny on the point, and by one on its bucket."""

from __future__ import annotations

from typing import Any

import pytest

from locum.authz.access_points import SUPPORTED
from locum.wire.models import service_model
from support.access_points import EVERYTHING, Point, bucket, deny, inside
from support.inprocess import InProcess, Key

FOR_MEMBERS: dict[str, Any] = {
    "AnnotationName": "note",
    "AnnotationPayload": b"note",
    "CopySource": "every-operation-data/k",
    "Delete": {"Objects": [{"Key": "k"}]},
    "Key": "k",
    "ObjectAttributes": ["ETag"],
    "ObjectEncryption": {"SSEKMS": {"KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k"}},
    "PartNumber": 1,
    "Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]},
    "UploadId": "none",
}
"""A value for each member that an operation requires besides the bucket."""


@pytest.fixture(scope="module")
def point(plane: InProcess) -> Point:
    return Point(plane, "every-operation")


@pytest.fixture(scope="module")
def denied(plane: InProcess, point: Point) -> dict[str, Key]:
    """Who may do everything, but nothing on the bucket, or nothing on the access point."""
    name = point.name
    return {
        "bucket": plane.user("not-on-bucket", EVERYTHING, deny("*", bucket(name), bucket(name, "*"))),
        "access point": plane.user("not-on-point", EVERYTHING, deny("*", point.arn, inside(name))),
    }


def status(plane: InProcess, operation: str, params: dict[str, Any], key: Key | None) -> int:
    return plane.send(plane.request_of("s3", operation, params, key)).status


@pytest.mark.parametrize("operation", sorted(SUPPORTED))
def test_a_deny_on_either_holds(plane: InProcess, point: Point, denied: dict[str, Key], operation: str) -> None:
    shape = service_model("s3").operation_model(operation).input_shape
    params = {name: FOR_MEMBERS[name] for name in shape.required_members if name != "Bucket"}
    for key in denied.values():
        assert status(plane, operation, {**params, "Bucket": point.alias}, key) == 403
    assert status(plane, operation, {**params, "Bucket": point.alias}, None) not in (403, 405)


@pytest.mark.parametrize("operation", sorted(set(service_model("s3").operation_names) - SUPPORTED))
def test_no_other_operation_goes_through(plane: InProcess, point: Point, operation: str) -> None:
    model = service_model("s3").operation_model(operation)
    shape = model.input_shape
    if model.deprecated or shape is None or "Bucket" not in shape.members or operation == "CreateBucket":
        return
    params = {name: FOR_MEMBERS.get(name, "x") for name in shape.required_members}
    params = {name: value for name, value in params.items() if shape.members[name].type_name == "string"}
    assert status(plane, operation, {**params, "Bucket": point.alias}, None) in (405, 400)
