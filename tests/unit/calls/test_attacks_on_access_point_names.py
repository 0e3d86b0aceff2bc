"""Names that look like that of an access point of S3, or are not its own any more."""

from __future__ import annotations

from typing import Any

import pytest

from locum.core.http import HttpRequest
from support.access_points import (
    AWAY,
    DENIED,
    EVERYTHING,
    HERE,
    LOCAL,
    Point,
    allow,
    bucket,
    code,
    delegating,
    deny,
    document,
    inside,
    read,
)
from support.inprocess import InProcess

VIRTUAL = {"addressing_style": "virtual"}


def unsigned(plane: InProcess, path: str, host: str = "s3.amazonaws.com") -> int:
    """The status of a GET of `path` that nobody signed."""
    return plane.send(HttpRequest("GET", path, "", {"host": host})).status


def test_an_alias_in_another_letter_case_is_no_name(plane: InProcess) -> None:
    point = Point(plane, "cased")
    for other in (point.alias.upper(), point.alias.replace("-s3alias", "-S3Alias"), point.alias.title()):
        status = unsigned(plane, f"/{other}/k")
        assert status == 404


def test_no_bucket_is_made_whose_name_is_like_an_alias(plane: InProcess) -> None:
    point = Point(plane, "aliased")
    for name in (point.alias, "some-1234-s3alias"):
        assert code(point.s3.create_bucket, Bucket=name) == ("InvalidBucketName", 400)


def test_an_access_point_with_the_name_of_a_bucket_is_not_that_bucket(plane: InProcess) -> None:
    point = Point(plane, "namesake")
    point.s3.create_bucket(Bucket="namesake")
    point.s3.put_object(Bucket="namesake", Key="k", Body=b"of the bucket")
    assert read(point.s3, "namesake") == b"of the bucket"
    assert read(plane.client("s3", endpoint_url=LOCAL, s3=VIRTUAL), "namesake") == b"of the bucket"
    assert read(point.s3, point.arn) == b"content"


def test_a_bucket_named_like_access_point_and_account_does_not_stand_in_for_it(plane: InProcess) -> None:
    point, away = Point(plane, "squatted"), plane.account(AWAY)
    squatter, name = plane.client("s3", away), f"squatted-{HERE}"
    squatter.create_bucket(Bucket=name)
    squatter.put_object(Bucket=name, Key="k", Body=b"of the squatter")
    assert read(squatter, name) == b"of the squatter"
    assert read(plane.client("s3", endpoint_url=None), point.arn) == b"content"
    local = plane.client("s3", endpoint_url=LOCAL)
    assert code(local.put_object, Bucket=point.arn, Key="secret", Body=b"") == ("InvalidRequest", 400)
    squatter.delete_object(Bucket=name, Key="k")
    squatter.delete_bucket(Bucket=name)
    assert read(local, point.arn) == b"content"


def test_a_bucket_named_like_an_access_point_and_account_is_a_bucket_where_there_is_no_such_point(
    plane: InProcess,
) -> None:
    s3, name = plane.client("s3", endpoint_url=LOCAL, s3=VIRTUAL), f"no-point-{HERE}"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"plain")
    assert read(s3, name) == b"plain"


def test_a_bucket_called_accesspoint_gives_access_points_no_policy(plane: InProcess) -> None:
    point = Point(plane, "not-that-bucket")
    point.s3.create_bucket(Bucket="accesspoint")
    everyone = allow("s3:*", "arn:aws:s3:::accesspoint", "arn:aws:s3:::accesspoint/*", Principal="*")
    point.s3.put_bucket_policy(Bucket="accesspoint", Policy=document(everyone))
    stranger = plane.client("s3", plane.account("444455556602"))
    assert code(stranger.get_object, Bucket=point.alias, Key="k") == DENIED


@pytest.mark.parametrize("path", ["/arn:aws:s3:::named-by-arn-data/k", "/arn:aws:s3:us-east-1:0:accesspoint/x/k"])
def test_an_arn_in_the_path_is_no_bucket(plane: InProcess, path: str) -> None:
    assert unsigned(plane, path) == 400


