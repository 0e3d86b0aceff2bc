"""A Host header names a bucket, or nothing: never a path, and never at the price of seconds."""

from __future__ import annotations

import pytest

from locum.wire import bucket_of_host, local_access_point


@pytest.mark.parametrize(
    "name", ["victim/key", "victim/key?x=", "victim/key#", "victim%2Fkey", "vic tim", "victim\\key"]
)
@pytest.mark.parametrize("tail", [".s3.localhost", ".s3.amazonaws.com", ".localhost"])
def test_a_host_with_a_path_in_it_names_no_bucket(name: str, tail: str) -> None:
    assert bucket_of_host(name + tail) == ""


@pytest.mark.parametrize("host", ["a.s3" + "-a" * 100_000, "a" + ".s3-" * 100_000, "a." * 100_000 + "localhost"])
def test_a_host_longer_than_any_name_is_not_searched_for_a_bucket(host: str) -> None:
    assert bucket_of_host(host) == ""


@pytest.mark.parametrize(
    "host",
    ["my.bucket.s3.us-east-1.amazonaws.com", "my.bucket.s3-eu-west-1.amazonaws.com", "my.bucket.s3.localhost:4566",
     "my.bucket.s3-accelerate.dualstack.amazonaws.com", "my.bucket.localhost"],
)  # fmt: skip
def test_the_hosts_of_buckets_are_still_known(host: str) -> None:
    assert bucket_of_host(host) == "my.bucket"


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("a-b-123456789012.s3-accesspoint.eu-west-1.amazonaws.com", "eu-west-1"),
        ("A-B-123456789012.S3-AccessPoint-Fips.Dualstack.us-east-1.amazonaws.com:443", "us-east-1"),
        ("a-b-123456789012.s3-accesspoint.us-east-1.localhost:4566", "us-east-1"),
        ("a-b-123456789012.accesspoint.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com", "us-east-1"),
        ("a-b-123456789012.127.0.0.1:4566", ""),
    ],
)
def test_the_hosts_of_access_points_are_their_arns(host: str, region: str) -> None:
    assert bucket_of_host(host) == f"arn:aws:s3:{region}:123456789012:accesspoint/a-b"


@pytest.mark.parametrize(
    "host",
    [
        "a-12345678901.s3-accesspoint.us-east-1.amazonaws.com",
        "a.b-123456789012.127.0.0.1",
        "a-123456789012.127.0.0.1.example",
        "-123456789012.127.0.0.1",
        "a/b-123456789012.127.0.0.1",
        "127.0.0.1:4566",
    ],
)
def test_other_hosts_are_those_of_no_access_point(host: str) -> None:
    assert not bucket_of_host(host).startswith("arn:")


@pytest.mark.parametrize("tail", [".localhost", ".s3.localhost:4566", ".s3.localhost.localstack.cloud:4566"])
def test_a_host_below_localhost_may_be_that_of_an_access_point_or_of_a_bucket(tail: str) -> None:
    assert local_access_point(f"a-b-123456789012{tail}") == "arn:aws:s3::123456789012:accesspoint/a-b"
    assert bucket_of_host(f"a-b-123456789012{tail}") == "a-b-123456789012"
    assert local_access_point(f"a.b-123456789012{tail}") == local_access_point(f"a{tail}") == ""
