"""A Host header names a bucket, or nothing: never a path, and never at the price of seconds."""

from __future__ import annotations

import pytest

from locum.wire import bucket_of_host


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
