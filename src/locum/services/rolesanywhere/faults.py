"""The errors of IAM Roles Anywhere."""

from __future__ import annotations

from locum.core.errors import Fault


def validation(message: str) -> Fault:
    """ValidationException: the request breaks a rule."""
    return Fault("ValidationException", message, 400)


def not_found(kind: str) -> Fault:
    """ResourceNotFoundException: there is no such resource in the account and region."""
    return Fault("ResourceNotFoundException", f"{kind} not found", 404)


def denied(message: str) -> Fault:
    """AccessDeniedException: no session is created."""
    return Fault("AccessDeniedException", message, 403)


def untrusted() -> Fault:
    """AccessDeniedException: the certificate leads to no enabled trust anchor, or something about it is not right."""
    return denied("Untrusted signing certificate")


def not_implemented(what: str) -> Fault:
    """ValidationException: what Locum's Roles Anywhere lacks."""
    return validation(f"Locum's IAM Roles Anywhere does not implement {what} yet.")
