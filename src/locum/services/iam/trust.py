"""Trust policies as stored, with unique ids, and as shown, with ARNs (`authz.stored_principals`)."""

from __future__ import annotations

import json
from typing import Final

from locum import policy
from locum.authz.stored_principals import entity_with_id, shown_form, stored_form, with_principals
from locum.core.arn import Arn
from locum.core.identifiers import ACCOUNT_ID, ROLE_ID, USER_ID
from locum.policy import PolicyKind, significant_length
from locum.services.iam import documents
from locum.services.iam.faults import malformed_policy, quota_exceeded
from locum.services.iam.limits import TRUST_POLICY_SIZE
from locum.state import State
from locum.state.service_principals import is_service_principal

_COGNITO: Final = "cognito-identity.amazonaws.com"


def stored(state: State, document: str) -> str:
    """Validate a trust policy, and replace the ARNs of users and roles by their unique ids.

    Raises LimitExceeded; MalformedPolicyDocument, also where a user, role or service does not exist.
    """
    if significant_length(document) > TRUST_POLICY_SIZE:
        raise quota_exceeded("ACLSizePerRole", TRUST_POLICY_SIZE)
    _check_json(document)
    documents.check(document, PolicyKind.TRUST)
    _check_statements(document)
    return with_principals(document, lambda principal: _to_unique_id(state, principal))


def shown(state: State, trust: str) -> str:
    """A stored trust policy with unique ids replaced by the present ARNs, except those of deleted users and roles."""
    if USER_ID not in trust and ROLE_ID not in trust:
        return trust
    return with_principals(trust, lambda principal: shown_form(state, principal))


def _check_json(document: str) -> None:
    """Raise MalformedPolicyDocument for a trust policy that is not JSON, for which IAM has a text of its own."""
    try:
        json.loads(document)
    except ValueError as error:
        raise malformed_policy("This policy contains invalid Json") from error


def _check_statements(document: str) -> None:
    """Raise MalformedPolicyDocument for a service principal that no service has, and for all identities of Cognito."""
    for statement in policy.parse(document, PolicyKind.TRUST).statements:
        if statement.principals is None:
            continue
        for name in statement.principals.service:
            if not is_service_principal(name):
                raise malformed_policy(f'Invalid principal in policy: "SERVICE":"{name}"')
        if _COGNITO in statement.principals.federated and not statement.conditions:
            raise malformed_policy("A condition block must be present for the Cognito provider")


def _to_unique_id(state: State, principal: str) -> str:
    if principal == "*" or ACCOUNT_ID.fullmatch(principal) or entity_with_id(state, principal):
        return principal
    arn = Arn.find(principal)
    found = None if arn is None else stored_form(state, arn)
    if found is None:
        raise malformed_policy(f'Invalid principal in policy: "AWS":"{principal}"')
    return found
