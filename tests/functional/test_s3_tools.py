"""Programs that people copy files to S3 with, each with a role that may do what its documentation asks for."""

from __future__ import annotations

import os
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.plane import COMMAND_LINES, REGION, RunningPlane, allow, command_lines, needs_namespaces
from support.processes import SECONDS, finished
from support.tools import Statement, Worker, found, needs

LARGE = (8 << 20) + 1
"""Octets. The AWS CLI and boto3 upload so many in two parts."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a large file, and one in a folder of its own."""
    made = tmp_path / "here"
    (made / "docs").mkdir(parents=True)
    (made / "docs" / "read me.txt").write_text("please")
    (made / "large.bin").write_bytes(os.urandom(LARGE))
    return made


def files(folder: Path) -> dict[str, bytes]:
    """All that is in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def objects(plane: RunningPlane, bucket: str, prefix: str) -> dict[str, bytes]:
    """All objects below `prefix`."""
    s3 = plane.client("s3")
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())]
    return {key.removeprefix(prefix): s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def on_bucket(bucket: str, *actions: str) -> Statement:
    return allow([f"s3:{action}" for action in actions], f"arn:aws:s3:::{bucket}")


def on_objects(bucket: str, *actions: str) -> Statement:
    return allow([f"s3:{action}" for action in actions], f"arn:aws:s3:::{bucket}/*")


# -- aws s3 sync --------------------------------------------------------------------------------------------


@command_lines
def test_aws_s3_sync_needs_what_aws_documents_for_it(
    plane: RunningPlane, folder: Path, tmp_path: Path, version: str
) -> None:
    bucket, there, back = plane.bucket(), "sync/", tmp_path / "back"
    worker = Worker(
        plane, on_bucket(bucket, "ListBucket"), on_objects(bucket, "GetObject", "PutObject", "DeleteObject")
    )
    program = str(COMMAND_LINES[version])
    sync = ["--endpoint-url", plane.endpoint, "s3", "sync", "--no-progress"]
    url = f"s3://{bucket}/{there}"

    said = worker.fails_without("s3:PutObject", program, *sync, str(folder), url)
    assert "An error occurred (AccessDenied) when calling the PutObject operation" in said
    assert "An error occurred (AccessDenied) when calling the CreateMultipartUpload operation" in said
    assert objects(plane, bucket, there) == {}
    worker.works(program, *sync, str(folder), url)
    assert objects(plane, bucket, there) == files(folder)

    said = worker.fails_without("s3:GetObject", program, *sync, url, str(back))
    assert "An error occurred (403) when calling the HeadObject operation: Forbidden" in said or (
        "An error occurred (AccessDenied) when calling the GetObject operation" in said
    )
    worker.works(program, *sync, url, str(back))
    assert files(back) == files(folder)

    (folder / "large.bin").unlink()
    said = worker.fails_without("s3:DeleteObject", program, *sync, "--delete", str(folder), url)
    assert "An error occurred (AccessDenied) when calling the DeleteObject operation" in said
    said = worker.fails_without("s3:ListBucket", program, *sync, "--delete", str(folder), url)
    assert "An error occurred (AccessDenied) when calling the ListObjectsV2 operation" in said
    worker.works(program, *sync, "--delete", str(folder), url)
    assert objects(plane, bucket, there) == files(folder)
    worker.assert_all_of_it_is_used()


# -- rclone -------------------------------------------------------------------------------------------------


def rclone_settings(plane: RunningPlane) -> dict[str, str]:
    """A remote of the provider AWS. It calls AWS's hosts by their names, which the plane answers as a proxy."""
    remote = {
        "TYPE": "s3", "PROVIDER": "AWS", "ENV_AUTH": "true", "REGION": REGION, "NO_CHECK_BUCKET": "true",
        "ENDPOINT": f"http://s3.{REGION}.amazonaws.com", "UPLOAD_CUTOFF": "5Mi", "CHUNK_SIZE": "5Mi",
    }  # fmt: skip
    general = {"RCLONE_CONFIG": os.devnull, "RCLONE_RETRIES": "1", "RCLONE_LOW_LEVEL_RETRIES": "1"}
    proxy = {"http_proxy": plane.endpoint, "no_proxy": "169.254.169.254"}
    return {f"RCLONE_CONFIG_AWS_{name}": value for name, value in remote.items()} | general | proxy


def rclone_policy(bucket: str) -> list[Statement]:
    """What https://rclone.org/s3/#s3-permissions asks for, without CreateBucket: "--s3-no-check-bucket"."""
    return [
        on_bucket(bucket, "ListBucket"),
        on_objects(bucket, "GetObject", "PutObject", "PutObjectAcl", "DeleteObject"),
    ]


