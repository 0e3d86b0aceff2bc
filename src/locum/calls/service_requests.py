"""The request that stands for a call of a service: what a client would have sent, but for the signature.

Where a client's address and user agent are, CloudTrail shows the service.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final

from locum.backends.lazy import translation
from locum.core.calls import ServiceCall
from locum.core.errors import Fault
from locum.core.http import HttpRequest, HttpResponse
from locum.wire import Codec, codec_of
from locum.wire.fitting import fitted

LARGEST_ANSWER: Final = 8 << 20
"""Octets of a streamed answer that a service takes: a template has 1 MiB, the result of a function 6 MiB."""


def unsent_request(made: ServiceCall, service: str, codec: Codec) -> HttpRequest:
    """The request of a call that `service` makes, as far as records and decisions ask for one."""
    headers = {"user-agent": service, "host": f"{codec.signing_name}.{made.region}.amazonaws.com"}
    return HttpRequest("POST", "/", "", headers, b"", service, secure=True)


def request_for_backend(request: HttpRequest, made: ServiceCall, codec: Codec) -> HttpRequest:
    """`request` with everything that a backend reads: the call in the protocol of `codec`. Raises Fault."""
    said = translation().restated(codec.model, codec.protocol, made.params)
    headers = {**said.headers, **request.headers}
    return HttpRequest(said.method, said.path, said.query, headers, said.body, request.source_ip, secure=True)


def backend_request(codec: Codec, params: Mapping[str, Any], region: str) -> HttpRequest:
    """A request of Locum itself to a backend, in the protocol of `codec`. Raises Fault."""
    said = translation().restated(codec.model, codec.protocol, params)
    headers = {**said.headers, "host": f"{codec.signing_name}.{region}.amazonaws.com"}
    return HttpRequest(said.method, said.path, said.query, headers, said.body, "", secure=True)


async def whole(answer: HttpResponse) -> bytes:
    """The body of `answer`, read to its end. Raises Fault where it is longer than LARGEST_ANSWER."""
    body = answer.body
    if isinstance(body, bytes):
        return body
    chunks: list[bytes] = []
    size = 0
    async for chunk in body:
        chunks.append(chunk)
        size += len(chunk)
        if size > LARGEST_ANSWER:
            if isinstance(body, AsyncGenerator):  # a connection is behind it
                await body.aclose()
            raise Fault("EntityTooLarge", f"The answer is longer than {LARGEST_ANSWER} bytes.", 400)
    return b"".join(chunks)


def made_to_fit(made: ServiceCall) -> ServiceCall:
    """`made` with its parameters fitted to the shapes of the service model. Raises Fault InvalidRequest."""
    codec = codec_of(made.service, made.operation)
    if codec is None:
        raise ValueError(f"{made.service} has no operation {made.operation}")
    return made._replace(params=fitted(codec.model, made.params))
