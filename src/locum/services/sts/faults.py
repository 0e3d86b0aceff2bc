"""The errors of STS that several verbs have, and the check of DurationSeconds."""

from __future__ import annotations

from typing import Final

from locum.core.errors import Fault
from locum.core.principal import Principal
from locum.services.verbs import Params

SHORTEST: Final = 900
"""In seconds. STS API, AssumeRole, GetSessionToken, GetFederationToken: "from 900 seconds (15 minutes)"."""


def access_denied(message: str) -> Fault:
    """AccessDenied for reasons other than policies."""
    return Fault("AccessDenied", message, 403)


def not_authorized(principal: Principal, action: str, resource: str) -> Fault:
    """AccessDenied with the same text as for a denial by policies."""
    return access_denied(f"User: {principal.arn} is not authorized to perform: {action} on resource: {resource}")


def invalid(message: str) -> Fault:
    """ValidationError for a parameter that violates a rule of the operation."""
    return Fault("ValidationError", message)


def constraint(value: object, member: str, rule: str) -> Fault:
    """ValidationError for a parameter that violates the service model, with the text of AWS's validator."""
    return invalid(f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {rule}")


def invalid_identity_token(message: str) -> Fault:
    """InvalidIdentityToken: the token or assertion of an identity provider is not accepted."""
    return Fault("InvalidIdentityToken", message)


def duration(params: Params, default: int, longest: int) -> int:
    """The requested DurationSeconds. Raises ValidationError where it is not from 900 seconds to `longest`."""
    seconds = int(params.get("DurationSeconds", default))
    if seconds < SHORTEST:
        raise constraint(seconds, "durationSeconds", f"Member must have value greater than or equal to {SHORTEST}")
    if seconds > longest:
        raise constraint(seconds, "durationSeconds", f"Member must have value less than or equal to {longest}")
    return seconds
