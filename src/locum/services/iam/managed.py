"""Look-ups of managed policies by ARN: customer managed and AWS managed ones."""

from __future__ import annotations

from typing import Final, TypeVar

from locum.core.arn import Arn
from locum.services.iam.faults import access_denied, invalid_input, no_such_entity, validation_error
from locum.services.iam.shapes import PolicyFacts
from locum.services.verbs import Context
from locum.state import AWS_MANAGED_ACCOUNT, Policy, managed
from locum.state.arns import entity_by_arn

F = TypeVar("F")

_RESOURCE: Final = "policy/"

_CHANGES: Final = {
    "CreatePolicyVersion": "Cannot create versions for policies outside your own account.",
    "DeletePolicy": "Cannot delete policies outside your own account.",
    "DeletePolicyVersion": "Cannot delete policy versions for policies outside your own account.",
    "SetDefaultPolicyVersion": "Cannot update policies outside your own account.",
}
"""IAM's texts for changes of a policy of AWS or of another account."""


def own(context: Context, arn: str) -> Policy | None:
    """The customer managed policy `arn`, or None. Raises InvalidInput or ValidationError for another kind of ARN."""
    parsed(arn)
    return entity_by_arn(context.state, Policy, arn, context.account)


def facts(context: Context, arn: str) -> PolicyFacts | None:
    """The policy `arn` (an AWS managed one without its document), or None. Raises as `own`."""
    return managed.summary(arn) or own(context, arn)


def of(context: Context, arn: str) -> Policy:
    """The policy `arn`. Raises NoSuchEntity, and as `own`."""
    return _required(find(context, arn), f"Policy {arn} was not found.")


def find(context: Context, arn: str) -> Policy | None:
    """The policy `arn`, or None. Raises as `own`."""
    return managed.get(arn) or own(context, arn)


def known(context: Context, arn: str) -> PolicyFacts:
    """The policy `arn` (an AWS managed one without its document). Raises NoSuchEntity, and as `own`."""
    return _required(facts(context, arn), f"Policy {arn} was not found.")


def to_change(context: Context, arn: str, action: str) -> Policy:
    """The customer managed policy `arn`, for `iam:{action}`.

    Raises AccessDenied for one of AWS or of another account, and as `of`.
    """
    return _required(own_to_change(context, arn, action), f"Policy {arn} was not found.")


def own_to_change(context: Context, arn: str, action: str) -> Policy | None:
    """Like `to_change`, but None where the policy does not exist."""
    account = parsed(arn).account
    if account == AWS_MANAGED_ACCOUNT or (action in _CHANGES and account != context.account):
        caller = context.caller.principal.arn
        tagging = f"User: {caller} is not authorized to perform: iam:{action} on resource: policy {arn}"
        raise access_denied(_CHANGES.get(action, tagging))
    return own(context, arn)


def parsed(arn: str) -> Arn:
    """Parse a policy's ARN. Raises InvalidInput, ValidationError."""
    fields = Arn.find(arn)
    if fields is None:
        raise validation_error(f"ARN {arn} is not valid.")
    if fields.service != "iam" or fields.region or not fields.resource.startswith(_RESOURCE):
        raise invalid_input(f"ARN {arn} is not valid.")
    return fields


def _required(entity: F | None, missing: str) -> F:
    if entity is None:
        raise no_such_entity(missing)
    return entity


def path_and_name(arn: str) -> tuple[str, str]:
    """The path, with both slashes, and the name in a policy's ARN."""
    path, _, name = arn.split(_RESOURCE, 1)[1].rpartition("/")
    return (f"/{path}/" if path else "/"), name


def path_of(arn: str) -> str:
    """The path in a policy's ARN."""
    return path_and_name(arn)[0]


def by_name(arn: str) -> str:
    """The sort key of lists of ARNs: by name, then by account, as AWS managed and own policies may have equal names."""
    return f"{path_and_name(arn)[1].lower()} {parsed(arn).account}"
