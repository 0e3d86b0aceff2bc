"""The errors with which AWS's services tell their clients to slow down."""

from __future__ import annotations

from typing import Final

from locum.core.errors import Fault

_SLOW_DOWN: Final = ("SlowDown", "Please reduce your request rate.", 503)
"""Amazon S3 API Reference, "Error responses"."""

_THROTTLED: Final = {
    "query": ("Throttling", "Rate exceeded", 400),
    "ec2": ("RequestLimitExceeded", "Request limit exceeded.", 503),
    "json": ("ThrottlingException", "Rate exceeded", 400),
    "rest-json": ("ThrottlingException", "Rate exceeded", 429),
    "smithy-rpc-v2-cbor": ("ThrottlingException", "Rate exceeded", 400),
}
"""The error by protocol: "Common error types", ThrottlingException; EC2 API Reference, "Error codes"."""

_SERVICES: Final = {
    "cloudfront": _THROTTLED["query"],
    "lambda": ("TooManyRequestsException", "Rate Exceeded.", 429),
    "route53": _THROTTLED["query"],
}
"""Those that have another: Lambda API Reference, "Invoke"; Route 53 API Reference, "Common errors"."""


def throttled(protocol: str, service: str = "") -> Fault:
    """The error for a call over the limit, in `protocol` (empty: unknown): S3's where there is no other."""
    return Fault(*_SERVICES.get(service, _THROTTLED.get(protocol, _SLOW_DOWN)))
