"""The response headers with the request id.

S3 sends `x-amz-request-id` and `x-amz-id-2`
(https://docs.aws.amazon.com/AmazonS3/latest/API/RESTCommonResponseHeaders.html), all others `x-amzn-RequestId`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

Headers = list[tuple[str, str]]


def s3_host_id(request_id: str) -> str:
    """The `HostId` for an S3 request id: 64 characters, a function of the id."""
    return base64.b64encode(hashlib.blake2b(request_id.encode(), digest_size=48).digest()).decode("ascii")


def s3_request_headers(request_id: str) -> Headers:
    """The headers of S3."""
    return [("x-amz-request-id", request_id), ("x-amz-id-2", s3_host_id(request_id))]


def request_headers(request_id: str) -> Headers:
    """The header of every other service."""
    return [("x-amzn-RequestId", request_id)]


def request_headers_of(service: str) -> Callable[[str], Headers]:
    """The function from request id to headers for the service of that botocore name."""
    return s3_request_headers if service == "s3" else request_headers
