"""The errors of Organizations: the codes and reasons are modelled, the texts are AWS's own where they are known."""

from __future__ import annotations

from locum.core.errors import Fault


def invalid_input(reason: str, message: str) -> Fault:
    """A value is well-formed and yet not possible; `reason` as InvalidInputException has it."""
    return Fault("InvalidInputException", message, 400, members={"Reason": reason})


def constraint_violation(reason: str, message: str) -> Fault:
    """A limit would be exceeded, or a rule of the organization broken."""
    return Fault("ConstraintViolationException", message, 400, members={"Reason": reason})


def handshake_violation(reason: str, message: str) -> Fault:
    """A handshake would break a rule of the organization."""
    return Fault("HandshakeConstraintViolationException", message, 400, members={"Reason": reason})


def refused(code: str, message: str) -> Fault:
    """Every other modelled error: `code` without the `Exception` at its end."""
    return Fault(f"{code}Exception", message, 400)


def not_in_use() -> Fault:
    """The caller's account is in no organization."""
    return refused("AWSOrganizationsNotInUse", "Your account is not a member of an organization.")


def access_denied() -> Fault:
    """The caller's account may not make this call, whatever its policies say."""
    return refused("AccessDenied", "You don't have permissions to access this resource.")


def not_all_features() -> Fault:
    """The organization has the consolidated billing features only."""
    return constraint_violation(
        "ORGANIZATION_NOT_IN_ALL_FEATURES_MODE",
        "This operation can be performed only in an organization with all features enabled.",
    )


def account_not_found() -> Fault:
    """No account of the organization has that id."""
    return refused("AccountNotFound", "You specified an account that doesn't exist.")


def unit_not_found() -> Fault:
    """No unit of the organization has that id."""
    return refused("OrganizationalUnitNotFound", "You specified an organizational unit that doesn't exist.")


def parent_not_found() -> Fault:
    """Neither the root nor a unit of the organization has that id."""
    return refused("ParentNotFound", "You specified parent that doesn't exist.")


def target_not_found() -> Fault:
    """Nothing of the organization that policies or tags could be on has that id."""
    return refused("TargetNotFound", "You specified a target that doesn't exist.")


def policy_not_found() -> Fault:
    """No policy of the organization has that id."""
    return refused("PolicyNotFound", "You specified a policy that doesn't exist.")


def immutable_policy() -> Fault:
    """One of AWS's own policies is to be changed."""
    return invalid_input("IMMUTABLE_POLICY", "You specified a policy that is managed by AWS and can't be modified.")


def unrecognized_service() -> Fault:
    """The service principal is not one that works with Organizations."""
    return invalid_input("UNRECOGNIZED_SERVICE_PRINCIPAL", "You specified an unrecognized service principal.")
