"""The port behind the gateway: what every backend is given and must do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from locum.core.actors import ServiceRole
from locum.core.calls import USUAL_PATIENCE, Patience
from locum.core.http import HttpRequest, HttpResponse
from locum.core.principal import NOBODY, Caller
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.wire import Codec

if TYPE_CHECKING:
    from botocore.model import OperationModel


class Origin(NamedTuple):
    """The origin of a call, caller and time, as services tell others of it in their events.

    `principal_id` is aws:userid, `account` 12 digits or a service principal, `at` epoch seconds, `arn` the caller's,
    `region` the one that the call was signed for, whatever resource it names.
    """

    principal_id: str = ""
    account: str = ""
    request_id: str = ""
    at: float = 0.0
    arn: str = ""
    region: str = ""


UNKNOWN_ORIGIN: Final = Origin()


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True, eq=False)
class BackendCall:
    """An allowed call. `account` is the owner of the resource, `region` its region, where its ARN has one.

    `codec` names the operation and the protocol that the client speaks. `request` is the client's own, `body` its
    verified payload without any `aws-chunked` framing, `params` what was read from them and decided on.
    `host_bucket`: the S3 bucket that the client named in the host, not in the path (else empty).
    `access_point` is the ARN of the access point through which the call comes to its bucket (else empty).
    `effect` is the id of the committed effect that the call carries out: the same for each attempt (else empty).
    `caller` is who makes it. `decide_again`, for an answer that was waited for: decides on the call as it is now, and
    raises Fault where the caller may not make it any more. `resources` are the ARNs that it was decided on for.
    """

    codec: Codec
    account: str
    region: str
    request: HttpRequest
    body: bytes
    params: dict[str, Any]
    host_bucket: str = ""
    effect: str = ""
    origin: Origin = UNKNOWN_ORIGIN
    access_point: str = ""
    caller: Caller = NOBODY
    decide_again: Callable[[], None] = _nothing
    resources: tuple[str, ...] = ()

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


class DeadLetter(NamedTuple):
    """The message that is sent, by the same service and for the same resource, where a delivery is given up.

    `parameters` are those of SendMessage. Where they have message attributes, the reason is added to those.
    """

    parameters: Mapping[str, Any]
    region: str


class Delivery(NamedTuple):
    """A call that a service makes of its own accord because of another call: still to be decided on and made.

    `service_principal` makes it (`s3.amazonaws.com`) on behalf of the resource `source_arn` of `source_account`
    (aws:SourceArn, aws:SourceAccount). `service`, `operation` and `parameters` are botocore's; instants are epoch
    seconds and blobs bytes, as the wire layer reads them. It goes to `account` and `region`. Where it is `required`,
    the call that caused it fails, and changes nothing, unless it can be made. `delay` is in seconds. With a `role`,
    the service makes it in a session of that. `patience` is how long a failure is tried again, and
    `dead_letter` what is sent where it is given up, or refused.
    """

    service_principal: str
    source_arn: str
    source_account: str
    service: str
    operation: str
    parameters: Mapping[str, Any]
    account: str
    region: str
    required: bool = False
    delay: float = 0.0
    role: ServiceRole | None = None
    patience: Patience = USUAL_PATIENCE
    dead_letter: DeadLetter | None = None


class Carried(NamedTuple):
    """A call that was carried out: what is answered, and which calls it causes, in order.

    `undo` takes back what the call did, for when a required delivery cannot be made; None where none is required.
    `stands` says that it is not to be taken back, where somebody waits for that to be said; it raises Fault where it
    was taken back meanwhile.
    """

    response: HttpResponse
    deliveries: tuple[Delivery, ...] = ()
    undo: Callable[[], None] | None = None
    stands: Callable[[], Awaitable[None]] | None = None


class Backend(Protocol):
    """An AWS service behind the gateway: a base class. `forgets`: what it holds is gone when this process ends."""

    forgets: bool

    async def call(self, call: BackendCall) -> Carried:
        """The answer to `call`, an AWS error among them. Raises Fault where there is no such service here."""

    async def facts(
        self, service: str, arn: str, account: str, region: str, parts: Collection[str] = ()
    ) -> ResourceFacts:
        """Owner, policy and tags of the resource `arn` of `service` (`s3`), as far as they are known here.

        `account` and `region` are the caller's: where to look if the ARN does not say. `parts` are the ids of versions
        and uploads of an object, of which only those have attributes. UNKNOWN, if a backend does not say otherwise.
        """
        return UNKNOWN

    async def told(
        self, service: str, operation: str, params: Mapping[str, Any], account: str, region: str
    ) -> dict[str, Any] | None:
        """The answer to a reading call of Locum itself, where it takes no request: the members that Locum reads.

        None, which is so of a backend that does not say otherwise: it takes one (`call`).
        """
        return None

    def in_use(self, service: str) -> bool:
        """Whether there may be more of `service` than it begins with: True, if a backend does not say otherwise."""
        return True

    async def resume(self) -> None:
        """Go on with what was under way when what is kept was written. Nothing, if a backend does not say otherwise."""
        return

    async def forget(self, account: str) -> None:
        """Let go of all that an account has here, which has ended. Nothing, if a backend does not say otherwise."""
        del account

    async def close(self) -> None:
        """Let go of connections and threads."""
