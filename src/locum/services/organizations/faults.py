"""The errors of Organizations. Codes and reasons are those of the model, texts those of AWS where they are known."""

from __future__ import annotations

from locum.core.errors import Fault


def invalid_input(reason: str, message: str) -> Fault:
    """InvalidInputException: a value is well-formed, but not acceptable. `reason` is one of the model's."""
    return Fault("InvalidInputException", message, 400, members={"Reason": reason})


def constraint_violation(reason: str, message: str) -> Fault:
    """ConstraintViolationException: a limit would be exceeded, or a rule of the organization broken."""
    return Fault("ConstraintViolationException", message, 400, members={"Reason": reason})


def handshake_violation(reason: str, message: str) -> Fault:
    """HandshakeConstraintViolationException: a handshake would break a rule of the organization."""
    return Fault("HandshakeConstraintViolationException", message, 400, members={"Reason": reason})


def fault(code: str, message: str) -> Fault:
    """Another error of the model; `code` is without its suffix `Exception`."""
    return Fault(f"{code}Exception", message, 400)


def not_in_use() -> Fault:
    """AWSOrganizationsNotInUseException: the caller's account is in no organization."""
    return fault("AWSOrganizationsNotInUse", "Your account is not a member of an organization.")


def access_denied() -> Fault:
    """AccessDeniedException: the caller's account may not make this call, regardless of policies."""
    return fault("AccessDenied", "You don't have permissions to access this resource.")


def not_all_features() -> Fault:
    """The error for an organization with consolidated billing features only."""
    return constraint_violation(
        "ORGANIZATION_NOT_IN_ALL_FEATURES_MODE",
        "This operation can be performed only in an organization with all features enabled.",
    )


def account_not_found() -> Fault:
    """AccountNotFoundException: no account of the organization has that id."""
    return fault("AccountNotFound", "You specified an account that doesn't exist.")


def unit_not_found() -> Fault:
    """OrganizationalUnitNotFoundException: no unit of the organization has that id."""
    return fault("OrganizationalUnitNotFound", "You specified an organizational unit that doesn't exist.")


def parent_not_found() -> Fault:
    """ParentNotFoundException: neither the root nor a unit of the organization has that id."""
    return fault("ParentNotFound", "You specified parent that doesn't exist.")


def target_not_found() -> Fault:
    """TargetNotFoundException: no target of policies or tags in the organization has that id."""
    return fault("TargetNotFound", "You specified a target that doesn't exist.")


def policy_not_found() -> Fault:
    """PolicyNotFoundException: no policy of the organization has that id."""
    return fault("PolicyNotFound", "You specified a policy that doesn't exist.")


def immutable_policy() -> Fault:
    """The error for changing one of AWS's own policies."""
    return invalid_input("IMMUTABLE_POLICY", "You specified a policy that is managed by AWS and can't be modified.")


def unrecognized_service() -> Fault:
    """The error for a service principal that does not work with Organizations."""
    return invalid_input("UNRECOGNIZED_SERVICE_PRINCIPAL", "You specified an unrecognized service principal.")
