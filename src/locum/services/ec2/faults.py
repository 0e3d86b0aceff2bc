"""The errors of EC2, with its codes and texts (EC2 Developer Guide, "Error codes for the Amazon EC2 API")."""

from __future__ import annotations

from collections.abc import Sequence

from locum.core.errors import Fault


def missing_parameter(name: str) -> Fault:
    """MissingParameter: a required parameter is missing."""
    return Fault("MissingParameter", f"The request must contain the parameter {name}")


def invalid_value(message: str) -> Fault:
    """InvalidParameterValue: a value is not valid, not supported, or cannot be used."""
    return Fault("InvalidParameterValue", message)


def bad_value(value: object, parameter: str, why: str) -> Fault:
    """InvalidParameterValue with the usual text."""
    return invalid_value(f"Value ({value}) for parameter {parameter} is invalid. {why}")


def invalid_combination(message: str) -> Fault:
    """InvalidParameterCombination: parameters exclude each other, or one is missing."""
    return Fault("InvalidParameterCombination", message)


def idempotency_mismatch() -> Fault:
    """IdempotentParameterMismatch: a client token was used with other parameters before."""
    return Fault(
        "IdempotentParameterMismatch",
        "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
    )


def no_instances_specified() -> Fault:
    """InvalidParameterCombination of a call on instances that names none."""
    return invalid_combination("No instances specified")


def malformed_instance_id(text: str) -> Fault:
    """InvalidInstanceID.Malformed: text that does not have the form of an instance id."""
    hint = "" if text.startswith("i-") else ' (expecting "i-...")'
    return Fault("InvalidInstanceID.Malformed", f'Invalid id: "{text}"{hint}')


def no_such_instances(ids: Sequence[str]) -> Fault:
    """InvalidInstanceID.NotFound, also for ids of another account or region and of instances terminated long ago."""
    subject = f"ID '{ids[0]}' does" if len(ids) == 1 else f"IDs '{', '.join(ids)}' do"
    return Fault("InvalidInstanceID.NotFound", f"The instance {subject} not exist")


def incorrect_instance_state(message: str) -> Fault:
    """IncorrectInstanceState: the operation is not possible in the state of the instance."""
    return Fault("IncorrectInstanceState", message)


def not_stopped(instance_id: str) -> Fault:
    """IncorrectInstanceState of a call that needs a stopped instance."""
    return incorrect_instance_state(f"The instance '{instance_id}' is not in the 'stopped' state.")


def no_such_association(association_id: str) -> Fault:
    """InvalidAssociationID.NotFound, for a profile association."""
    return Fault("InvalidAssociationID.NotFound", f"An invalid association-id of '{association_id}' was given")


def protected(instance_id: str, deed: str, attribute: str) -> Fault:
    """OperationNotPermitted: the instance is protected from being terminated or stopped."""
    text = f"The instance '{instance_id}' may not be {deed}. Modify its '{attribute}' instance attribute and try again."
    return Fault("OperationNotPermitted", text)
