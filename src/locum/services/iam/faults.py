"""IAM's errors: the code and status are modelled, the texts are AWS's own (IAM API Reference, "Errors")."""

from __future__ import annotations

from locum.core.errors import Fault


def no_such_entity(message: str) -> Fault:
    """The request names a resource that does not exist."""
    return Fault("NoSuchEntity", message, 404)


def already_exists(message: str) -> Fault:
    """The name is taken."""
    return Fault("EntityAlreadyExists", message, 409)


def delete_conflict(message: str) -> Fault:
    """Something still depends on the resource."""
    return Fault("DeleteConflict", message, 409)


def limit_exceeded(message: str) -> Fault:
    """A quota would be exceeded, and the text is not the common one."""
    return Fault("LimitExceeded", message, 409)


def quota_exceeded(quota: str, limit: int) -> Fault:
    """The common text of LimitExceeded; `quota` is AWS's name for it (`PoliciesPerRole`)."""
    return limit_exceeded(f"Cannot exceed quota for {quota}: {limit}")


def malformed_policy(message: str) -> Fault:
    """A policy document does not parse."""
    return Fault("MalformedPolicyDocument", message, 400)


def invalid_input(message: str) -> Fault:
    """A value is well-formed and yet not possible."""
    return Fault("InvalidInput", message, 400)


def validation_error(message: str) -> Fault:
    """A value breaks a constraint that the model does not state."""
    return Fault("ValidationError", message, 400)


def unmodifiable_role(name: str) -> Fault:
    """A service-linked role (or one of IAM Identity Center's) is changed by somebody else than its service."""
    return Fault(
        "UnmodifiableEntity",
        f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS",
        400,
    )


def not_attachable(message: str) -> Fault:
    """The policy exists, but not for this kind of identity."""
    return Fault("PolicyNotAttachable", message, 400)


def access_denied(message: str) -> Fault:
    """The few denials that IAM itself decides, whatever policies say."""
    return Fault("AccessDenied", message, 403)
