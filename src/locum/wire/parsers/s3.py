"""Bucket and key of a request to S3, in path style or virtual-hosted style.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.wire.access_point_hosts import access_point_of_host, access_point_of_label
from locum.wire.endpoint_hosts import endpoint_of_host
from locum.wire.parsers.malformed import Unbindable

_REGION = r"[a-z]{2}(?:-[a-z]+)+-[0-9]"
# bucket.s3.amazonaws.com, bucket.s3.region..., bucket.s3-region..., bucket.s3-accelerate..., bucket.s3.dualstack...;
# and the same below localhost, as with other local AWS stacks.
# A bucket name has letters, digits, dots, hyphens and (in the oldest ones) underscores. A slash or a question mark in
# it would change the URL that is built from it.
_BUCKET = r"(?P<bucket>[a-z0-9._-]+)"
_VIRTUAL = re.compile(
    rf"{_BUCKET}\.s3(?!-control|-outposts|-object-lambda)(?:express|-[a-z0-9-]+)?(?:\.dualstack)?(?:\.{_REGION})?"
    r"\.(?:amazonaws\.com(?:\.cn)?|localhost|localhost\.localstack\.cloud)"
)
_LOCAL = re.compile(rf"{_BUCKET}\.localhost")
_WEBSITE = re.compile(
    rf"{_BUCKET}\.s3-website(?:[.-]{_REGION})?\.(?:amazonaws\.com(?:\.cn)?|localhost|localhost\.localstack\.cloud)"
)
_LOCAL_HOSTS = frozenset({"localhost", "s3.localhost", "s3.localhost.localstack.cloud"})
_CACHED_HOSTS = 1024
_OF_PREFLIGHTS = frozenset({"origin", "access-control-request-method"})
_LONGEST_HOST = 255  # characters: the limit of DNS names


class Address(NamedTuple):
    """The bucket and key of a request. `bucket` is empty in a request to the service, `raw_key` in one to a bucket.

    `bucket` is the ARN of an access point where the host is one's. `raw_key` is percent-encoded.
    """

    bucket: str
    raw_key: str


@lru_cache(maxsize=_CACHED_HOSTS)
def bucket_of_host(host: str) -> str:
    """The bucket, or the ARN of the access point, in the host name; empty in path style, and at a website endpoint."""
    endpoint = endpoint_of_host(host)
    if endpoint is not None:
        return endpoint.bucket
    name = _name(host)
    if name == "localhost" or name.startswith("s3.") or len(name) > _LONGEST_HOST or _WEBSITE.fullmatch(name):
        return ""
    point = access_point_of_host(name)
    if point:
        return point
    found = _VIRTUAL.fullmatch(name)
    if found is None and (local := _LOCAL.fullmatch(name)) is not None:
        return "" if local["bucket"].endswith(".s3") or local["bucket"] == "s3" else local["bucket"]
    return found["bucket"] if found is not None else ""


@lru_cache(maxsize=_CACHED_HOSTS)
def local_access_point(host: str) -> str:
    """The ARN, without its region, of the access point that a host below `localhost` may name; it may be a bucket's."""
    label, _, rest = _name(host).partition(".")
    return access_point_of_label(label) if rest in _LOCAL_HOSTS else ""


@lru_cache(maxsize=_CACHED_HOSTS)
def website_of_host(host: str) -> str:
    """The bucket whose website endpoint `host` is; empty where it is none."""
    name = _name(host)
    found = _WEBSITE.fullmatch(name) if len(name) <= _LONGEST_HOST else None
    return found["bucket"] if found is not None else ""


def _name(host: str) -> str:
    return host.rsplit(":", 1)[0].lower() if not host.endswith("]") else host


def s3_address(request: HttpRequest) -> Address:
    """The bucket and key of a request. Raises Fault where the path has no valid ones."""
    bucket, path = bucket_of_host(request.headers.get("host", "")), request.raw_path[1:]
    if bucket:
        return Address(bucket, path)
    bucket, _, key = path.partition("/")
    if "%" in bucket:
        bucket = unquote(bucket, errors="replace")
    if "/" in bucket or ":" in bucket or (key and not bucket):
        raise Fault("InvalidBucketName", "The specified bucket is not valid.", members={"BucketName": bucket})
    return Address(bucket, key)


def preflighted_bucket(request: HttpRequest) -> str:
    """The bucket of a browser's preflight request; empty for any other request."""
    if request.method != "OPTIONS" or not _OF_PREFLIGHTS.intersection(request.headers):
        return ""
    try:
        return s3_address(request).bucket
    except Fault:
        return ""


def s3_labels(request: HttpRequest) -> dict[str, str]:
    """The labels `Bucket` and `Key`, decoded."""
    bucket, raw_key = s3_address(request)
    if not raw_key:
        return {"Bucket": bucket} if bucket else {}
    if "%" not in raw_key:
        return {"Bucket": bucket, "Key": raw_key}
    try:
        return {"Bucket": bucket, "Key": unquote(raw_key, errors="strict")}
    except UnicodeDecodeError:
        raise Unbindable("Key", raw_key, "Couldn't parse the specified URI.") from None
