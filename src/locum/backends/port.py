"""The port behind the gateway: what every backend is given and must do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from locum.core.http import HttpRequest, HttpResponse
from locum.core.resources import ResourceFacts


@dataclass(frozen=True, slots=True, eq=False)
class BackendCall:
    """An allowed call. `account` is the owner of the resource, `region` the one the call was signed for.

    `request` is the client's own, `body` its verified payload without any `aws-chunked` framing.
    `host_bucket`: the S3 bucket that the client named in the host, not in the path (else empty).
    """

    service: str
    operation: str
    protocol: str
    endpoint_prefix: str
    signing_name: str
    account: str
    region: str
    request: HttpRequest
    body: bytes
    params: dict[str, Any]
    host_bucket: str = ""


class Backend(Protocol):
    """Something that speaks an AWS service."""

    async def call(self, call: BackendCall) -> HttpResponse:
        """The answer to `call`, an AWS error among them. Raises Fault where there is no such service here."""

    async def facts(self, service: str, arn: str, account: str, region: str) -> ResourceFacts:
        """Owner, policy and tags of the resource `arn` of `service` (`s3`), as far as they are known here.

        `account` and `region` are the caller's: where to look if the ARN does not say.
        """

    async def close(self) -> None:
        """Let go of connections and threads."""
