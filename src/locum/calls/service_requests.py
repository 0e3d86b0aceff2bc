"""The request that stands for a call of a service: what a client would have sent, but for the signature.

Where a client's address and user agent are, CloudTrail shows the service.
"""

from __future__ import annotations

from locum.backends.lazy import translation
from locum.core.calls import ServiceCall
from locum.core.http import HttpRequest, HttpResponse
from locum.wire import Codec


def unsent_request(made: ServiceCall, service: str, codec: Codec) -> HttpRequest:
    """The request of a call that `service` makes, as far as records and decisions ask for one."""
    headers = {"user-agent": service, "host": f"{codec.signing_name}.{made.region}.amazonaws.com"}
    return HttpRequest("POST", "/", "", headers, b"", service, secure=True)


def request_for_backend(request: HttpRequest, made: ServiceCall, codec: Codec) -> HttpRequest:
    """`request` with everything that a backend reads: the call in the protocol of `codec`. Raises Fault."""
    said = translation().restated(codec.model, codec.protocol, made.params)
    headers = {**said.headers, **request.headers}
    return HttpRequest(said.method, said.path, said.query, headers, said.body, request.source_ip, secure=True)


async def whole(answer: HttpResponse) -> bytes:
    """The body of `answer`, read to its end."""
    body = answer.body
    return body if isinstance(body, bytes) else b"".join([chunk async for chunk in body])
