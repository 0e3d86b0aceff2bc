"""Principals of policies that belong to resources and roles: as stored, with unique ids, and as shown, with ARNs.

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
from locum.core.identifiers import ROLE_ID, USER_ID
from locum.state import Role, State, User
from locum.state.arns import entity_of
from locum.state.indexes import UNIQUE_ID

_SESSIONS: Final = ("assumed-role/", "federated-user/")
_ELEMENTS: Final = ("Principal", "NotPrincipal")


def entity_with_id(state: State, unique_id: str) -> User | Role | None:
    """The user or role with this unique id, in any account; None where there is none."""
    if not unique_id.startswith((USER_ID, ROLE_ID)):
        return None
    return state.first(User, UNIQUE_ID, unique_id) or state.first(Role, UNIQUE_ID, unique_id)


def stored_form(state: State, arn: Arn) -> str | None:
    """The stored form of a principal: the unique id of a user or role, the ARN itself of an account or a session.

    None where there is no such user or role.
    """
    text = str(arn)
    sessions = arn.service == "sts" and arn.resource.startswith(_SESSIONS)
    if sessions or (arn.service == "iam" and arn.resource == "root"):
        return text
    entity = entity_of(state, text)
    return entity.id if isinstance(entity, User | Role) else None


def shown_form(state: State, principal: str) -> str:
    """The present ARN of a unique id; the id itself where its user or role was deleted; any other value unchanged."""
    entity = entity_with_id(state, principal)
    return principal if entity is None else entity.arn


def with_principals(document: str, transform: Callable[[str], str]) -> str:
    """The policy `document`, which is valid, with each AWS principal transformed.

    It is the identical text where none of them changes.
    """
    content = json.loads(document)
    statements = content["Statement"]
    changed = False
    for statement in statements if isinstance(statements, list) else [statements]:
        for element in _ELEMENTS:
            principals = statement.get(element)
            if isinstance(principals, dict) and "AWS" in principals:
                before = principals["AWS"]
                principals["AWS"] = _each(before, transform)
                changed = changed or principals["AWS"] != before
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False) if changed else document


def _each(value: Any, transform: Callable[[str], str]) -> Any:
    """`value`, a name or a list of them, transformed. JSON allows an account id as a number."""
    return [transform(str(v)) for v in value] if isinstance(value, list) else transform(str(value))
