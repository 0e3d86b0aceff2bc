"""Which operation a request to S3 is, and on which bucket and key."""

from __future__ import annotations

import pytest

from locum.wire.parsers.s3 import bucket_of_host
from support.wire_requests import name_of, read, refusal, rest


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("GET", "/", "ListBuckets"),
        ("GET", "/?x-id=ListDirectoryBuckets", "ListDirectoryBuckets"),
        ("GET", "/b", "ListObjects"),
        ("GET", "/b/", "ListObjects"),
        ("GET", "/b?list-type=2&prefix=x", "ListObjectsV2"),
        ("GET", "/b?list-type=%32", "ListObjectsV2"),
        ("GET", "/b?list-type=1", "ListObjects"),
        ("GET", "/b?versions", "ListObjectVersions"),
        ("GET", "/b?uploads=", "ListMultipartUploads"),
        ("GET", "/b?policy", "GetBucketPolicy"),
        ("PUT", "/b/?policy", "PutBucketPolicy"),
        ("DELETE", "/b?policy", "DeleteBucketPolicy"),
        ("GET", "/b?policyStatus", "GetBucketPolicyStatus"),
        ("GET", "/b?lifecycle", "GetBucketLifecycleConfiguration"),
        ("PUT", "/b?notification", "PutBucketNotificationConfiguration"),
        ("GET", "/b?analytics", "ListBucketAnalyticsConfigurations"),
        ("GET", "/b?analytics&id=x", "GetBucketAnalyticsConfiguration"),
        ("PUT", "/b", "CreateBucket"),
        ("DELETE", "/b", "DeleteBucket"),
        ("HEAD", "/b", "HeadBucket"),
        ("POST", "/b?delete", "DeleteObjects"),
        ("GET", "/b/k", "GetObject"),
        ("GET", "/b/k?versionId=3&unknown=x&x-id=GetObject", "GetObject"),
        ("GET", "/b/k?uploadId=x", "ListParts"),
        ("GET", "/b/k?acl", "GetObjectAcl"),
        ("GET", "/b/k?tagging&versionId=3", "GetObjectTagging"),
        ("GET", "/b/k?attributes", "GetObjectAttributes"),
        ("HEAD", "/b/k", "HeadObject"),
        ("PUT", "/b/k", "PutObject"),
        ("PUT", "/b/k?partNumber=1&uploadId=x", "UploadPart"),
        ("DELETE", "/b/k", "DeleteObject"),
        ("DELETE", "/b/k?uploadId=x", "AbortMultipartUpload"),
        ("POST", "/b/k?uploads", "CreateMultipartUpload"),
        ("POST", "/b/k?uploadId=x", "CompleteMultipartUpload"),
        ("POST", "/b/k?select&select-type=2", "SelectObjectContent"),
        ("POST", "/b/k?restore", "RestoreObject"),
    ],
)
def test_method_level_and_query_choose_the_operation(method: str, path: str, found: str) -> None:
    assert name_of(rest(method, path), "s3") == f"s3.{found}"


def test_a_copy_source_makes_it_a_copy() -> None:
    assert name_of(rest("PUT", "/b/k", x_amz_copy_source="/a/b"), "s3") == "s3.CopyObject"
    part = rest("PUT", "/b/k?partNumber=1&uploadId=x", x_amz_copy_source="/a/b")
    assert name_of(part, "s3") == "s3.UploadPartCopy"


def test_a_presigned_copy_may_have_its_source_in_the_query_string() -> None:
    request = rest("PUT", "/b/k?x-amz-copy-source=%2Fa%2Fb&X-Amz-Expires=60")
    assert name_of(request, "s3") == "s3.CopyObject"
    assert read(request, "s3")["CopySource"] == "/a/b"


@pytest.mark.parametrize("path", ["/b?acl", "/b?%61cl", "/b?%61%63%6C=x"])
def test_a_sub_resource_is_never_ignored(path: str) -> None:
    assert (refusal(rest("DELETE", path), "s3").code, refusal(rest("DELETE", path), "s3").status) == (
        "MethodNotAllowed",
        405,
    )
    assert name_of(rest("PUT", path), "s3") == "s3.PutBucketAcl"


def test_a_sub_resource_of_buckets_is_refused_on_objects() -> None:
    assert refusal(rest("DELETE", "/b/k?policy"), "s3").code == "MethodNotAllowed"


def test_two_sub_resources_conflict() -> None:
    fault = refusal(rest("GET", "/b?policy&acl"), "s3")
    assert (fault.code, fault.message) == ("InvalidArgument", "Conflicting query string parameters: acl, policy")


