"""Serialization of faults for requests whose operation is unknown; the protocol is guessed from the request."""

from __future__ import annotations

import re

from locum.core.errors import Fault
from locum.core.http import HttpRequest, HttpResponse
from locum.wire.faults import QUERY_JSON, render_fault
from locum.wire.models import REST, Service, index, loaded_model
from locum.wire.route import wants_json

# The service in the scope of a signature: AKID/20150830/us-east-1/iam/aws4_request, in the header or, with %2F, in
# the query string.
# The repetitions are bounded, against headers made to take long to search.
_SCOPE = re.compile(
    r"Credential=[^/%, ]{1,128}(?:/|%2F)[0-9]{1,8}(?:/|%2F)[^/%]{0,64}(?:/|%2F)([^/%]{1,64})(?:/|%2F)aws4_request"
)
_LONGEST = 16_384  # characters of a header or a query string that are searched


def plain_fault(request: HttpRequest, fault: Fault, request_id: str) -> HttpResponse:
    """Serialize `fault` as the service that `request` is probably for would. Loads no model."""
    protocol, service = _guess(request)
    model = loaded_model(service.name) if service is not None else None
    if model is None and service is not None and protocol == "rest-xml" and service.name != "s3":
        protocol = "query"  # the same envelope; without a service, rest-xml would be S3's
    response = render_fault(fault, protocol, model, None, request_id)
    if request.method == "HEAD":
        response.body = b""
    return response


def _guess(request: HttpRequest) -> tuple[str, Service | None]:
    service = _signed_service(request)
    if "smithy-protocol" in request.headers:
        return "smithy-rpc-v2-cbor", service
    if "x-amz-target" in request.headers:
        return "json", service
    protocols = service.protocols if service is not None else ()
    if b"Action=" in request.body[:4096] or "Action=" in request.query_string:
        return _form_protocol(request, service), service
    if service is None:
        return "rest-xml", None
    # Without its header it is not CBOR: an older client of a service that has gone over to it reads JSON.
    return next((p for p in protocols if p in REST), service.without_cbor or "rest-json"), service


def _form_protocol(request: HttpRequest, service: Service | None) -> str:
    if service is None:
        return "query"
    if wants_json(request, service.name):
        return QUERY_JSON
    return "ec2" if "ec2" in service.protocols else "query"


def _signed_service(request: HttpRequest) -> Service | None:
    found = _SCOPE.search(request.headers.get("authorization", ""), 0, _LONGEST) or _SCOPE.search(
        request.query_string, 0, _LONGEST
    )
    services = index().signed_as(found[1]) if found is not None else ()
    return services[0] if services else None
