"""The kinds of faults on request, and the errors that calls are answered by them.

AWS Fault Injection Service has the like: `aws:fis:inject-api-throttle-error`, `-unavailable-error`, `-internal-error`.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from locum.calls.request_context import RequestContext
from locum.calls.throttling import throttled
from locum.core.errors import Fault
from locum.core.principal import NOBODY, Session

MAX_DELAY: Final = 60.0
"""Seconds: the longest delay. SDKs wait a minute for an answer."""
MAX_PROPAGATION: Final = 600.0
"""Seconds."""

_ERRORS: Final = {
    "AccessDenied": (403, "Access Denied"),
    "InternalError": (500, "We encountered an internal error. Please try again."),
    "InternalFailure": (500, "The request processing has failed because of an unknown error, exception or failure."),
    "InternalServerError": (500, "Internal server error"),
    "ProvisionedThroughputExceededException": (400, "The level of configured provisioned throughput was exceeded."),
    "RequestLimitExceeded": (503, "Request limit exceeded."),
    "RequestTimeout": (400, "Your socket connection to the server was not read from or written to in time."),
    "ServiceUnavailable": (503, "The request has failed due to a temporary failure of the server."),
    "ServiceUnavailableException": (503, "The request has failed due to a temporary failure of the server."),
    "SlowDown": (503, "Please reduce your request rate."),
    "TooManyRequestsException": (429, "Rate Exceeded."),
}
"""Status and message of common errors. API references, "Common error types"; S3 API, "Error responses"."""
_UNKNOWN: Final = (400, "The request was refused by a fault on request.")
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9._]{0,127}")
_METADATA_ERRORS: Final = frozenset({400, 401, 403, 404, 429, 500, 503})
_ANY: Final = "*"


class _Injection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """Base of the kinds. Rates are from 0 to 1, delays in seconds."""


class OfCalls(_Injection, frozen=True, tag="calls"):
    """Calls of `service` (`*`: any) and `operation` (empty: any) are delayed, and refused at a `rate`.

    `error` is the code, empty where they are throttled by the code of their service; `status` 0 is that of the code.
    """

    service: str
    operation: str = ""
    rate: float = 0.0
    error: str = ""
    status: int = 0
    delay: float = 0.0

    def __post_init__(self) -> None:
        _check(self.rate, self.delay)
        if self.error and not _CODE.fullmatch(self.error):
            raise ValueError(f"{self.error!r} is no error code: one reads like SlowDown")
        if self.status and not 400 <= self.status <= 599:
            raise ValueError(f"{self.status} is no status of an error: those are from 400 to 599")

    def __str__(self) -> str:
        name = f"{self.service}:{self.operation}" if self.operation else self.service
        what = f"answered {self.error}" if self.error else "throttled"
        return f"{name} {_parts(what, self.rate, self.delay)}"

    def meets(self, context: RequestContext) -> bool:
        """Whether a call is one of these."""
        codec = context.codec
        if codec is None or context.service or context.caller is NOBODY:
            return False
        return self.service in (_ANY, codec.service) and self.operation in ("", codec.operation)

    def fault(self, context: RequestContext) -> Fault:
        """The error of such a call."""
        if not self.error:
            found = throttled(context.protocol, "" if context.codec is None else context.codec.service)
            return Fault(found.code, found.message, self.status or found.status)
        status, message = _ERRORS.get(self.error, _UNKNOWN)
        return Fault(self.error, message, self.status or status)


class OfMetadata(_Injection, frozen=True, tag="metadata"):
    """Metadata requests of `instance` (empty: of any) are delayed, and answered `status` at a `rate`."""

    instance: str = ""
    rate: float = 0.0
    status: int = 503
    delay: float = 0.0

    def __post_init__(self) -> None:
        _check(self.rate, self.delay)
        if self.status not in _METADATA_ERRORS:
            raise ValueError(f"{self.status} is no error of the metadata service")

    def __str__(self) -> str:
        return f"imds{_of(self.instance)} {_parts(f'answered {self.status}', self.rate, self.delay)}"


class ExpiredSessions(_Injection, frozen=True, tag="sessions"):
    """Sessions of a role (name or ARN) and an instance that were issued up to `at` have expired. Empty: of any."""

    role: str = ""
    instance: str = ""
    at: float = 0.0

    def __str__(self) -> str:
        return f"credentials{_of(self.role)}{_of(self.instance)} expired"

    def matches(self, role_arn: str, instance: str) -> bool:
        """Whether sessions of the role in the instance are meant."""
        named = self.role in ("", role_arn) or self.role == role_arn.rpartition("/")[2]
        return named and self.instance in ("", instance)

    def meets(self, session: Session | None) -> bool:
        """Whether a session is one of these."""
        if session is None or session.issued_at > self.at:
            return False
        return self.matches(session.issuer_arn, session.instance_id)


class Delayed(_Injection, frozen=True, tag="propagation"):
    """Changes of IAM take effect after so many seconds."""

    seconds: float

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= MAX_PROPAGATION:
            raise ValueError(f"{self.seconds:g} s is no delay of propagation: it is more than 0 s and at most 10m")

    def __str__(self) -> str:
        return f"propagation of IAM's changes takes {self.seconds:g} s"


Injection = OfCalls | OfMetadata | ExpiredSessions | Delayed


def _check(rate: float, delay: float) -> None:
    """Raise ValueError for what is none, NaN among it."""
    if not 0 <= rate <= 1:
        raise ValueError(f"{rate} is no rate: one is from 0 to 1")
    if not 0 <= delay <= MAX_DELAY:
        raise ValueError(f"{delay:g} s is no delay: one is from 0 s to {MAX_DELAY:g} s")


def _of(name: str) -> str:
    return f" of {name}" if name else ""


def _parts(what: str, rate: float, delay: float) -> str:
    parts = [f"{what} at {100 * rate:g}%"] if rate else []
    return ", ".join([*parts, f"delayed by {delay:g} s"] if delay else parts) or "left alone"
