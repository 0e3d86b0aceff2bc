"""The errors of IAM Access Analyzer."""

from __future__ import annotations

from typing import Any

from locum.core.errors import Fault


def not_found(kind: str, identifier: str) -> Fault:
    """ResourceNotFoundException: the account has no such resource in the region. `kind` is `analyzer`, say."""
    members = {"resourceId": identifier, "resourceType": kind}
    return Fault("ResourceNotFoundException", f"The specified {kind} does not exist.", 404, members=members)


def conflict(kind: str, identifier: str) -> Fault:
    """ConflictException: the name is taken."""
    members = {"resourceId": identifier, "resourceType": kind}
    return Fault("ConflictException", f"The {kind} {identifier} already exists.", 409, members=members)


def unfinished(kind: str, identifier: str, status: str) -> Fault:
    """ConflictException: what is asked for is there only when it is complete."""
    members = {"resourceId": identifier, "resourceType": kind}
    return Fault("ConflictException", f"The {kind} {identifier} has the status {status}.", 409, members=members)


def over_quota(kind: str, identifier: str, message: str) -> Fault:
    """ServiceQuotaExceededException: there are as many as there may be."""
    members = {"resourceId": identifier, "resourceType": kind}
    return Fault("ServiceQuotaExceededException", message, 402, members=members)


def invalid(field: str, message: str) -> Fault:
    """ValidationException: a member breaks a rule."""
    members: dict[str, Any] = {"reason": "fieldValidationFailed", "fieldList": [{"name": field, "message": message}]}
    return Fault("ValidationException", f"Invalid value for {field}: {message}", 400, members=members)


def access_denied(message: str) -> Fault:
    """AccessDeniedException: the account may not do it, whatever its policies say."""
    return Fault("AccessDeniedException", message, 403)


def unsupported(what: str) -> Fault:
    """ValidationException: what Locum's Access Analyzer lacks."""
    members = {"reason": "notSupported"}
    return Fault("ValidationException", f"Locum's Access Analyzer does not implement {what} yet.", 400, members=members)


def unprocessable(message: str) -> Fault:
    """UnprocessableEntityException: it cannot be done here, or not with this input."""
    return Fault("UnprocessableEntityException", message, 422)


def invalid_zone(message: str) -> Fault:
    """ValidationException: an analyzer cannot have the zone of trust that its type says."""
    return Fault("ValidationException", message, 400, members={"reason": "fieldValidationFailed"})
