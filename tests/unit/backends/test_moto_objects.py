"""Simple reads and writes of S3 objects: what moto's handler would have answered, and kept."""

from __future__ import annotations

from typing import Any

import pytest

from support.inprocess import InProcess

BUCKET = "simple-objects"
WITH_HANDLER = {"Metadata": {"kept": "by the handler"}}
"""A parameter with which a request is not simple, and which changes nothing else."""
PUTS: dict[str, dict[str, Any]] = {
    "nothing else": {},
    "no body": {"Body": b""},
    "a content type": {"ContentType": "text/x-simple; charset=utf-8"},
    **{f"a checksum {name}": {"ChecksumAlgorithm": name} for name in ("CRC32", "SHA1", "SHA256")},
}
OF_A_RESPONSE = {"date", "x-amz-request-id", "x-amz-id-2", "last-modified", "x-amz-meta-kept", "x-amz-version-id"}


@pytest.fixture(scope="module", params=["plain", "versioned", "encrypted"])
def bucket(request: pytest.FixtureRequest, plane: InProcess) -> str:
    s3, name = plane.client("s3"), f"{BUCKET}-{request.param}"
    s3.create_bucket(Bucket=name)
    if request.param == "versioned":
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    if request.param == "encrypted":
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return name


def told(answer: dict[str, Any]) -> dict[str, str]:
    """The headers of an answer, but for those that differ between any two."""
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    return {name: value for name, value in headers.items() if name not in OF_A_RESPONSE}


@pytest.mark.parametrize("name", PUTS)
def test_a_simple_write_is_answered_and_kept_as_any_other(plane: InProcess, bucket: str, name: str) -> None:
    s3, put = plane.client("s3"), {"Body": b"content", **PUTS[name]}
    simple = s3.put_object(Bucket=bucket, Key=f"{name}/simple +é", **put)
    other = s3.put_object(Bucket=bucket, Key=f"{name}/other", **put, **WITH_HANDLER)
    assert told(simple) == told(other)
    read = [
        s3.get_object(Bucket=bucket, Key=f"{name}/{kind}", ChecksumMode="ENABLED") for kind in ("simple +é", "other")
    ]
    assert told(read[0]) == told(read[1])
    assert [found["Body"].read() for found in read] == [put["Body"]] * 2


def test_a_simple_write_has_nothing_of_the_object_that_it_replaces(plane: InProcess) -> None:
    s3, name = plane.client("s3"), f"{BUCKET}-replaced"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"old", Tagging="a=b", Metadata={"a": "b"}, StorageClass="STANDARD_IA")
    s3.put_object(Bucket=name, Key="k", Body=b"new")
    found = s3.get_object(Bucket=name, Key="k")
    assert (found["Body"].read(), found["Metadata"], found.get("TagCount"), found.get("StorageClass")) == (
        b"new",
        {},
        None,
        None,
    )
    assert s3.get_object_tagging(Bucket=name, Key="k")["TagSet"] == []


def test_a_locked_bucket_protects_what_is_written_simply(plane: InProcess) -> None:
    s3, name = plane.client("s3"), f"{BUCKET}-locked"
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    default = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    s3.put_object_lock_configuration(
        Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": default}
    )
    s3.put_object(Bucket=name, Key="k", Body=b"kept")
    assert s3.get_object(Bucket=name, Key="k")["ObjectLockMode"] == "GOVERNANCE"
