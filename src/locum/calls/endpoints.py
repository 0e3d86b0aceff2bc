"""The VPC endpoint that a call comes through, as its host name says and the backend knows it.

The host is part of what is signed. AWS PrivateLink Guide, "Control access to VPC endpoints using endpoint policies".
"""

from __future__ import annotations

from typing import Final

from locum import wire
from locum.calls.request_context import RequestContext
from locum.calls.runtime import Backends
from locum.core.errors import Fault
from locum.core.resources import Endpoint

_SERVICE: Final = "ec2"


async def endpoint_of(context: RequestContext, host: wire.EndpointHost, backends: Backends) -> Endpoint:
    """The VPC endpoint `host` of a call.

    Raises Fault AccessDenied where the backend has no such endpoint, or not one for the service that is called.
    """
    arn = f"arn:aws:{_SERVICE}:{host.region}::vpc-endpoint/{host.id}"
    found = await backends.of(_SERVICE).facts(_SERVICE, arn, context.caller.account, host.region)
    if found.account is None or not _serves(context, host, found.attributes.get("service", "")):
        raise Fault("AccessDenied", f"There is no VPC endpoint {host.id} for {host.service} in {host.region}.", 403)
    return Endpoint(host.id, found.attributes.get("vpc", ""), found.account, found.policy or "")


def _serves(context: RequestContext, host: wire.EndpointHost, service_name: str) -> bool:
    """Whether the endpoint for `service_name` (`com.amazonaws.us-east-1.sqs`) is that of the host, and of the call."""
    assert context.codec is not None
    labels = set(service_name.rpartition(f".{host.region}.")[2].split("."))
    of_call = {context.codec.signing_name, *context.codec.model.service_model.endpoint_prefix.split(".")}
    return labels == set(host.service.split(".")) and not labels.isdisjoint(of_call)
