"""Trust policies as stored, with unique ids, and as shown, with ARNs.

IAM User Guide, "AWS JSON policy elements: Principal": "When you save the policy, IAM transforms the ARN of a
user or role into its unique principal ID. This helps mitigate the risk of someone escalating their permissions
by removing and recreating the role or user. You don't normally see this ID in the console, because there is also
a reverse transformation back to the ARN when the role trust policy is displayed."
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from locum.core.arn import Arn
from locum.core.identifiers import ACCOUNT_ID, ROLE_ID, USER_ID
from locum.policy import PolicyKind, significant_length
from locum.services.iam import documents
from locum.services.iam.faults import malformed_policy, quota_exceeded
from locum.services.iam.limits import TRUST_POLICY_SIZE
from locum.state import Role, State, User
from locum.state.arns import entity_of
from locum.state.indexes import UNIQUE_ID

_SESSIONS: Final = ("assumed-role/", "federated-user/")


def stored(state: State, document: str) -> str:
    """Validate a trust policy, and replace the ARNs of users and roles by their unique ids.

    Raises LimitExceeded; MalformedPolicyDocument, also where a user or role does not exist.
    """
    if significant_length(document) > TRUST_POLICY_SIZE:
        raise quota_exceeded("ACLSizePerRole", TRUST_POLICY_SIZE)
    _check_json(document)
    documents.check(document, PolicyKind.TRUST)
    return _with_principals(document, lambda principal: _to_unique_id(state, principal))


def shown(state: State, trust: str) -> str:
    """A stored trust policy with unique ids replaced by the present ARNs, except those of deleted users and roles."""
    if USER_ID not in trust and ROLE_ID not in trust:
        return trust
    return _with_principals(trust, lambda principal: _to_arn(state, principal))


def _check_json(document: str) -> None:
    """Raise MalformedPolicyDocument for a trust policy that is not JSON, for which IAM has a text of its own."""
    try:
        json.loads(document)
    except ValueError as error:
        raise malformed_policy("This policy contains invalid Json") from error


def _to_unique_id(state: State, principal: str) -> str:
    if principal == "*" or ACCOUNT_ID.fullmatch(principal) or _entity_with_id(state, principal):
        return principal
    arn = Arn.find(principal)
    if arn is not None:
        if _is_stored_as_is(arn):
            return principal
        entity = entity_of(state, principal)
        if isinstance(entity, User | Role):
            return entity.id
    raise malformed_policy(f'Invalid principal in policy: "AWS":"{principal}"')


def _is_stored_as_is(arn: Arn) -> bool:
    """Whether `arn` is that of an account or a session, which have no unique id."""
    if arn.service == "sts":
        return arn.resource.startswith(_SESSIONS)
    return arn.service == "iam" and arn.resource == "root"


def _to_arn(state: State, principal: str) -> str:
    entity = _entity_with_id(state, principal)
    return principal if entity is None else entity.arn


def _entity_with_id(state: State, unique_id: str) -> User | Role | None:
    if not unique_id.startswith((USER_ID, ROLE_ID)):
        return None
    return state.first(User, UNIQUE_ID, unique_id) or state.first(Role, UNIQUE_ID, unique_id)


def _with_principals(document: str, transform: Callable[[str], str]) -> str:
    """`document` with each AWS principal transformed; the identical text where none of them changes."""
    content = json.loads(document)
    statements = content["Statement"]
    changed = False
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal")
        if isinstance(principal, dict) and "AWS" in principal:
            before = principal["AWS"]
            principal["AWS"] = _each(before, transform)
            changed = changed or principal["AWS"] != before
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False) if changed else document


def _each(value: Any, transform: Callable[[str], str]) -> Any:
    return [transform(v) for v in value] if isinstance(value, list) else transform(value)
