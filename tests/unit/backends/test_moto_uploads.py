"""Multipart uploads in moto: of one key of one bucket, and of who began them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.core.identifiers import canonical_user_id
from support.inprocess import InProcess, refusal

ELSEWHERE = "222233334444"
THIRD = "333344445555"
GONE = ("NoSuchUpload", 404)


@pytest.fixture(scope="module")
def s3(plane: InProcess) -> Any:
    client = plane.client("s3")
    for bucket in ("parts", "other-parts"):
        client.create_bucket(Bucket=bucket)
    return client


def begun(client: Any, key: str, bucket: str = "parts") -> str:
    upload: str = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    return upload


def part(client: Any, key: str, upload: str, bucket: str = "parts") -> dict[str, Any]:
    put = client.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"x")
    return {"Parts": [{"PartNumber": 1, "ETag": put["ETag"]}]}


def on(client: Any) -> list[tuple[Any, dict[str, Any]]]:
    """Every operation on an upload, with what it takes beside the upload."""
    whole = {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": '"e"'}]}}
    return [
        (client.upload_part, {"PartNumber": 1, "Body": b"stolen"}),
        (client.upload_part_copy, {"PartNumber": 1, "CopySource": "parts/source"}),
        (client.complete_multipart_upload, whole),
        (client.abort_multipart_upload, {}),
        (client.list_parts, {}),
    ]


def test_an_upload_is_of_its_key(s3: Any) -> None:
    s3.put_object(Bucket="parts", Key="source", Body=b"source")
    upload = begun(s3, "mine")
    parts = part(s3, "mine", upload)
    for call, more in on(s3):
        assert refusal(call, Bucket="parts", Key="another", UploadId=upload, **more)[:2] == GONE
    s3.complete_multipart_upload(Bucket="parts", Key="mine", UploadId=upload, MultipartUpload=parts)
    assert s3.get_object(Bucket="parts", Key="mine")["Body"].read() == b"x"
    again = s3.complete_multipart_upload(Bucket="parts", Key="mine", UploadId=upload, MultipartUpload=parts)
    assert again["Key"] == "mine"
    assert refusal(s3.list_parts, Bucket="parts", Key="mine", UploadId=upload)[:2] == GONE


def test_an_upload_is_of_its_bucket(s3: Any) -> None:
    upload = begun(s3, "mine")
    for call, more in on(s3):
        assert refusal(call, Bucket="other-parts", Key="mine", UploadId=upload, **more)[:2] == GONE


def test_an_upload_that_was_never_begun_is_none(s3: Any) -> None:
    for call, more in on(s3):
        assert refusal(call, Bucket="parts", Key="mine", UploadId="never", **more)[:2] == GONE


def allow(s3: Any, *actions: str) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": [ELSEWHERE, THIRD]},
        "Action": [f"s3:{action}" for action in actions],
        "Resource": "arn:aws:s3:::parts/*",
    }
    s3.put_bucket_policy(Bucket="parts", Policy=json.dumps({"Version": "2012-10-17", "Statement": statement}))


def test_whoever_may_put_the_object_goes_on_with_its_upload(plane: InProcess, s3: Any) -> None:
    writer, third = (plane.client("s3", plane.account(account)) for account in (ELSEWHERE, THIRD))
    allow(s3, "PutObject")
    upload = begun(writer, "theirs")
    parts = part(third, "theirs", upload)
    third.complete_multipart_upload(Bucket="parts", Key="theirs", UploadId=upload, MultipartUpload=parts)
    assert writer.get_object_acl(Bucket="parts", Key="theirs")["Owner"]["ID"] == canonical_user_id(ELSEWHERE)


def test_the_initiator_lists_the_parts_of_an_upload_and_aborts_it_and_so_may_whom_the_policy_lets(
    plane: InProcess, s3: Any
) -> None:
    writer, third = (plane.client("s3", plane.account(account)) for account in (ELSEWHERE, THIRD))
    allow(s3, "PutObject")
    for client in (writer, s3):
        upload = {"Bucket": "parts", "Key": "theirs", "UploadId": begun(writer, "theirs")}
        assert refusal(third.list_parts, **upload)[:2] == ("AccessDenied", 403)
        assert refusal(third.abort_multipart_upload, **upload)[:2] == ("AccessDenied", 403)
        assert writer.list_parts(**upload)["Owner"]["ID"] == canonical_user_id(ELSEWHERE)
        client.abort_multipart_upload(**upload)
    own = {"Bucket": "parts", "Key": "mine", "UploadId": begun(s3, "mine")}
    begun(writer, "mine")
    assert refusal(writer.abort_multipart_upload, **own)[:2] == ("AccessDenied", 403)
    allow(s3, "AbortMultipartUpload")
    third.abort_multipart_upload(**own)


def test_the_parts_of_an_upload_are_encrypted_as_it_is(s3: Any) -> None:
    name = "encrypted-parts"
    s3.create_bucket(Bucket=name)
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}/*",
        "Condition": {"Null": {"s3:x-amz-server-side-encryption": "true"}},
    }
    plain = begun(s3, "plain", name)
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": statement}))
    whole = {"Bucket": name, "Key": "k"}
    upload = s3.create_multipart_upload(**whole, ServerSideEncryption="AES256")["UploadId"]
    parts = part(s3, "k", upload, name)
    s3.complete_multipart_upload(**whole, UploadId=upload, MultipartUpload=parts)
    assert s3.head_object(**whole)["ServerSideEncryption"] == "AES256"
    put = {"UploadId": plain, "PartNumber": 1, "Body": b"x"}
    assert refusal(s3.upload_part, Bucket=name, Key="plain", **put)[:2] == ("AccessDenied", 403)


def test_a_completed_upload_has_a_version_where_its_bucket_is_versioned(s3: Any) -> None:
    for bucket, versioned in (("parts", False), ("parts-with-versions", True)):
        if versioned:
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        upload = begun(s3, "whole", bucket)
        parts = part(s3, "whole", upload, bucket)
        whole = s3.complete_multipart_upload(Bucket=bucket, Key="whole", UploadId=upload, MultipartUpload=parts)
        assert ("VersionId" in whole) is versioned
