"""boto3's transfer manager: large files in parts, by several threads, with what multipart uploads need."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from support.plane import RunningPlane, allow
from support.tools import Worker

CHUNK = 5 << 20
"""Octets. No part but the last may have less."""
IN_PARTS = TransferConfig(multipart_threshold=CHUNK, multipart_chunksize=CHUNK, max_concurrency=4)


FORBIDDEN = r"\(403\) when calling the HeadObject operation .*: Forbidden"


class Broken(io.BytesIO):
    """A file that cannot be read to its end."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= CHUNK:
            raise OSError("the disk is broken")
        return super().read(size)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    file = tmp_path / "large"
    file.write_bytes(os.urandom(2 * CHUNK + 1))
    return file


def worker_on(plane: RunningPlane, bucket: str, *actions: str) -> tuple[Worker, Any]:
    """Who may do `actions` on the objects of `bucket`, and the client."""
    worker = Worker(plane, allow([f"s3:{action}" for action in actions], f"arn:aws:s3:::{bucket}/*"))
    return worker, plane.client("s3", worker.key)


def test_files_go_up_in_parts_and_come_down_in_ranges(plane: RunningPlane, large: Path, tmp_path: Path) -> None:
    bucket, back = plane.bucket(), tmp_path / "back"
    worker, s3 = worker_on(plane, bucket, "GetObject", "PutObject")
    s3.upload_file(str(large), bucket, "large", Config=IN_PARTS)
    assert s3.head_object(Bucket=bucket, Key="large")["ETag"].endswith('-3"')
    s3.download_file(bucket, "large", str(back), Config=IN_PARTS)
    assert back.read_bytes() == large.read_bytes()
    s3.copy({"Bucket": bucket, "Key": "large"}, bucket, "copied", Config=IN_PARTS)
    assert s3.get_object(Bucket=bucket, Key="copied")["Body"].read() == large.read_bytes()
    worker.assert_all_of_it_is_used()

    worker.may_no_longer("s3:PutObject")
    with pytest.raises(S3UploadFailedError, match=r"\(AccessDenied\) when calling the CreateMultipartUpload operation"):
        s3.upload_file(str(large), bucket, "again", Config=IN_PARTS)
    worker.may_again()
    worker.may_no_longer("s3:GetObject")
    with pytest.raises(ClientError, match=FORBIDDEN):
        s3.download_file(bucket, "large", str(back), Config=IN_PARTS)
    with pytest.raises(ClientError, match=FORBIDDEN):
        s3.copy({"Bucket": bucket, "Key": "large"}, bucket, "again", Config=IN_PARTS)


def test_a_copy_in_parts_takes_the_right_to_read_the_source_from_another_bucket(
    plane: RunningPlane, large: Path
) -> None:
    source, bucket = plane.bucket(large=large.read_bytes()), plane.bucket()
    worker = Worker(
        plane, allow("s3:GetObject", f"arn:aws:s3:::{source}/large"), allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*")
    )
    s3, root = plane.client("s3", worker.key), plane.client("s3")
    s3.copy({"Bucket": source, "Key": "large"}, bucket, "copied", Config=IN_PARTS)
    assert root.get_object(Bucket=bucket, Key="copied")["Body"].read() == large.read_bytes()
    worker.assert_all_of_it_is_used()
    worker.may_no_longer("s3:GetObject")
    with pytest.raises(ClientError, match=r"AccessDenied.* when calling the UploadPartCopy operation.*s3:GetObject "):
        s3.copy({"Bucket": source, "Key": "large"}, bucket, "again", SourceClient=root, Config=IN_PARTS)


@pytest.mark.parametrize("may_abort", [True, False])
def test_what_is_broken_off_is_taken_back_by_who_may_abort_uploads(plane: RunningPlane, may_abort: bool) -> None:
    bucket = plane.bucket()
    actions = ["PutObject", "AbortMultipartUpload"] if may_abort else ["PutObject"]
    _, s3 = worker_on(plane, bucket, *actions)

    with pytest.raises(OSError, match="the disk is broken"):
        s3.upload_fileobj(Broken(bytes(2 * CHUNK)), bucket, "large", Config=IN_PARTS)
    left = plane.client("s3").list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    assert [upload["Key"] for upload in left] == ([] if may_abort else ["large"])
