"""EC2's errors, with its codes and texts (EC2 Developer Guide, "Error codes for the Amazon EC2 API")."""

from __future__ import annotations

from collections.abc import Sequence

from locum.core.errors import Fault


def missing_parameter(name: str) -> Fault:
    """A parameter without which the call makes no sense."""
    return Fault("MissingParameter", f"The request must contain the parameter {name}")


def invalid_value(message: str) -> Fault:
    """A value that is not valid, not supported, or cannot be used."""
    return Fault("InvalidParameterValue", message)


def bad_value(value: object, parameter: str, why: str) -> Fault:
    """The usual words of an invalid value."""
    return invalid_value(f"Value ({value}) for parameter {parameter} is invalid. {why}")


def invalid_combination(message: str) -> Fault:
    """Parameters that do not go together, or one too few."""
    return Fault("InvalidParameterCombination", message)


def malformed_instance_id(text: str) -> Fault:
    """An instance id that is not of the form."""
    hint = "" if text.startswith("i-") else ' (expecting "i-...")'
    return Fault("InvalidInstanceID.Malformed", f'Invalid id: "{text}"{hint}')


def no_such_instances(ids: Sequence[str]) -> Fault:
    """Instance ids that are not there: never were, of another account or region, or long terminated."""
    what = f"ID '{ids[0]}' does" if len(ids) == 1 else f"IDs '{', '.join(ids)}' do"
    return Fault("InvalidInstanceID.NotFound", f"The instance {what} not exist")


def incorrect_instance_state(message: str) -> Fault:
    """An instance that is not in a state for this."""
    return Fault("IncorrectInstanceState", message)


def no_such_association(association_id: str) -> Fault:
    """A profile association id that is not there."""
    return Fault("InvalidAssociationID.NotFound", f"An invalid association-id of '{association_id}' was given")


def protected(instance_id: str, deed: str, attribute: str) -> Fault:
    """An instance that is protected from being terminated or stopped."""
    text = f"The instance '{instance_id}' may not be {deed}. Modify its '{attribute}' instance attribute and try again."
    return Fault("OperationNotPermitted", text)
