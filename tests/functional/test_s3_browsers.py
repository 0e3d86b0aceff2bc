"""Browsers and whoever has a link, at S3 over HTTP: forms, preflight requests, websites."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from support.plane import Key, RunningPlane
from support.post_forms import BOUNDARY, encoded

LARGE = 3 << 20


def sent(
    plane: RunningPlane, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (lower-case) and body of the answer."""
    connection = http.client.HTTPConnection(urlsplit(plane.endpoint).netloc, timeout=60)
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def post(plane: RunningPlane, bucket: str, fields: Mapping[str, str], file: bytes) -> tuple[int, dict[str, str], bytes]:
    content = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    return sent(plane, "POST", f"/{bucket}", encoded(fields, file), content)


@pytest.fixture(scope="module")
def bucket(plane: RunningPlane) -> str:
    return plane.bucket(report=b"all is well")


def test_a_role_has_a_browser_upload_a_large_file(plane: RunningPlane, bucket: str) -> None:
    put = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/up/*"}
    trust = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
                "Action": "sts:AssumeRole",
            },
        }
    )
    signer = plane.assume(plane.role(trust, put))
    for version in ({}, {"signature_version": "s3v4"}):
        made: dict[str, Any] = plane.client("s3", signer, **version).generate_presigned_post(
            bucket, "up/${filename}", Conditions=[["content-length-range", 0, LARGE]]
        )
        status, headers, _ = post(plane, bucket, made["fields"], b"x" * LARGE)
        assert (status, headers["location"]) == (204, f"{plane.endpoint}/{bucket}/up%2Fx.txt")
        assert plane.client("s3").head_object(Bucket=bucket, Key="up/x.txt")["ContentLength"] == LARGE
        plane.client("s3").delete_object(Bucket=bucket, Key="up/x.txt")
        assert post(plane, bucket, made["fields"], b"x" * (LARGE + 1))[0] == 400


def test_a_strangers_large_file_is_not_read(plane: RunningPlane, bucket: str) -> None:
    stranger = Key("AKIAUNKNOWNUNKNOWN00", "secret")
    made: dict[str, Any] = plane.client("s3", stranger).generate_presigned_post(bucket, "up/x")
    try:
        status = post(plane, bucket, made["fields"], b"x" * LARGE)[0]
    except (BrokenPipeError, ConnectionResetError):  # it was answered, and hung up on, while it was sending
        status = 413
    assert status == 413


def test_a_browser_asks_before_it_uploads(plane: RunningPlane, bucket: str) -> None:
    rule = {"AllowedOrigins": ["https://app.example"], "AllowedMethods": ["PUT"], "AllowedHeaders": ["*"]}
    plane.client("s3").put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "PUT"}
    status, headers, _ = sent(plane, "OPTIONS", f"/{bucket}/k?AWSAccessKeyId=x&Signature=y&Expires=1", headers=asked)
    assert (status, headers["access-control-allow-origin"]) == (200, "https://app.example")
    assert sent(plane, "OPTIONS", f"/{bucket}/k", headers=asked | {"Origin": "https://evil.example"})[0] == 403


def test_a_website_is_there_for_everybody_once_its_policy_says_so(plane: RunningPlane, bucket: str) -> None:
    s3 = plane.client("s3")
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "report"}})
    host = {"Host": f"{bucket}.s3-website.localhost"}
    assert sent(plane, "GET", "/", headers=host)[0] == 403
    public = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": public}))
    status, _, body = sent(plane, "GET", "/", headers=host)
    assert (status, body) == (200, b"all is well")
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    assert sent(plane, "GET", "/", headers=host)[0] == 403
    assert s3.get_object(Bucket=bucket, Key="report")["Body"].read() == b"all is well"
