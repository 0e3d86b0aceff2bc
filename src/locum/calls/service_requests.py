"""The request that stands for a call of a service: what a client would have sent, but for the signature."""

from __future__ import annotations

from locum import wire
from locum.backends.translate import restated
from locum.core.calls import ServiceCall
from locum.core.errors import Fault
from locum.core.http import HttpRequest, HttpResponse
from locum.wire import Codec


def service_request(made: ServiceCall, service: str) -> tuple[HttpRequest, Codec]:
    """The request and the codec of `made`, which `service` (a service principal) makes.

    Where a client's address and user agent are, CloudTrail shows the service. Raises Fault for an operation that there
    is not.
    """
    codec = wire.codec_of(made.service, made.operation)
    if codec is None:
        raise Fault("UnknownOperationException", f"Unknown operation: {made.service}:{made.operation}", 404)
    said = restated(codec.model, codec.protocol, made.params)
    headers = {**said.headers, "user-agent": service, "host": f"{codec.signing_name}.{made.region}.amazonaws.com"}
    return HttpRequest(said.method, said.path, said.query, headers, said.body, service, secure=True), codec


async def whole(answer: HttpResponse) -> bytes:
    """The body of `answer`, read to its end."""
    body = answer.body
    return body if isinstance(body, bytes) else b"".join([chunk async for chunk in body])
