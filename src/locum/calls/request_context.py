"""The request context: one call on its way, and what is known of it so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from locum.authz import Authorization, Plan
from locum.authz.access_points import Through
from locum.core.calls import BY_HEADER, Call, Signing
from locum.core.http import HttpRequest
from locum.core.partial_arn import PartialArn
from locum.core.principal import NOBODY, Caller
from locum.core.resources import Endpoint
from locum.services.verbs import Operation
from locum.state import PendingEffect, State
from locum.wire import Codec


@dataclass(slots=True)
class RequestContext:
    """One call, filled in on its way by the gateway (up to `params`) and by `calls`, in the order of the fields.

    `now` (epoch seconds, by the plane's clock, which is `ahead` seconds ahead of the wall clock) was taken when it
    came, and is the only one it sees. So was `state`; it is a later one where
    the call had to wait before it was decided on (for the keys of an issuer), or where its transaction sees one: then
    it is decided on anew. `request` is the client's, or stands for the call of a service. `service` is the service
    principal that makes the call, empty for a client's. `effect` is what the call carries out. `cause` is the request
    id of the call that caused it. `operation` is how the call is run where it is one of Locum's own. `endpoint` is the
    VPC endpoint that it came through, `through` the access points of S3, which are in `sent`, the parameters as they
    were sent, and not in `params`. `carried`: a backend was given it. `recorded`: its record is stored. `found` are
    the resources that were looked up by their other names. `injected` tells of the fault on request that refuses it.
    `wrong_factor`: a second factor was shown that was not right.
    """

    request: HttpRequest
    request_id: str
    now: float
    state: State
    region: str
    ahead: float = 0.0
    service: str = ""
    effect: PendingEffect | None = None
    cause: str = ""
    signing: Signing = BY_HEADER
    codec: Codec | None = None
    operation: Operation | None = None
    caller: Caller = NOBODY
    params: dict[str, Any] = field(default_factory=dict)
    sent: dict[str, Any] | None = None
    through: Through | None = None
    body: bytes = b""
    second_factor: bool = False
    wrong_factor: bool = False
    found: dict[PartialArn, tuple[str, ...]] | None = None
    plan: Plan | None = None
    endpoint: Endpoint | None = None
    authorization: Authorization | None = None
    carried: bool = False
    recorded: bool = False
    injected: str = ""

    @property
    def wall(self) -> float:
        """The time by the wall clock (epoch seconds): that of the client."""
        return self.now - self.ahead

    @property
    def protocol(self) -> str:
        """The protocol of the call, as far as it is known."""
        return "query" if self.codec is None else self.codec.protocol

    @property
    def request_parameters(self) -> dict[str, Any]:
        """The parameters as they were sent, for the record."""
        return self.params if self.sent is None else self.sent

    def call(self) -> Call:
        """The call as policies see it, once the gateway or a service has named it."""
        assert self.codec is not None
        request, claims = self.request, self.caller.federated_claims
        headers = request.headers
        return Call(
            self.codec.service,
            self.codec.operation,
            self.params if claims is None else {**self.params, **claims.as_params()},
            self.caller,
            self.region,
            self.now,
            "" if self.service else request.source_ip,
            request.secure,
            headers.get("user-agent", ""),
            headers.get("referer", ""),
            self.signing,
            self.request_id,
            self.codec.protocol,
            self.second_factor,
            self.endpoint,
        )
