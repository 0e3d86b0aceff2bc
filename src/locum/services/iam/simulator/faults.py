"""The errors of the policy simulator, in AWS's words.

IAM API Reference, SimulateCustomPolicy, SimulatePrincipalPolicy, "Errors": InvalidInput, PolicyEvaluation,
NoSuchEntity. The texts are those that the API answers.
"""

from __future__ import annotations

from locum.core.errors import Fault
from locum.services.iam.faults import invalid_input, no_such_entity


def invalid_policy(label: str, number: int) -> Fault:
    """The `number`th document of a list (from 1) is not a policy of its kind."""
    return invalid_input(f"{label} list item {number} has invalid content")


def policy_evaluation(name: str) -> Fault:
    """A stored policy cannot be read: what it says is not known, and so neither is the result."""
    return Fault("PolicyEvaluation", f"The policy {name} could not be evaluated.", 500)


def not_an_arn(resource: str) -> Fault:
    """A simulated resource is named by something else than an ARN."""
    return invalid_input(f"ResourceNames are not in a valid ARN format: {resource}.")


def not_an_entity(resource: str) -> Fault:
    """All resources are named where one has to be."""
    return invalid_input(f"Invalid Entity Arn: {resource} does not clearly define entity type and name.")


def no_caller() -> Fault:
    """A resource policy is to be simulated, and nobody for its Principal element to name."""
    return invalid_input("Invalid caller - Caller cannot be null or empty.")


def invalid_caller() -> Fault:
    """The simulated caller is no user, group or role: a session, root or a service."""
    return invalid_input("Invalid caller - Caller must be an IAM user, role or group in this context.")


def invalid_owner(text: str) -> Fault:
    """The owner of the resources is not an account's ARN."""
    return invalid_input(f"'{text}' is not a valid as a Resource Owner.")


def invalid_source(arn: str) -> Fault:
    """PolicySourceArn is the ARN of something else than a user, group or role."""
    return invalid_input(f"Invalid ARN provided in the request: {arn}")


def foreign_source(account: str, other: str) -> Fault:
    """PolicySourceArn names an entity of another account."""
    return invalid_input(
        f"Invalid Policy Source Arn: caller's account {account} does not have access to policies in account {other}."
    )


def no_source() -> Fault:
    """PolicySourceArn names an entity that does not exist."""
    return no_such_entity("Unable to retrieve specified IAM entity.")


def no_action_name() -> Fault:
    """An action without its service."""
    return invalid_input("The action is invalid since it is missing names")


def invalid_handling(action: str) -> Fault:
    """The action does not know the scenario that ResourceHandlingOption names."""
    return invalid_input(
        "Invalid input resource handling options. Action does not support resource handling options: " + f"{action}."
    )
