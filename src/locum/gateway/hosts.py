"""AWS's host names in requests: the region that they tell, and whether the signature is one for that endpoint.

IAM User Guide, "Troubleshoot Signature Version 4", "Credential scope": a request is to be signed for the service and
the region of the endpoint that it is sent to. S3 API Reference, "Error responses": AuthorizationHeaderMalformed. A name
that is no endpoint of AWS (`localhost`, an address) says nothing: the signature names service and region.
"""

from __future__ import annotations

from typing import Final

from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.sigv4 import SIGV2, Claim, Failure
from locum.sigv4.faults import family_of, fault
from locum.wire import AwsHost, aws_host

_NOT_SERVED: Final = {
    "lambda-url": "Function URLs are not served here: invoke the function with lambda:InvokeFunction.",
    "execute-api": "APIs of API Gateway are not served here.",
}


def region_of(request: HttpRequest, claim: Claim | None) -> str:
    """The region that a request is for by its host, where its signature has none; empty where that tells none.

    Raises Fault where the signature is one for another endpoint than the request's, or nothing is served at it.
    """
    host = aws_host(request.headers.get("host", ""))
    if host is None:
        return ""
    if host.label and (text := _NOT_SERVED.get(host.prefix)):
        raise Fault("NotImplemented", text, 501)
    if claim is not None and claim.algorithm != SIGV2:
        _check(request, claim, host)
    return host.regions[0] if host.regions else ""


def _check(request: HttpRequest, claim: Claim, host: AwsHost) -> None:
    """Raise Fault where the scope of `claim` is not the endpoint's."""
    scope, kind = claim.scope, Failure.QUERY_SCOPE if claim.presigned else Failure.HEADER_SCOPE
    family = family_of(request, host.signed_as[0]) if host.signed_as else claim.family
    if host.signed_as and scope.service not in host.signed_as:
        belongs = host.signed_as[0]
        text = f"Credential should be scoped to correct service: '{belongs}'. "
        s3 = f'incorrect service "{scope.service}". This endpoint belongs to "{belongs}".'
        raise fault(kind, family, detail=text, s3=s3)
    if host.regions and scope.region not in host.regions:
        region = host.regions[0]
        text = f"Credential should be scoped to a valid region, not '{scope.region}'. "
        s3 = f"the region '{scope.region}' is wrong; expecting '{region}'"
        raise fault(kind, family, members={"Region": region}, detail=text, s3=s3)
