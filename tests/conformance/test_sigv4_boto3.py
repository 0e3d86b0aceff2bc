"""What boto3 puts on the wire, caught before it is sent, verifies: whole clients, not only their signers."""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config

from locum.core.http import HttpRequest
from locum.sigv4 import without_chunk_framing
from support.signers import KEY_ID, SECRET, arrived, check, claimed


class Caught(Exception):
    """A request was ready to be sent."""


class Wire:
    """A client whose requests end here."""

    def __init__(self, service: str, *, scheme: str = "http", **config: Any) -> None:
        self.requests: list[HttpRequest] = []
        self.client = boto3.client(
            service,
            region_name="us-east-1",
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
            aws_session_token="session/token+==",
            endpoint_url=f"{scheme}://localhost:4566",
            config=Config(retries={"total_max_attempts": 1}, **config),
        )
        self.client.meta.events.register("before-send", self._catch)

    def _catch(self, request: AWSPreparedRequest, **_: Any) -> None:
        body = request.body.read() if hasattr(request.body, "read") else request.body or b""
        body = body.encode() if isinstance(body, str) else body
        self.requests.append(arrived(request.method, request.url, request.headers, body))
        raise Caught

    def sent(self, call: Callable[[Any], Any]) -> HttpRequest:
        """The one request that `call` sends."""
        self.requests.clear()
        with pytest.raises(Caught):
            call(self.client)
        (request,) = self.requests
        return request


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("sts", lambda client: client.get_caller_identity()),
        ("iam", lambda client: client.create_user(UserName="a+b@c", Path="/x y/".replace(" ", "_"))),
        ("ec2", lambda client: client.describe_instances(Filters=[{"Name": "tag:a", "Values": ["é", "*"]}])),
        ("dynamodb", lambda client: client.get_item(TableName="t", Key={"k": {"S": "é"}})),
        ("lambda", lambda client: client.get_function(FunctionName="arn:aws:lambda:us-east-1:1:function:f:1")),
        ("accessanalyzer", lambda client: client.list_tags_for_resource(resourceArn="arn:aws:a:b:1:c/d e")),
        ("route53", lambda client: client.list_hosted_zones_by_name(DNSName="a.b.", MaxItems="1")),
        ("s3", lambda client: client.list_objects_v2(Bucket="bucket", Prefix="a+b c/é", Delimiter="/")),
        ("s3", lambda client: client.head_object(Bucket="bucket", Key="a//b/../c ?#%+é~*'()")),
        ("s3", lambda client: client.put_object(Bucket="bucket", Key="k", Body=b"data", Metadata={"a": "b  c"})),
        ("s3", lambda client: client.copy_object(Bucket="bucket", Key="k", CopySource="other/é +")),
    ],
)
def test_what_a_client_sends_verifies(service: str, call: Callable[[Any], Any]) -> None:
    request = Wire(service).sent(call)
    assert check(request) == request.body
    assert claimed(request).session_token == "session/token+=="


def test_an_upload_over_tls_comes_in_chunks_with_a_trailing_checksum() -> None:
    data = b"x" * 100_000
    request = Wire("s3", scheme="https").sent(
        lambda client: client.put_object(Bucket="bucket", Key="k", Body=io.BytesIO(data), ContentEncoding="gzip")
    )
    claim = claimed(request)
    assert claim.payload == "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    body = check(request)
    assert body == data != request.body
    plain = without_chunk_framing(request, claim, body)
    assert plain.headers["content-encoding"] == "gzip"
    assert plain.headers["x-amz-checksum-crc32"] == base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


@pytest.mark.parametrize("method", ["get_object", "put_object"])
def test_a_url_that_a_client_presigns_verifies(method: str) -> None:
    wire = Wire("s3", signature_version="s3v4")
    url = wire.client.generate_presigned_url(method, Params={"Bucket": "bucket", "Key": "a b/+é"}, ExpiresIn=60)
    request = arrived("GET" if method == "get_object" else "PUT", url, {})
    assert check(request, after=60) == b""
    assert claimed(request).expires == 60