def test_a_method_that_s3_does_not_have_is_not_allowed() -> None:
    assert refusal(rest("PATCH", "/b/k"), "s3").status == 405
    assert refusal(rest("POST", "/b/k"), "s3").status == 405


@pytest.mark.parametrize(
    ("host", "bucket"),
    [
        ("localhost:4566", ""),
        ("127.0.0.1:4566", ""),
        ("[::1]:4566", ""),
        ("[::1]", ""),
        ("locum:4566", ""),
        ("s3.amazonaws.com", ""),
        ("s3.eu-west-1.amazonaws.com", ""),
        ("s3.localhost:4566", ""),
        ("s3.localhost.localstack.cloud:4566", ""),
        ("bucket.s3.amazonaws.com", "bucket"),
        ("my.dotted.bucket.s3.eu-west-1.amazonaws.com", "my.dotted.bucket"),
        ("bucket.s3-eu-west-1.amazonaws.com", "bucket"),
        ("bucket.s3-accelerate.amazonaws.com", "bucket"),
        ("bucket.s3.dualstack.us-west-2.amazonaws.com", "bucket"),
        ("bucket.localhost:4566", "bucket"),
        ("Bucket.S3.localhost:4566", "bucket"),
        ("my.s3.bucket.localhost", "my.s3.bucket"),
        ("bucket.s3.localhost.localstack.cloud:4566", "bucket"),
    ],
)
def test_the_host_may_name_the_bucket(host: str, bucket: str) -> None:
    assert bucket_of_host(host) == bucket


def test_path_style_and_host_style_are_the_same_call() -> None:
    by_path = rest("GET", "/bucket/a/b.txt")
    by_host = rest("GET", "/a/b.txt", host="bucket.s3.eu-west-1.amazonaws.com")
    assert read(by_path, "s3") == read(by_host, "s3") == {"Bucket": "bucket", "Key": "a/b.txt"}
    assert name_of(rest("GET", "/", host="bucket.localhost:4566"), "s3") == "s3.ListObjects"
    assert name_of(rest("GET", "/key", host="bucket.localhost:4566"), None) == "s3.GetObject"


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ("a+b", "a+b"),
        ("a%2Bb%20c", "a+b c"),
        ("a%2F..%2Fb", "a/../b"),
        ("a//b/", "a//b/"),
        ("/a", "/a"),
        ("%C3%BC", "ü"),
        ("..", ".."),
    ],
)
def test_keys_are_taken_literally(raw: str, key: str) -> None:
    assert read(rest("GET", f"/b/{raw}"), "s3")["Key"] == key


def test_a_key_that_is_not_utf8_is_an_invalid_uri() -> None:
    fault = refusal(rest("GET", "/b/%ff"), "s3")
    assert (fault.code, fault.message) == ("InvalidURI", "Couldn't parse the specified URI.")


@pytest.mark.parametrize("path", ["/a%2Fb", "/a%2Fb/k", "//k"])
def test_a_bucket_has_no_slash_and_is_not_empty(path: str) -> None:
    assert refusal(rest("GET", path), "s3").code == "InvalidBucketName"


def test_s3_control_is_told_by_its_path_and_account() -> None:
    assert name_of(rest("GET", "/v20180820/accesspoint", x_amz_account_id="1"), "s3") == "s3control.ListAccessPoints"
    assert name_of(rest("GET", "/v20180820/accesspoint", host="b.localhost"), "s3") == "s3.GetObject"
    assert name_of(rest("GET", "/v20180820/nothing"), "s3") == "s3.GetObject"


@pytest.mark.parametrize("signing_name", ["s3express", "s3-object-lambda"])
def test_s3_has_more_than_one_signing_name(signing_name: str) -> None:
    assert name_of(rest("GET", "/b/k"), signing_name) == "s3.GetObject"


def test_s3_control_is_signed_as_outposts_for_their_buckets() -> None:
    found = name_of(rest("PUT", "/v20180820/bucket/b", x_amz_outpost_id="op-1"), "s3-outposts")
    assert found == "s3control.CreateBucket"
    assert name_of(rest("GET", "/S3Outposts/ListOutpostsWithS3"), "s3-outposts") == "s3outposts.ListOutpostsWithS3"


def test_object_lambda_answers_have_a_path_of_their_own() -> None:
    request = rest("POST", "/WriteGetObjectResponse", b"body", x_amz_request_route="r", x_amz_request_token="t")
    assert name_of(request, "s3") == "s3.WriteGetObjectResponse"
