"""Amazon ECR: repositories of the caller's or another registry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call
from locum.authz.functions import Functions, Values, is_arn_of, own_arn
from locum.core.partial_arn import UNKNOWN_RESOURCE
from locum.policy import CompiledPolicy, PolicyKind
from locum.policy.stored import compiled
from locum.state import State


def _repository(state: State, call: Call, values: Values) -> Iterable[str]:
    """A repository by name and registry, which is the account that owns it, or by ARN."""
    registry, name = values
    if name is not None and name.startswith("arn:"):
        return (name if is_arn_of("ecr", name, "repository/") else UNKNOWN_RESOURCE,)
    return (own_arn(call, "ecr", "repository/", name, account=registry or None),)


def _policy(action: str, arn: str, text: str) -> CompiledPolicy:
    """The policy of a repository, whose statements need no Resource: they are about the repository."""
    return compiled(text, PolicyKind.RESOURCE, f"policy of {arn}", arn, resource=None)


FUNCTIONS: Final = Functions(resolvers={"ecr_repository": _repository}, policy=_policy)