@needs("rclone")
def test_rclone_needs_what_its_documentation_lists(plane: RunningPlane, folder: Path, tmp_path: Path) -> None:
    bucket, back = plane.bucket(), tmp_path / "back"
    worker, settings = Worker(plane, *rclone_policy(bucket)), rclone_settings(plane)
    url = f"aws:{bucket}/rclone"

    def rclone(*arguments: str) -> str:
        return worker.works("rclone", *arguments, **settings)

    def fails(action: str, *arguments: str) -> None:
        assert "AccessDenied" in worker.fails_without(action, "rclone", *arguments, **settings)

    fails("s3:PutObject", "copy", str(folder), url)
    fails("s3:PutObjectAcl", "copy", str(folder), url)  # it says that objects are private
    rclone("copy", str(folder), url)
    assert objects(plane, bucket, "rclone/") == files(folder)
    assert {line.strip() for line in rclone("ls", url).splitlines()} == {f"{LARGE} large.bin", "6 docs/read me.txt"}
    fails("s3:ListBucket", "ls", url)
    rclone("check", str(folder), url)
    rclone("check", "--download", str(folder), url)
    rclone("copy", url, str(back))
    assert files(back) == files(folder)
    (folder / "large.bin").unlink()
    fails("s3:DeleteObject", "sync", str(folder), url)
    rclone("sync", str(folder), url)
    assert objects(plane, bucket, "rclone/") == files(folder)
    worker.assert_all_of_it_is_used()


@needs("rclone")
@needs_namespaces
def test_rclone_inside_an_instance_has_the_role_of_its_profile(
    plane: RunningPlane, folder: Path, tmp_path: Path
) -> None:
    bucket, rclone = plane.bucket(), str(found("rclone"))
    profile = plane.profile(*rclone_policy(bucket))
    line = ["run", "--profile", profile, "--", rclone]
    inside = plane.environment(**rclone_settings(plane))
    done = plane.locum(*line, "copy", str(folder), f"aws:{bucket}/inside", env=inside)
    assert done.returncode == 0, done.stderr
    assert objects(plane, bucket, "inside/") == files(folder)
    plane.permit(profile, on_bucket(bucket, "ListBucket"))
    done = plane.locum(*line, "copy", f"aws:{bucket}/inside", str(tmp_path / "back"), env=inside)
    assert done.returncode != 0
    assert "s3:GetObject on resource" in " ".join(plane.locum("explain").stdout.split())


# -- s3cmd --------------------------------------------------------------------------------------------------

S3CMD = "s3cmd/bin/s3cmd"


@pytest.fixture
def s3cmd_options(plane: RunningPlane, tmp_path: Path) -> list[str]:
    """Options that have s3cmd call the plane, and by paths."""
    settings, host = tmp_path / "s3cfg", urlsplit(plane.endpoint).netloc
    settings.touch()
    return ["--config", str(settings), "--no-ssl", "--host", host, "--host-bucket", host, "--no-progress"]


@needs(S3CMD)
def test_s3cmd_needs_what_its_calls_need(
    plane: RunningPlane, folder: Path, tmp_path: Path, s3cmd_options: list[str]
) -> None:
    bucket, back = plane.bucket(), tmp_path / "back"
    back.mkdir()
    worker = Worker(
        plane,
        on_bucket(bucket, "ListBucket", "GetBucketLocation"),
        on_objects(bucket, "GetObject", "PutObject", "DeleteObject"),
    )
    url, parts = f"s3://{bucket}/s3cmd", ["--multipart-chunk-size-mb=5"]

    def s3cmd(*arguments: str) -> str:
        return worker.works(S3CMD, *s3cmd_options, *arguments)

    def fails(action: str, *arguments: str) -> None:
        said = worker.fails_without(action, S3CMD, *s3cmd_options, *arguments)
        assert "403" in said, said

    fails("s3:PutObject", "put", *parts, str(folder / "large.bin"), f"{url}/large.bin")
    s3cmd("put", *parts, str(folder / "large.bin"), f"{url}/large.bin")
    assert "large.bin" in s3cmd("ls", f"{url}/")
    fails("s3:ListBucket", "ls", f"{url}/")
    s3cmd("sync", f"{folder}/", f"{url}/")
    assert objects(plane, bucket, "s3cmd/") == files(folder)
    fails("s3:GetObject", "get", f"{url}/large.bin", str(back / "large.bin"))
    s3cmd("sync", f"{url}/", f"{back}/")
    assert files(back) == files(folder)
    fails("s3:DeleteObject", "del", f"{url}/large.bin")
    s3cmd("del", f"{url}/large.bin")
    assert set(objects(plane, bucket, "s3cmd/")) == {"docs/read me.txt"}
    worker.assert_all_of_it_is_used()


def fetched(url: str) -> tuple[int, bytes]:
    """What is at `url`: the status of the answer and its body."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=SECONDS)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@needs(S3CMD)
def test_a_url_that_s3cmd_signed_is_good_for_what_its_user_may(
    plane: RunningPlane, tmp_path: Path, s3cmd_options: list[str]
) -> None:
    bucket = plane.bucket(report=b"all is well")
    user, key = plane.user(on_objects(bucket, "GetObject"))  # a session's token has no place in such a URL
    line = [str(found(S3CMD)), *s3cmd_options, "signurl", f"s3://{bucket}/report", "+60"]
    done = finished(line, env=plane.environment(**key.environment))
    assert fetched(done.stdout.strip()) == (200, b"all is well")
    plane.client("iam").delete_user_policy(UserName=user, PolicyName="may")
    status, body = fetched(done.stdout.strip())
    assert (status, b"<Code>AccessDenied</Code>" in body) == (403, True)
