"""Settings of S3 buckets that the gateway itself goes by: CORS rules and websites. Their backend has them."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from locum import wire
from locum.backends import BackendCall
from locum.backends.lazy import translation
from locum.calls.runtime import Runtime
from locum.calls.service_requests import whole
from locum.core.arn import BUCKETS
from locum.core.errors import Fault
from locum.core.http import HttpRequest

_CORS: Final = "GetBucketCors"
_NO_ACCOUNT: Final = "0" * 12
"""The account to look in for a bucket whose owner the backend does not tell."""


class BucketSettings:
    """Reads settings of buckets, as S3 does for itself: whatever they allow is allowed to whoever asks."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def read(self, operation: str, bucket: str, region: str) -> dict[str, Any] | None:
        """The answer to `operation` (GetBucketCors ...); None where there is no such setting, or no such bucket."""
        codec = wire.codec_of("s3", operation)
        assert codec is not None
        backend = self._runtime.backends.of("s3")
        facts = await backend.facts("s3", _arn(bucket), _NO_ACCOUNT, region)
        if facts.attributes.get("bucket") and operation == _CORS:  # an access point, by its alias or ARN
            bucket = facts.attributes["bucket"]
            facts = await backend.facts("s3", _arn(bucket), _NO_ACCOUNT, region)
        account, sub_resource = facts.account or _NO_ACCOUNT, codec.model.http["requestUri"].partition("?")[2]
        asking = HttpRequest("GET", f"/{quote(bucket, safe='')}", sub_resource, {"host": "s3.amazonaws.com"})
        carried = await backend.call(BackendCall(codec, account, region, asking, b"", {"Bucket": bucket}))
        answer = carried.response
        try:
            read = translation().read_answer
            return read(codec.model, codec.protocol, answer.status, answer.headers, await whole(answer))
        except Fault as fault:
            if fault.status == 404:
                return None
            raise


def _arn(bucket: str) -> str:
    return bucket if bucket.startswith("arn:") else f"{BUCKETS}{bucket}"
