"""The port behind the gateway: what every backend is given and must do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from locum.core.http import HttpRequest, HttpResponse
from locum.core.resources import ResourceFacts
from locum.wire import Codec

if TYPE_CHECKING:
    from botocore.model import OperationModel


@dataclass(frozen=True, slots=True, eq=False)
class BackendCall:
    """An allowed call. `account` is the owner of the resource, `region` the one the call was signed for.

    `codec` names the operation and the protocol that the client speaks. `request` is the client's own, `body` its
    verified payload without any `aws-chunked` framing, `params` what was read from them and decided on.
    `host_bucket`: the S3 bucket that the client named in the host, not in the path (else empty).
    `effect` is the id of the committed effect that the call carries out: the same for each attempt (else empty).
    """

    codec: Codec
    account: str
    region: str
    request: HttpRequest
    body: bytes
    params: dict[str, Any]
    host_bucket: str = ""
    effect: str = ""

    @property
    def service(self) -> str:
        """botocore's name of the service."""
        return self.codec.service

    @property
    def operation(self) -> str:
        """botocore's name of the operation."""
        return self.codec.operation

    @property
    def protocol(self) -> str:
        """The protocol of the request, and of the answer."""
        return self.codec.protocol

    @property
    def signing_name(self) -> str:
        """The service's name in a signature's scope."""
        return self.codec.signing_name

    @property
    def endpoint_prefix(self) -> str:
        """The service's name in AWS's host names."""
        return str(self.model.service_model.metadata["endpointPrefix"])

    @property
    def model(self) -> OperationModel:
        """botocore's model of the operation."""
        return self.codec.model


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
