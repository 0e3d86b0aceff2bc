"""What is kept of S3 objects: the octets that are there, once, and nothing of what was replaced."""

from __future__ import annotations

import gc
import os
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from locum.backends.moto import bodies
from locum.backends.moto.bodies import Body
from support.inprocess import InProcess

pytestmark = pytest.mark.usefixtures("own_heap")

MIB = 1 << 20
SIZE = 4 * MIB


def kept() -> int:
    """The octets in all bodies."""
    gc.collect()
    return sum(len(found._octets or b"") for found in gc.get_objects() if isinstance(found, Body))


@pytest.fixture
def allocated() -> Iterator[Callable[[], int]]:
    """Tells the octets that this process has allocated since the test began, in whatever objects."""
    tracemalloc.start(1)
    yield lambda: tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()


def temporary_files() -> int:
    return sum("(deleted)" in str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink())


def put(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=os.urandom(SIZE))


def copy(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="from", Body=os.urandom(SIZE // 2))
    s3.copy_object(Bucket=bucket, Key="k", CopySource=f"{bucket}/from")


def upload(s3: Any, bucket: str) -> None:
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    etag = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=1, Body=os.urandom(SIZE))["ETag"]
    parts = [{"PartNumber": 1, "ETag": etag}]
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id, MultipartUpload={"Parts": parts})


def aborted(s3: Any, bucket: str) -> None:
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=1, Body=os.urandom(SIZE))
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id)


def deleted(s3: Any, bucket: str) -> None:
    put(s3, bucket)
    s3.delete_object(Bucket=bucket, Key="k")


@pytest.mark.parametrize("write", [put, copy, upload, aborted, deleted], ids=lambda write: write.__name__)
def test_what_was_replaced_is_freed(
    plane: InProcess, write: Callable[[Any, str], None], allocated: Callable[[], int]
) -> None:
    s3, bucket = plane.client("s3"), f"replaced-{write.__name__}"
    s3.create_bucket(Bucket=bucket)
    before = kept()
    for _ in range(5):  # after which the process has what it needs for one
        write(s3, bucket)
    memory, files = allocated(), temporary_files()
    for _ in range(25):
        write(s3, bucket)
    assert allocated() - memory <= 3 * SIZE  # nor is it kept until cycles of objects are looked for
    assert temporary_files() == files
    assert kept() - before <= SIZE


def test_a_reader_gets_the_octets_that_were_written_without_a_copy() -> None:
    octets = os.urandom(1000)
    body = Body()
    body.write(octets)
    body.seek(0)
    assert body.read() is octets
    body.seek(10)
    assert (body.read(5), body.read(5), body.read()) == (octets[10:15], octets[15:20], octets[20:])


def test_a_body_that_was_replaced_is_what_was_written_last() -> None:
    body = Body()
    body.write(b"first")
    body.seek(0)
    body.truncate()
    assert body.read() == b""
    body.write(b"second")
    assert body.read() == b"second"


def test_a_large_body_is_in_a_file_that_goes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "LARGE", 10)
    files = temporary_files()
    body = Body()
    body.write(b"0123456789a")
    assert temporary_files() == files + 1
    body.seek(8)
    assert (body.read(1), body.read(), body.read()) == (b"8", b"9a", b"")
    body.seek(0)
    assert body.read() == b"0123456789a"
    body.close()
    assert temporary_files() == files


def test_a_closed_body_is_not_an_empty_one() -> None:
    body = Body()
    body.write(b"a")
    body.close()
    with pytest.raises(ValueError, match="closed"):
        body.read()