def test_an_access_point_that_is_made_again_has_nothing_of_the_first(plane: InProcess) -> None:
    point = Point(plane, "again")
    who = {"Principal": {"AWS": "444455556603"}}
    point.permit(allow("s3:GetObject", inside("again"), **who))
    point.permit_bucket(delegating("again"))
    away = plane.client("s3", plane.account("444455556603"))
    first = point.alias
    assert read(away, first) == b"content"
    point.delete()
    point.s3.create_bucket(Bucket="again-other")
    point.s3.put_object(Bucket="again-other", Key="k", Body=b"other")
    point.create(Bucket="again-other")
    assert point.alias != first
    assert code(away.get_object, Bucket=first, Key="k") == ("NoSuchBucket", 404)
    assert code(away.get_object, Bucket=point.alias, Key="k") == DENIED
    assert read(point.s3, point.arn) == b"other"


def test_a_bucket_that_another_account_makes_anew_is_not_that_of_the_access_point(plane: InProcess) -> None:
    point = Point(plane, "reborn")
    away = plane.client("s3control", plane.account("444455556604"))
    given = {"AccountId": "444455556604", "Name": "to-reborn", "Bucket": point.bucket, "BucketAccountId": HERE}
    alias = away.create_access_point(**given)["Alias"]
    point.delete()
    point.s3.delete_object(Bucket=point.bucket, Key="k")
    point.s3.delete_bucket(Bucket=point.bucket)
    third = plane.client("s3", plane.account("444455556605"))
    third.create_bucket(Bucket=point.bucket)
    third.put_object(Bucket=point.bucket, Key="k", Body=b"of a third")
    third.put_bucket_policy(
        Bucket=point.bucket, Policy=document(allow("s3:*", bucket("reborn"), bucket("reborn", "*"), Principal="*"))
    )
    owner = plane.client("s3", plane.account("444455556604"))
    assert code(owner.put_object, Bucket=alias, Key="k", Body=b"") == ("NoSuchBucket", 404)


def test_a_bucket_with_access_points_is_not_deleted(plane: InProcess) -> None:
    point = Point(plane, "attached")
    point.s3.delete_object(Bucket=point.bucket, Key="k")
    assert code(point.s3.delete_bucket, Bucket=point.bucket) == ("BucketHasAccessPointsAttached", 400)
    point.delete()
    point.s3.delete_bucket(Bucket=point.bucket)


def test_the_access_point_of_another_region_is_another_one(plane: InProcess) -> None:
    point = Point(plane, "regional")
    key = plane.user("regional-user", EVERYTHING, deny("s3:*", point.arn))
    elsewhere = plane.client("s3control", key, region="eu-west-1")
    for operation in ("get_access_point_policy", "delete_access_point", "delete_access_point_policy"):
        got = code(getattr(elsewhere, operation), AccountId=HERE, Name="regional")
        assert got == ("NoSuchAccessPoint", 404)
    assert code(elsewhere.create_access_point, AccountId=HERE, Name="regional", Bucket=point.bucket)[1] == 409
    assert read(point.s3, point.alias) == b"content"


def test_the_source_of_a_copy_is_an_access_point_of_the_same_region(plane: InProcess) -> None:
    point = Point(plane, "of-here")
    elsewhere = plane.client("s3", region="eu-west-1")
    source = {"Bucket": point.arn, "Key": "k"}
    assert code(elsewhere.copy_object, Bucket=point.bucket, Key="x", CopySource=source) == ("InvalidRequest", 400)


def test_who_signs_for_another_region_is_told_that_of_the_access_point(plane: InProcess) -> None:
    point = Point(plane, "in-its-region")
    client = plane.client("s3", region="eu-west-1")

    def call_it(request: Any, **_: Any) -> None:
        request.url = f"http://in-its-region-{HERE}.s3-accesspoint.us-east-1.amazonaws.com/k"

    client.meta.events.register("before-sign.s3.GetObject", call_it)
    assert read(client, point.bucket) == b"content"  # boto3 signs anew, for the region that it is told
    assert [record.error_code for record in plane.records(2)] == ["", "AuthorizationHeaderMalformed"]
